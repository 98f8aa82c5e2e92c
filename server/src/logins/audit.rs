//! Which steps of a login are audit events.

use shared::login::{Event, Login, Refusal, State};

use crate::audit::Audit;

/// A call that a login refused. That it is pending, closed or expired is everyday life and no event.
pub(super) fn refused(login: &Login, event: &Event, refusal: &Refusal) {
    let (id, owner) = (login.id, login.state.scan().map(|scan| scan.by.account));
    let audit = match (refusal, event) {
        (Refusal::AlreadyScanned, Event::Scan { by, .. }) => {
            Audit::SecondScan { login: id, owner, account: by.account, phone: by.phone }
        }
        (Refusal::OtherUserExpected, Event::Scan { by, .. }) => {
            Audit::OtherUser { login: id, account: by.account, phone: by.phone }
        }
        (Refusal::NotYourScan, Event::Confirm { phone, .. } | Event::Deny { phone, .. }) => {
            Audit::OtherPhone { login: id, owner, phone: *phone }
        }
        (Refusal::ConfirmTokenUsed(_), Event::Confirm { phone, .. } | Event::Deny { phone, .. }) => {
            Audit::ConfirmTokenUsed { login: id, owner, phone: *phone }
        }
        (Refusal::OtherClient, _) => Audit::OtherClient { login: id, owner },
        (Refusal::OtherKey, _) => return other_key(login),
        (Refusal::Replayed(session), _) => Audit::DeviceCodeReplayed { login: id, owner, session: *session },
        _ => return,
    };
    audit.log();
}

/// A call about a login with another key than its own.
pub(super) fn other_key(login: &Login) {
    let owner = login.state.scan().map(|scan| scan.by.account);
    Audit::OtherKey { login: login.id, owner, session: None }.log();
}

/// A step that was carried out: decisions, and what was typed wrong.
pub(super) fn stepped(login: &Login, event: &Event) {
    let Some(scan) = login.state.scan() else { return };
    let (id, account, phone, pc_ip) = (login.id, scan.by.account, scan.by.phone, login.request.ip);
    let audit = match (event, &login.state) {
        (Event::Confirm { .. }, _) => Audit::Confirmed { login: id, account, phone, pc_ip },
        (Event::Deny { .. } | Event::PhoneEnded, _) => Audit::Denied { login: id, account, phone, pc_ip },
        (Event::Redeem { .. }, State::LoggedIn { session, .. }) => {
            Audit::LoggedIn { login: id, account, session: *session }
        }
        (Event::Redeem { .. }, State::Confirmed(confirmation)) => {
            let tries_left = confirmation.check.map_or(0, |check| check.tries_left);
            Audit::WrongCheckCode { login: id, account, tries_left }
        }
        (Event::Redeem { .. }, State::Denied { .. }) => {
            Audit::WrongCheckCode { login: id, account, tries_left: 0 }
        }
        _ => return,
    };
    audit.log();
}
