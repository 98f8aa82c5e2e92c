//! Chinese, in simplified characters, in the words of the apps that people scan and confirm with.

use shared::api::Status;

shared::catalogue! {
    // Where the login stands, as headlines, and what to do now.
    title() = "Saoma 扫码登录";
    asking() = "请稍候";
    asking_for_code() = "正在获取二维码…";
    no_answer() = "服务器没有响应";
    asked_to_wait() = "服务器要求稍候";
    next_try(secs) = { 0 => "正在重试。", _ => "{secs} 秒后重试。" };
    log_in() = "手机扫码登录";
    step_open() = "打开手机上的 Saoma";
    step_scan() = "扫描此二维码";
    step_confirm() = "核对电脑信息，确认登录";
    type_code() = "无法扫码？请在手机上输入：";
    open_link() = "或在手机上打开链接：";
    shown_there_as() = "手机上显示的电脑信息";
    no_room() = "窗口太小，显示不下二维码，请放大窗口。";
    no_room_but(columns, rows) = "窗口太小，显示不下二维码，请放大到 {columns} 列 {rows} 行。";
    or_type_code() = "或在手机上输入手输码：";
    scanned() = "扫描成功";
    scanned_by(name) = "扫描成功：{name}";
    confirm_now() = "请在手机上确认登录。";
    it_asks_about() = "手机上会显示这台电脑：";
    not_your_scan() = "不是您本人扫描？请按 r 换一个新二维码，当前的随即失效。";
    confirmed() = "已确认";
    confirmed_by(name) = "已确认：{name}";
    logging_in() = "正在登录…";
    type_digits() = "请输入手机上显示的两位数字：";
    wrong_digits(left) = { _ => "数字不正确，还可以输入 {left} 次。" };
    time_left(time) = "剩余时间：{time}";
    welcome_back() = "欢迎回来";
    asking_for_session() = "正在确认登录是否仍然有效…";
    logged_in_as(name) = "已登录：{name}";
    since() = "登录时间";
    until() = "有效期至";
    then_renewed() = "到期自动续期";
    session() = "会话";
    today(time) = "今天 {time}";
    is_kept() = "登录状态已保存在这台电脑上，下次启动无需再次扫码。";
    is_not_kept() = "登录状态不会保存，退出程序后即失效。";
    not_you() = "不是您本人？请按 l 退出登录。";
    denied() = "手机端已拒绝";
    nobody_logged_in() = "没有任何人登录。";
    after_denied() = "如需登录，请按 r 换一个新二维码。";
    expired() = "二维码已过期";
    nobody_used_it() = "长时间没有人使用。";
    press_r() = "请按 r 换一个新二维码。";
    cancelled() = "登录已取消";
    given_up() = "服务器取消了这次登录。";
    failed() = "登录失败";
    after_failed() = "请按 r 换一个新二维码重试。";
    lost(secs) = { 0 => "连接已断开，正在重试。", _ => "连接已断开，{secs} 秒后重试。" };

    // The last line: what a key does, in a word or two.
    key_try_now() = "立即重试";
    key_log_out() = "退出登录";
    key_new_code() = "换一个";
    key_save() = "保存";
    key_copy() = "复制链接";
    key_style() = "样式";
    key_digits() = "输入数字";
    key_help() = "帮助";
    key_quit() = "退出";

    // The help: the same at length.
    help() = "按键";
    help_new_code() = "换一个新二维码";
    help_save() = "将二维码保存为图片";
    help_copy() = "复制链接";
    help_transport() = "切换传输方式";
    help_drawing() = "换一种方式显示二维码";
    help_log_out() = "退出登录";
    help_help() = "显示本帮助";
    help_quit() = "退出程序，并取消进行中的登录";
    help_digits() = "按提示输入手机上的两位数字";

    // Notes: what has just been done, or why not.
    transport_is(name) = "传输方式：{name}";
    drawn_auto(style) = "样式：{style}，尽可能大";
    drawn_full(style) = "样式：{style}，每个模块占两个空格";
    drawn_half(style) = "样式：{style}，每个字符两个模块";
    drawn_reverse(style) = "样式：{style}，使用终端自身颜色";
    drawn_picture(style) = "样式：{style}，以像素显示";
    style_missing(wanted, style) = "终端不支持样式 {wanted}，已改用 {style}。";
    no_other_style() = "当前窗口没有其他可用的样式。";
    already_logged_in() = "当前已登录。如需重新登录，请先按 l 退出登录。";
    no_code_to_save() = "当前没有可保存的二维码。";
    no_link_to_copy() = "当前没有可复制的链接。";
    link_copied() = "链接已复制（需终端允许）。";
    qr_saved(path) = "已保存到 {path}";
    qr_not_saved(path, why) = "无法将二维码保存到 {path}：{why}";
    code_renewed() = "二维码已过期，现已自动更换。";
    not_digits() = "输入有误，未发送：请输入 10 到 99 之间的两位数字。";
    session_over() = "登录已失效，请重新登录。";
    nobody_to_log_out() = "当前尚未登录。";
    logged_out() = "已退出登录。";
    not_revoked(why) = "未能通知服务器结束本次登录，请在手机上将其结束。{why}";

    // What is wrong about a value.
    unknown_style() = "样式只能是 auto、full、half、reverse 或 picture";
    no_device_name() = "其中没有可以显示的字符";
    no_count(most) = "必须是 0 到 {most} 之间的整数";

    // Why it can't go on.
    no_more_digits() = "服务器要求输入手机上显示的两位数字，但标准输入已结束，请在标准输入中写入一行数字";
    strange_link() = "服务器返回的链接含有非法字符，请确认这是 Saoma 服务器";
    endless_link(most) = "服务器返回的链接超过 {most} 个字符，请确认这是 Saoma 服务器";
    somebody_else(name, expected) = "登录的是 {name}，而不是预期的 {expected}，该登录已被结束";
    kept_of_somebody_else(name, expected) = "这台电脑登录的是 {name}，而不是 {expected}，请先退出登录：pc-tui logout";
    session_unusable() = "登录尚未使用就已失效";
    no_home() = "当前用户没有主目录，请用 --state-dir 指定登录状态的保存位置";
    not_logged_in(server) = "尚未登录 {server}";
    no_screen(why) = "无法显示界面：{why}，请改用 --plain";
    no_output(why) = "无法写入标准输出：{why}";
    cant_use(path, why) = "无法使用 {path}：{why}，请用 --state-dir 换一个位置，或用 --ephemeral 不保存";
    in_use(server) = "另一个 pc-tui 正在使用 {server} 的登录状态，请先退出它，或用 --state-dir、--ephemeral 分开使用";
    bad_key(path) = "{path} 中不是本机密钥，请将其移走以生成新密钥，然后重新登录";
    unreadable_session(path, aside) = "无法读取 {path} 中的登录状态，已将其另存为 {aside}";

    // `--plain`, a line per change.
    plain_link(link) = "链接：{link}";
    plain_code(code) = "手输码：{code}";
    plain_invitation(secs) = "请在 {secs} 秒内用手机扫描二维码，或在手机上输入手输码。";
    plain_no_room(columns, rows) = "窗口太小，显示不下二维码，需要 {columns} 列 {rows} 行。也可以用 --save-qr FILE 保存为图片。";
    plain_no_characters() = "无法输出二维码：当前语言环境没有所需的字符，请使用链接或手输码，或用 --qr-style full 显示，或用 --save-qr FILE 保存为图片。";
    plain_unscanned() = "等待扫码。";
    plain_scanned() = "扫描成功，请在手机上确认登录。";
    plain_scanned_by(name) = "扫描成功：{name}。请在手机上确认登录。";
    plain_confirmed() = "已确认，正在登录。";
    plain_confirmed_by(name) = "已确认：{name}。正在登录。";
    plain_denied() = "手机端已拒绝登录。";
    plain_cancelled() = "登录已取消。";
    plain_expired() = "二维码已过期。";
    plain_trouble(trouble) = "连接异常：{trouble}";
    plain_check(wanted) = "验证：{wanted}";
    plain_note(note) = "提示：{note}";
    plain_logged_in(name, session) = "已登录：{name}，会话 {session}";
    plain_logged_out(server) = "已退出登录：{server}";
    digits_wanted() = "请输入手机上显示的两位数字，然后按回车键";
    digits_wanted_again(left) = { _ => "数字不正确，还可以输入 {left} 次。请输入手机上显示的两位数字，然后按回车键" };
    trouble(why, secs) = "{why}（{secs} 秒后重试）";
}

/// How a login ended, as the last line of `--plain`.
pub(crate) fn plain_ended(status: Status) -> String {
    let how = match status {
        Status::Unscanned => "等待扫码",
        Status::Scanned => "扫描成功",
        Status::Confirmed => "已确认",
        Status::LoggedIn => "已登录",
        Status::Denied => "已拒绝",
        Status::Cancelled => "已取消",
        Status::Expired => "已过期",
    };
    format!("登录结束：{how}")
}
