//! What happened to an account, a line for each.

use jiff::tz::TimeZone;
use shared::api::{NoticeKind, Notification};

use super::{claim, minute, named, sentence};
use crate::output::Paint;

/// When, what, where, and what to do about it: for a PC that is logged in, the command that ends that, of which
/// `end` is all but the number.
pub(crate) fn notice(notice: &Notification, end: &str, zone: &TimeZone, paint: Paint) -> String {
    let undo = notice.session_id.filter(|_| notice.kind == NoticeKind::LoggedIn);
    // Whoever confirmed it did so as this account, and may have its password.
    let undo = undo.map(|_| format!(". If that was not you, change the password, and: {end} {}", notice.id));
    let advice = || notice.advice.as_ref().map(|advice| format!(". {}", sentence(advice)));
    let what = words(notice.kind);
    let what = if is_alarming(notice.kind) { paint.warning(what) } else { what.to_owned() };
    let device = claim(notice.device_name.as_ref()).map(|name| named(&name));
    let details: Vec<_> = device.into_iter().chain(claim(notice.ip.as_ref())).collect();
    let parts = [
        Some(format!("{}  {what}", minute(notice.at, zone))),
        (!details.is_empty()).then(|| format!(": {}", details.join(", "))),
        (notice.count > 1).then(|| format!(" ({} times)", notice.count)),
        notice.session_id.map(|id| format!("; session {id}")),
        undo.or_else(advice),
    ];
    parts.into_iter().flatten().collect()
}

fn words(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::LoginConfirmed => "A phone of yours confirmed a login",
        NoticeKind::LoggedIn => "A PC is logged in as you",
        NoticeKind::LoginDenied => "A login that you scanned was denied",
        NoticeKind::SecondScanRefused => "Another phone tried to scan a code that yours had scanned",
        NoticeKind::ConfirmFromAnotherPhone => {
            "Another phone tried to decide about a login that yours had scanned"
        }
        NoticeKind::TokenReplayed => "A token of yours was used a second time, so its session has ended",
        NoticeKind::LoginNotFinished => "A PC never finished the login that you confirmed",
        NoticeKind::PasswordChanged => "Your password was changed",
    }
}

/// Whether somebody else may have had a hand in it.
fn is_alarming(kind: NoticeKind) -> bool {
    matches!(
        kind,
        NoticeKind::SecondScanRefused | NoticeKind::ConfirmFromAnotherPhone | NoticeKind::TokenReplayed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_one_line_with_what_is_known() {
        let shown = |json: serde_json::Value| {
            let mut all = serde_json::json!({"id": 1, "at": "2026-11-23T12:18:00Z", "count": 1});
            all.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
            let told = serde_json::from_value(all).unwrap();
            notice(&told, "mobile-cli sessions end", &TimeZone::UTC, Paint::PLAIN)
        };
        let lines = [
            shown(serde_json::json!({"kind": "logged_in", "device_name": "ThinkPad", "ip": "192.0.2.7",
                "session_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "advice": "If this was not you, end the session\nand change your password.\x1b[2J"})),
            shown(serde_json::json!({"kind": "second_scan_refused", "ip": "192.0.2.8", "count": 3,
                "advice": "Deny,\nand log in again.\x1b[2J"})),
            shown(serde_json::json!({"kind": "password_changed"})),
            shown(serde_json::json!({"kind": "login_denied", "device_name": "\u{202e}evil\n"})),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
