//! Chinese, in simplified characters, in the words of the apps that people scan and confirm with.

use mobile_cli::decode::Unreadable;
use shared::api::NoticeKind;

shared::catalogue! {
    // What is asked.
    new_password(name) = "请设置 {name} 的新密码：";
    same_again() = "请再输入一次：";
    password(name) = "请输入 {name} 的密码：";
    old_password(name) = "请输入 {name} 的原密码：";
    decide() = "  d  拒绝        y  确认登录        回车  暂不处理";
    deny_it() = "确定拒绝登录？";

    // What came of it.
    registered(name, server, next) = "已在 {server} 注册账号 {name}。下一步：{next}";
    logged_in(server, name, next) = "已在 {server} 登录账号 {name}。下一步，扫描电脑上的二维码：{next}";
    password_changed(name) = "{name} 的密码已修改，该账号的其他登录均已失效。";
    logged_out() = "已退出登录，由这部手机确认登录的电脑也已一并退出。";
    who(name, server, session) = "{name}，服务器 {server}，会话 {session}";
    confirmed(name) = "已确认，电脑正在登录账号 {name}。";
    confirmed_already(name) = "此前已确认，电脑正在登录账号 {name}。";
    logged_in_already(name) = "此前已确认，电脑已登录账号 {name}。";
    type_digits(digits) = "已确认。请在电脑上输入 {digits}：";
    tell_nobody(name) = "输入后电脑即登录账号 {name}。请勿告诉他人：凡是通过电话或聊天向您索要这两位数字的，都是想登录您的账号。";
    denied() = "已拒绝，这台电脑不会登录。";
    denied_already() = "本次登录此前已被拒绝或取消，没有电脑因此登录。";
    left_as_it_is(deny) = "暂未处理，本次登录将保持原样直至过期。如需拒绝：{deny}";
    how_to_deny(command) = "  拒绝      {command}";
    how_to_confirm(command) = "  确认登录  {command}";
    ended(session) = "已结束会话 {session}，以及由它授权的登录。";
    ended_others() = "已结束其他所有会话，仅保留这部手机。";
    change_password(command) = "如非本人操作，请尽快修改密码：{command}";
    nothing_happened() = "暂无登录提醒。";
    trying_on(why) = "{why}（正在重试）";

    // Between what stands side by side.
    comma() = "、";

    // Who asks to be logged in.
    log_in_as(name) = "确认让这台电脑登录账号 {name}？";
    device() = "设备";
    own_claim() = "（由对方自称，未经核实）";
    says_nothing() = "对方未说明设备信息";
    address() = "IP 地址";
    not_known() = "未知";
    network() = "网络";
    same_network() = "与这部手机相同";
    other_network() = "与这部手机【不同】";
    network_not_known() = "无法判断是否与这部手机相同";
    known_pc() = "常用电脑";
    known_since(time) = "是，上次登录此账号：{time}";
    known() = "是，曾登录过此账号";
    first_time() = "【否】，首次登录此账号";
    no_key() = "对方未证明密钥，无法判断是否用过";
    wants() = "申请权限";
    requested() = "请求时间";
    time_left() = "剩余时间";
    none_left() = "无";
    seconds(secs) = "{secs} 秒";
    if_sent_to_you() = "如果二维码是网站或他人发给您的，请拒绝：";
    would_log_them_in(name) = "一旦确认，对方就会登录您的账号 {name}。";

    // The table of sessions.
    column_device() = "设备";
    column_address() = "IP 地址";
    column_since() = "登录时间";
    column_last_seen() = "最近活动";
    phone(name) = "手机 {name}";
    pc(name) = "电脑 {name}";
    phone_without_name() = "手机（未命名）";
    pc_without_name() = "电脑（未命名）";
    this_phone() = "* 为这部手机";

    // What happened: parts of a line.
    where_it_was(details) = "：{details}";
    times(count) = { _ => "（共 {count} 次）" };
    by_session(session) = "；会话 {session}";
    undo(command, number) = "。如非本人操作，请尽快修改密码，并执行：{command} {number}";

    // Why it failed.
    neither_id_nor_number() = "既不是会话 ID，也不是提醒的编号，请查看 `sessions` 和 `notifications`";
    no_resources(why) = "本机资源不足：{why}";
    bad_server(server, why) = "--server {server}：{why}";
    not_logged_in(server, command) = "尚未登录 {server}，请先登录：{command}";
    session_over(command) = "这部手机的登录已失效，请重新登录：{command}";
    password_length(min, max) = "新密码应为 {min} 到 {max} 个字符，请换一个";
    passwords_differ() = "两次输入的密码不一致，未做任何更改，请重试";
    no_password() = "没有输入密码，未做任何更改";
    no_terminal_for_password() = "没有终端可供输入密码，请使用 --password-stdin";
    stdin_unreadable(why) = "无法读取标准输入：{why}";
    line_too_long() = "标准输入的这一行太长，不可能是密码";
    no_more_passwords() = "标准输入中没有（更多）密码，请每行写一个";
    password_not_utf8() = "标准输入中的密码不是 UTF-8 编码，请转换编码";
    terminal_fails(why) = "终端出错：{why}，请使用 --yes";
    no_terminal() = "没有终端可供询问，如需直接处理，请加 --yes";
    no_json(why) = "无法将结果写成 JSON：{why}";
    no_output(why) = "无法写入输出：{why}";
    no_ctrl_c(why) = "无法监听 Ctrl-C：{why}";
    wrong_name_or_password() = "用户名或密码错误，请重试";
    wrong_old_password() = "原密码错误，未做任何更改，请重试";
    was_denied() = "本次登录已被拒绝，如需登录电脑，请重新扫码";
    was_cancelled() = "电脑已取消本次登录，如需登录电脑，请重新扫码";
    was_expired() = "二维码已过期，如需登录电脑，请重新扫码";
    was_rescanned() = "该二维码已被再次扫描，之前的扫描不再有效，如需登录电脑，请重新扫码";
    confirmed_before(list) = "本次登录此前已确认，请结束该电脑的会话，会话 ID 见：{list}";
    nothing_scanned(scan) = "没有等待确认的登录，请先扫码：{scan}";
    no_user_code() = "手输码由八个字母组成，不含元音，例如 WDJB-MJHT，请再看一下电脑屏幕";
    not_our_code(server) = "这不是 {server} 的登录二维码，没有发送任何内容；如果要登录其他服务器，请用 --server 指定";
    several_codes() = "图片中有多个登录二维码，没有发送任何内容，请只拍一个";
    or_type(why, scan) = "{why}；也可以输入电脑上显示的手输码：{scan}";
    draw_or_type(why, scan) = "{why}；也可以在电脑上按 d 换一种样式，或输入电脑上显示的手输码：{scan}";
    stdin_no_picture(why) = "无法读取标准输入：{why}，请提供图片";
    no_picture(name, why) = "无法读取 {name}：{why}，请提供图片";
    no_desktop() = "当前没有桌面环境：WAYLAND_DISPLAY 和 DISPLAY 均未设置，请将图片保存为文件，再指定该文件";
    needs_program(program) = "需要 {program}，但尚未安装，请安装，或将图片保存为文件，再指定该文件";
    needs_one_of(programs) = "以下程序均未安装：{programs}，请安装其中之一，或将图片保存为文件，再指定该文件";
    no_copied_picture() = "剪贴板中没有图片，请先复制一张，再重新执行";
    screen_unreadable() = "无法读取屏幕，请将截图保存为文件，再指定该文件";
    no_notification(number, list) = "此账号没有编号为 {number} 的提醒，或已被清除，全部提醒见：{list}";
    notification_of_no_pc(number, list) = "编号为 {number} 的提醒不涉及电脑登录，此账号的会话见：{list}";
    over_already(command) = "该会话早已结束；如非本人操作，请尽快修改密码：{command}";
    no_session(list) = "此账号没有该会话，或已结束，全部会话见：{list}";
    cant_use(path, why) = "无法使用 {path}：{why}，请用 --state-dir 换一个位置";
    phone_file_corrupt(path) = "无法读取 {path}，内容已被改动，请重新登录以替换它";
    scan_file_corrupt(path) = "无法读取 {path}，内容已被改动，请重新扫码以替换它";
    no_home() = "没有主目录可保存登录状态，请用 --state-dir 指定位置";
}

