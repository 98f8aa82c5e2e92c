//! What the clients say about servers, in Chinese.

use crate::client::UnknownTransport;
use crate::code::BadUrl;
use crate::lang::UnknownLang;
use crate::name::BadUsername;
use crate::problem::{OauthCode, ProblemCode};

crate::catalogue! {
    // No answer: why, and what to look at.
    no_such_host(server) = "无法连接服务器 {server}（找不到该主机），请检查地址和网络";
    not_trusted(server) = "无法连接服务器 {server}（证书不受信任），请检查地址";
    no_tls(server) = "无法连接服务器 {server}（对方不支持 TLS），是否应该用 http 而不是 https？";
    not_secure(server) = "无法连接服务器 {server}（无法建立安全连接），请检查地址";
    refused(server) = "无法连接服务器 {server}（连接被拒绝），请确认服务器已启动";
    broke_off(server) = "无法连接服务器 {server}（连接中断），请确认服务器已启动";
    no_way(server) = "无法连接服务器 {server}（网络不可达），请检查网络";
    no_answer(server) = "无法连接服务器 {server}（响应超时），请检查服务器和网络";
    no_connection(server) = "无法连接服务器 {server}（连接失败），请确认服务器已启动";
    went_silent(server) = "无法连接服务器 {server}（连接没有响应），请检查网络";
    by_gateway(server, status) = "无法连接服务器 {server}（网关返回 {status}），请确认服务器已启动";

    // An answer that no Saoma server gives.
    strange(server, what) = "{server} 的响应不像 Saoma 服务器（{what}），请检查地址，或者先完成当前网络的登录认证";
    endless() = "响应过长";
    no_json(status) = "HTTP {status}，不是 JSON";
    other_json(status) = "HTTP {status}，JSON 内容不符";
    unbound_tokens() = "令牌没有与本机密钥绑定";
    strange_frame() = "无法识别的数据帧";
    binary_frame() = "二进制数据帧";
    taken_over() = "另一个程序接管了状态推送，请使用那个程序，或在这里重新开始";
    uninvited_socket() = "未请求的 WebSocket";

    // This machine's own fault.
    no_set_up(server, cause) = "本机无法建立到 {server} 的连接（{cause}）";
    no_request(server) = "无法向 {server} 发送请求";

    // On standard error: who says it, and why a file can't be used.
    said_by(program, words) = "{program}：{words}";
    no_such_file() = "文件不存在";
    no_permission() = "没有权限";
    is_a_folder() = "这是一个文件夹";
    is_no_folder() = "路径中有一项不是文件夹";

    // What the server said, where a wait belongs to it.
    too_many_tries(secs) = { 0 => "操作过于频繁，请一分钟后再试。", _ => "操作过于频繁，请 {secs} 秒后再试。" };
    not_now(secs) = { 0 => "服务器暂时无法处理，请一分钟后再试。", _ => "服务器暂时无法处理，请 {secs} 秒后再试。" };
    limited() = "操作过于频繁";
    unable() = "服务器暂时无法处理";
    other_address() = "服务器对外使用的是另一个地址，请用 --server 指定它的公开地址，或请管理员把 --public-url 设为当前地址。";
}

