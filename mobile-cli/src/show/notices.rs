//! What happened to an account, a line for each.

use jiff::tz::TimeZone;
use shared::api::{NoticeKind, Notification};
use shared::say;

use super::{claim, minute, named, sentence};
use crate::output::Paint;

/// When, what, where, and what to do about it: for a PC that is logged in, the command that ends that, of which
/// `end` is all but the number.
pub(crate) fn notice(notice: &Notification, end: &str, zone: &TimeZone, paint: Paint) -> String {
    let lang = paint.lang();
    let undo = notice.session_id.filter(|_| notice.kind == NoticeKind::LoggedIn);
    // Whoever confirmed it did so as this account, and may have its password.
    let undo = undo.map(|_| say!(lang, undo(end, notice.id)));
    let advice = || notice.advice.as_ref().map(|advice| say!(lang, advice(notice.kind, &sentence(advice))));
    let what = say!(lang, notice(notice.kind));
    let what = if is_alarming(notice.kind) { paint.warning(&what) } else { what };
    let device = claim(notice.device_name.as_ref()).map(|name| named(&name));
    let details: Vec<_> = device.into_iter().chain(claim(notice.ip.as_ref())).collect();
    let parts = [
        Some(format!("{}  {what}", minute(notice.at, zone))),
        (!details.is_empty()).then(|| say!(lang, where_it_was(details.join(&say!(lang, comma()))))),
        (notice.count > 1).then(|| say!(lang, times(notice.count))),
        notice.session_id.map(|id| say!(lang, by_session(id))),
        undo.or_else(advice),
    ];
    parts.into_iter().flatten().collect()
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
    use shared::lang::Lang;

    use super::*;

    #[test]
    fn each_is_one_line_with_what_is_known() {
        let shown = |json: serde_json::Value, lang| {
            let mut all = serde_json::json!({"id": 1, "at": "2026-11-23T12:18:00Z", "count": 1});
            all.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
            let told = serde_json::from_value(all).unwrap();
            notice(&told, "mobile-cli sessions end", &TimeZone::UTC, Paint::plain(lang))
        };
        for lang in Lang::ALL {
            let lines = [
                shown(
                    serde_json::json!({"kind": "logged_in", "device_name": "ThinkPad", "ip": "192.0.2.7",
                        "session_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                        "advice": "If this was not you, end the session\nand change your password.\x1b[2J"}),
                    lang,
                ),
                shown(
                    serde_json::json!({"kind": "second_scan_refused", "ip": "192.0.2.8", "count": 3,
                        "advice": "Deny,\nand log in again.\x1b[2J"}),
                    lang,
                ),
                shown(serde_json::json!({"kind": "password_changed"}), lang),
                shown(serde_json::json!({"kind": "login_denied", "device_name": "\u{202e}evil\n"}), lang),
            ];
            insta::assert_snapshot!(format!("each_is_one_line.{}", lang.tag()), lines.join("\n"));
        }
    }
}