/// Why a picture gives no text.
pub(crate) fn unreadable(why: Unreadable) -> String {
    let words = match why {
        Unreadable::NotAPicture => "无法识别这张图片，支持 PNG、JPEG、WebP、GIF 和 BMP",
        Unreadable::Damaged => "图片已损坏或不完整，请重新保存",
        Unreadable::TooLarge => {
            "图片过大，最大 32 MiB、每边 10000 像素、总计 6400 万像素，部分格式因内存限制更小，请缩小图片"
        }
        Unreadable::NoCode => "没有找到二维码，请靠近、正对、拍清楚，并保留四周的白边",
        Unreadable::Blurred => "没有找到二维码，图片模糊，请拿稳拍清楚，或擦拭镜头",
        Unreadable::TooSmall => "没有找到足够大的二维码，请靠近拍摄，或放大二维码",
        Unreadable::CutOff => "没有找到完整的二维码，请拍下全部内容和四周的白边",
        Unreadable::Unclear => "疑似有二维码但无法读取，请正对、拍清楚、避免反光",
        Unreadable::OutOfTime => "未能在限定时间内找到二维码，请将图片裁剪到只剩二维码",
    };
    words.to_owned()
}

/// What happened to an account.
pub(crate) fn notice(kind: NoticeKind) -> String {
    let words = match kind {
        NoticeKind::LoginConfirmed => "您的手机确认了一次登录",
        NoticeKind::LoggedIn => "一台电脑登录了您的账号",
        NoticeKind::LoginDenied => "您扫描的一次登录被拒绝",
        NoticeKind::SecondScanRefused => "另一部手机试图扫描您已扫描的二维码",
        NoticeKind::ConfirmFromAnotherPhone => "另一部手机试图处理您已扫描的登录",
        NoticeKind::TokenReplayed => "您的令牌被重复使用，对应的会话已结束",
        NoticeKind::LoginNotFinished => "电脑未完成您已确认的登录",
        NoticeKind::PasswordChanged => "您的密码已修改",
    };
    words.to_owned()
}

/// The advice that comes with a notification. The server writes it in English, so what it says of each kind is
/// said here; of a kind that has none here it is shown as it was sent.
pub(crate) fn advice(kind: NoticeKind, said: &str) -> String {
    let words = match kind {
        NoticeKind::LoggedIn => "如非本人操作，请结束该会话，并尽快修改密码。",
        NoticeKind::SecondScanRefused | NoticeKind::ConfirmFromAnotherPhone => {
            "如果那不是您的手机，说明有人能看到您的电脑屏幕：请拒绝，并在没有旁人的地方重新登录。"
        }
        NoticeKind::TokenReplayed => {
            "有人使用了被盗的令牌，电脑的会话已结束。请重新登录；如不清楚被盗原因，请修改密码。"
        }
        NoticeKind::PasswordChanged => "如非本人操作，请联系管理员停用账号。",
        NoticeKind::LoginNotFinished => "电脑未完成这次登录，现已过期。没有任何人登录，请重新扫码。",
        NoticeKind::LoginConfirmed | NoticeKind::LoginDenied => said,
    };
    format!("。{words}")
}