/// What the server said.
pub(crate) fn problem(code: ProblemCode) -> String {
    let words = match code {
        ProblemCode::BadRequest => "请求格式有误，请参阅 API 说明。",
        ProblemCode::Unauthenticated => "登录凭证缺失、有误或已失效，请重新登录。",
        ProblemCode::ConfirmTokenInvalid => "确认凭证无效，请重新扫码。",
        ProblemCode::InvalidDpopProof => "密钥持有证明缺失或有误，请用同一密钥重新生成。",
        ProblemCode::WrongTokenKind => "此类令牌不能执行该操作，请使用接口要求的令牌。",
        ProblemCode::NotYourScan => {
            "该二维码已被另一部手机扫描，请在那部手机上处理，或在电脑上换一个新二维码。"
        }
        ProblemCode::RegistrationClosed => "本服务器未开放注册，请联系管理员。",
        ProblemCode::RefusedByPolicy => "电脑或服务器不允许此账号或网络登录，请核对应登录的账号。",
        ProblemCode::NotFound => "这里没有任何内容，请检查地址或 ID。",
        ProblemCode::CodeNotFound => "手输码不存在或已失效，请在电脑上换一个新的。",
        ProblemCode::MethodNotAllowed => "该地址不支持此方法，请查看 Allow 响应头。",
        ProblemCode::AlreadyScanned => "该二维码已被另一部手机扫描，请在电脑上换一个新的。",
        ProblemCode::LoginClosed => "本次扫码登录已结束，请在电脑上换一个新二维码。",
        ProblemCode::UsernameTaken => "用户名已被占用，请换一个。",
        ProblemCode::CodeExpired => "二维码已过期，请在电脑上换一个新的。",
        ProblemCode::ConfirmTokenUsed => "确认凭证已使用或已被替换，如需更改登录结果，请重新扫码。",
        ProblemCode::PayloadTooLarge => "请求内容过大，最多 16 KiB。",
        ProblemCode::UnsupportedMediaType => "请求内容必须是 application/json。",
        ProblemCode::Unprocessable => "缺少必需的值或值不被允许，请参阅 API 说明。",
        ProblemCode::RateLimited => "操作过于频繁，请按 Retry-After 的提示稍后再试。",
        ProblemCode::Unavailable => "服务器暂时无法处理，请按 Retry-After 的提示稍后再试。",
    };
    words.to_owned()
}

/// The same in `/oauth/*`.
pub(crate) fn oauth(code: OauthCode) -> String {
    let words = match code {
        OauthCode::AuthorizationPending => "对方尚未确认，请按间隔时间继续查询。",
        OauthCode::SlowDown => "查询过于频繁，请把间隔延长五秒。",
        OauthCode::AccessDenied => "登录已被拒绝或取消，请重新开始。",
        OauthCode::ExpiredToken => "二维码已过期，请重新开始登录。",
        OauthCode::InvalidGrant => "凭证有误、已使用或已撤销，请重新开始登录。",
        OauthCode::InvalidClient => "客户端缺失或未知，请提供 client_id，或按接口要求使用 HTTP Basic。",
        OauthCode::InvalidRequest => "参数缺失、重复或格式有误。",
        OauthCode::InvalidScope => "scope 格式有误。",
        OauthCode::UnsupportedGrantType => "这里只支持 device code 和 refresh token 两种授权方式。",
        OauthCode::TemporarilyUnavailable => "服务器暂时无法处理，请按 Retry-After 的提示稍后再试。",
        OauthCode::InvalidDpopProof => "密钥持有证明缺失或有误，请用同一密钥重新生成。",
        OauthCode::UseDpopNonce => "请使用 DPoP-Nonce 响应头中的随机数重新生成证明。",
    };
    words.to_owned()
}

/// Why an address is not called.
pub(crate) fn bad_url(why: BadUrl) -> String {
    let words = match why {
        BadUrl::Form => "必须是 http:// 或 https:// 加主机名，可带端口，后面不能有其他内容",
        BadUrl::Plain => {
            "明文 http 会让网络上的人看到密码和令牌，请使用 https；确有必要时可加 --insecure-http"
        }
    };
    words.to_owned()
}

/// Why a text is no user name.
pub(crate) fn bad_username(_: BadUsername) -> String {
    "用户名由 1 到 64 个字符组成，只能使用 a-z 0-9 . _ -".to_owned()
}

/// Why a text names no transport.
pub(crate) fn unknown_transport(_: UnknownTransport) -> String {
    "传输方式只能是 auto、websocket、long-poll 或 poll".to_owned()
}

/// Why a text names no language.
pub(crate) fn unknown_lang(_: UnknownLang) -> String {
    "语言只能是 en 或 zh-CN".to_owned()
}
