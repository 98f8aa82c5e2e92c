//! The help of `--help` in Chinese. In English it is the comments of the arguments' own definition.

/// The text for a command or an argument: see [`shared::help::in_language`].
pub(crate) fn chinese(name: &str) -> Option<&'static str> {
    Some(match name {
        "mobile-cli" => "命令行形式的手机端：扫描电脑上显示的二维码，并作出决定",
        "register" => "注册账号",
        "login" => "在这部手机上登录",
        "password" => "修改密码；其他会话全部结束",
        "logout" => "退出这部手机的登录；由它登录的电脑也一并退出",
        "whoami" => "显示这部手机登录的账号",
        "scan" => "扫描电脑上显示的二维码：显示是谁在请求登录，并保留这次扫描，供 `confirm` 或 `deny` 使用",
        "confirm" => "确认最近一次扫描的登录",
        "deny" => "拒绝最近一次扫描的登录",
        "decode" => DECODE,
        "sessions" => "列出此账号的手机和电脑",
        "end" => "结束一个会话；由手机登录的电脑随之结束",
        "notifications" => "列出此账号的登录提醒，最早的在前",
        "help" => "显示帮助",
        "version" => "显示版本",
        "server" => {
            "服务器。其他任何服务器的二维码在发送任何内容之前就会被拒绝 [默认：http://127.0.0.1:8080]"
        }
        "state_dir" => "保存登录状态的位置，各服务器分开保存 [默认：用户的状态目录]",
        "json" => "以一个对象输出服务器的回答，不含令牌",
        "lang" => "语言：en 或 zh-CN，后者需要 UTF-8 [默认：随语言环境]",
        "insecure_http" => "允许对其他机器使用明文 http，途中的任何人都能看到内容",
        "register name" => "用户名：1 到 64 个字符，可用 a-z 0-9 . _ -",
        "login name" => "账号的用户名",
        "login device_name" => "这部手机在会话列表中的名称 [默认：mobile-cli]",
        "password_stdin" => "从标准输入读取密码，每行一个，而不是询问；`password` 先读原密码，再读新密码",
        "confirm yes" | "deny yes" => "不再询问；没有终端可供询问时必须使用",
        "deny report" => "举报为攻击",
        "decode image" => "PNG、JPEG、WebP、GIF 或 BMP；- 表示标准输入",
        "scan image" => "二维码图片：PNG、JPEG、WebP、GIF 或 BMP；- 表示标准输入",
        "scan code" => "二维码下方的手输码，例如 WDJB-MJHT",
        "scan url" => "二维码中的文本",
        "scan clipboard" => "最近复制的图片",
        "scan screen" => "当前屏幕上显示的内容",
        "scan confirm" => "立即询问是否确认登录",
        "scan yes" => "与 --confirm 一起使用：不再询问；没有终端可供询问时必须使用",
        "end id" => "列表中的会话 ID；或 `notifications` 中的编号：该提醒所说的电脑",
        "end others" => "除这部手机之外的所有会话",
        "notifications follow" => "持续显示新的提醒，直到按下 Ctrl-C；与 --json 一起使用时每行一个对象",
        "after" => AFTER,
        _ => return None,
    })
}

const DECODE: &str = "输出图片中每个二维码的文本，每行一个；不需要服务器\n\n\
                      输出到管道或文件时原样输出；输出到终端时，可能欺骗或控制终端的字符会被转义。";

const AFTER: &str = "\
退出码：
  0 完成   1 失败   2 用法错误   3 未登录，或凭证被拒绝   4 已过期
  5 已拒绝   6 已取消   7 未找到二维码   8 无法连接服务器

使用 --json 时，标准输出得到一个对象：服务器的回答；命令失败时则是
{\"error\":{\"code\":…,\"title\":…}}，同时在标准错误输出一行说明。";
