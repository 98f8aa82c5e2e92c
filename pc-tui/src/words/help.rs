//! The help of `--help` in Chinese. In English it is the comments of the arguments' own definition.

/// The text for a command or an argument: see [`shared::help::in_language`].
pub(crate) fn chinese(name: &str) -> Option<&'static str> {
    Some(match name {
        "pc-tui" => "显示二维码。用已登录的手机扫描并确认，这台电脑就会登录。",
        "logout" => "退出登录，结束保存在这台电脑上的会话",
        "help" => "显示帮助",
        "version" => "显示版本",
        "server" => "服务器地址：http 或 https、主机名，可带端口 [默认：http://127.0.0.1:8080]",
        "lang" => "语言：en 或 zh-CN，后者需要 UTF-8 [默认：随语言环境]",
        "insecure_http" => "允许对其他机器使用明文 http，途中的任何人都能看到内容",
        "state_dir" => "保存登录状态的位置，代替用户的状态目录",
        "transport" => "如何获知服务器的消息：auto、websocket、long-poll 或 poll [默认：auto]",
        "device_name" => "手机上显示的电脑名称，代替主机名",
        "expect_user" => "应当登录的用户，其他人不得登录",
        "qr_style" => "二维码的显示方式：auto、full、half、reverse 或 picture [默认：auto]",
        "save_qr" => "将每个二维码保存为图片",
        "plain" => "不使用界面：输出二维码，每次变化输出一行",
        "json" => "不使用界面：每行输出一个 JSON 对象",
        "renew" => "二维码过期后自动更换的次数 [默认：0，使用界面时为 5]",
        "ephemeral" => "不在磁盘上保存任何内容，也不使用已保存的内容",
        "after" => AFTER,
        _ => return None,
    })
}

const AFTER: &str = "退出码：0 已登录，1 失败，2 用法错误，3 未登录，4 二维码已过期，5 已拒绝，6 已取消，8 无法连接服务器\n\n\
                     校验数字：如果服务器要求，手机确认后会显示两位数字，请在界面上输入；使用 --plain 或 --json 时，\
                     请在状态变为已确认后，把它们写成一行送入标准输入。三次输错即拒绝登录。";
