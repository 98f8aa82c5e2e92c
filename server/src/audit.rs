//! The audit log: every refused attempt and every decision, all of them here.
//!
//! Each event has its own fields, of types that can't hold a secret: ids, addresses and numbers, and never a
//! text that a client sent (the one name in it is given by whoever runs the server). Log lines have the target
//! `audit`; `event` names the kind. What was refused is a warning, what was done is information.

use std::net::IpAddr;

use shared::id::{AccountId, LoginId, SessionId};

use crate::address::Address;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audit<'a> {
    /// A password was wrong, or its account is none, or closed. What was sent as a name may be a password in the
    /// wrong field: only the id of an account that exists is told.
    WrongPassword { account: Option<AccountId>, ip: Option<IpAddr> },
    /// A limit was reached.
    Limited { limit: &'static str, who: Who },
    /// A scanned code is no login's, or a typed one is not good.
    CodeRefused { code: CodeKind, account: AccountId, phone: SessionId, ip: Option<IpAddr> },
    /// A device code is no login's.
    DeviceCodeUnknown { from: Address },
    /// A confirm token is no login's.
    ConfirmTokenUnknown { account: AccountId, phone: SessionId },
    /// A second phone scanned what `owner` had.
    SecondScan { login: LoginId, owner: Option<AccountId>, account: AccountId, phone: SessionId },
    /// A phone tried to decide what `owner` had scanned.
    OtherPhone { login: LoginId, owner: Option<AccountId>, phone: SessionId },
    /// A confirm token came again, or after it was replaced.
    ConfirmTokenUsed { login: LoginId, owner: Option<AccountId>, phone: SessionId },
    /// Another user scanned than the PC expects.
    OtherUser { login: LoginId, account: AccountId, phone: SessionId },
    /// A phone scanned from outside the PC's network.
    OtherNetwork {
        login: LoginId,
        account: AccountId,
        phone: SessionId,
        ip: Option<IpAddr>,
        pc_ip: Option<IpAddr>,
    },
    /// A PC asked from a network that may not.
    PcNotAllowed { ip: Option<IpAddr> },
    /// Another client asked for the tokens than the login was issued to.
    OtherClient { login: LoginId, owner: Option<AccountId> },
    /// Somebody had a device code, or a token of the session that came of it, and not the key that it is bound to.
    OtherKey { login: LoginId, owner: Option<AccountId>, session: Option<SessionId> },
    /// The digits were wrong; with no try left the login was denied.
    WrongCheckCode { login: LoginId, account: AccountId, tries_left: u8 },
    /// A device code was redeemed again, and the session has ended.
    DeviceCodeReplayed { login: LoginId, owner: Option<AccountId>, session: SessionId },
    /// A refresh token came twice, and the session has ended.
    RefreshTokenReplayed { account: AccountId, session: SessionId },
    /// The phone reported a login as an attack.
    Reported { login: LoginId, account: AccountId, pc_ip: Option<IpAddr> },
    /// A login was confirmed.
    Confirmed { login: LoginId, account: AccountId, phone: SessionId, pc_ip: Option<IpAddr> },
    /// A login was denied, or its phone's session ended.
    Denied { login: LoginId, account: AccountId, phone: SessionId, pc_ip: Option<IpAddr> },
    /// A PC got its tokens. Where it is was said when it was confirmed.
    LoggedIn { login: LoginId, account: AccountId, session: SessionId },
    /// So many sessions were ended.
    SessionsEnded { account: AccountId, sessions: usize },
    /// A password was changed, which ended so many sessions.
    PasswordChanged { account: AccountId, ip: Option<IpAddr>, sessions: usize },
    /// An account was made.
    AccountAdded { account: AccountId },
    /// An account was closed.
    AccountDisabled { account: AccountId },
    /// An account was opened again.
    AccountEnabled { account: AccountId },
    /// An account was removed.
    AccountRemoved { account: AccountId },
    /// A resource server was made.
    ClientAdded { name: &'a str },
    /// A resource server was removed.
    ClientRemoved { name: &'a str },
}

/// A code that a phone sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CodeKind {
    /// From a QR.
    Scan,
    /// Typed.
    User,
}

/// Whom a limit stops, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Who {
    pub(crate) account: Option<AccountId>,
    pub(crate) phone: Option<SessionId>,
    pub(crate) from: Option<Address>,
}

impl Who {
    /// Somebody at an address.
    pub(crate) fn at(from: Address) -> Self {
        Self { from: Some(from), ..Self::default() }
    }
}

/// An event's fields. What is not known is not written.
#[derive(Default)]
struct Line<'a> {
    event: &'static str,
    login: Option<LoginId>,
    account: Option<AccountId>,
    owner: Option<AccountId>,
    phone: Option<SessionId>,
    session: Option<SessionId>,
    ip: Option<IpAddr>,
    pc_ip: Option<IpAddr>,
    from: Option<Address>,
    limit: Option<&'static str>,
    code: Option<&'static str>,
    name: Option<&'a str>,
    tries_left: Option<u8>,
    sessions: Option<usize>,
}

impl Audit<'_> {
    /// Writes it down.
    pub(crate) fn log(self) {
        macro_rules! write {
            ($level:ident, $line:expr, $($id:ident)*; $($plain:ident)*) => {
                tracing::$level!(
                    target: "audit",
                    event = $line.event,
                    $($id = $line.$id.map(tracing::field::display),)*
                    $($plain = $line.$plain,)*
                )
            };
        }
        let line = self.line();
        if self.is_refusal() {
            write!(warn, line, login account owner phone session ip pc_ip from; limit code name tries_left sessions);
        } else {
            write!(info, line, login account owner phone session ip pc_ip from; limit code name tries_left sessions);
        }
    }

    fn is_refusal(self) -> bool {
        !matches!(
            self,
            Self::Confirmed { .. }
                | Self::Denied { .. }
                | Self::LoggedIn { .. }
                | Self::SessionsEnded { .. }
                | Self::PasswordChanged { .. }
                | Self::AccountAdded { .. }
                | Self::AccountDisabled { .. }
                | Self::AccountEnabled { .. }
                | Self::AccountRemoved { .. }
                | Self::ClientAdded { .. }
                | Self::ClientRemoved { .. }
        )
    }
}

/// A line with these fields.
macro_rules! line {
    ($event:literal $(, $field:ident $(: $value:expr)?)*) => {
        Line { event: $event, $($field: line!(@ $field $(: $value)?).into(),)* ..Line::default() }
    };
    (@ $field:ident) => { $field };
    (@ $field:ident : $value:expr) => { $value };
}

impl<'a> Audit<'a> {
    fn line(self) -> Line<'a> {
        match self {
            Self::WrongPassword { account, ip } => line!("wrong_password", account, ip),
            Self::Limited { limit, who: Who { account, phone, from } } => {
                line!("limited", limit, account, phone, from)
            }
            Self::CodeRefused { code, account, phone, ip } => {
                line!("code_refused", code: code.name(), account, phone, ip)
            }
            Self::DeviceCodeUnknown { from } => line!("device_code_unknown", from),
            Self::ConfirmTokenUnknown { account, phone } => line!("confirm_token_unknown", account, phone),
            Self::SecondScan { login, owner, account, phone } => {
                line!("second_scan", login, owner, account, phone)
            }
            Self::OtherPhone { login, owner, phone } => line!("other_phone", login, owner, phone),
            Self::ConfirmTokenUsed { login, owner, phone } => {
                line!("confirm_token_used", login, owner, phone)
            }
            Self::OtherUser { login, account, phone } => line!("other_user", login, account, phone),
            Self::OtherNetwork { login, account, phone, ip, pc_ip } => {
                line!("other_network", login, account, phone, ip, pc_ip)
            }
            Self::PcNotAllowed { ip } => line!("pc_not_allowed", ip),
            Self::OtherClient { login, owner } => line!("other_client", login, owner),
            Self::OtherKey { login, owner, session } => line!("other_key", login, owner, session),
            Self::WrongCheckCode { login, account, tries_left } => {
                line!("wrong_check_code", login, account, tries_left)
            }
            Self::DeviceCodeReplayed { login, owner, session } => {
                line!("device_code_replayed", login, owner, session)
            }
            Self::RefreshTokenReplayed { account, session } => {
                line!("refresh_token_replayed", account, session)
            }
            Self::Reported { login, account, pc_ip } => line!("reported", login, account, pc_ip),
            Self::Confirmed { login, account, phone, pc_ip } => {
                line!("login_confirmed", login, account, phone, pc_ip)
            }
            Self::Denied { login, account, phone, pc_ip } => {
                line!("login_denied", login, account, phone, pc_ip)
            }
            Self::LoggedIn { login, account, session } => line!("logged_in", login, account, session),
            Self::SessionsEnded { account, sessions } => line!("sessions_ended", account, sessions),
            Self::PasswordChanged { account, ip, sessions } => {
                line!("password_changed", account, ip, sessions)
            }
            Self::AccountAdded { account } => line!("account_added", account),
            Self::AccountDisabled { account } => line!("account_disabled", account),
            Self::AccountEnabled { account } => line!("account_enabled", account),
            Self::AccountRemoved { account } => line!("account_removed", account),
            Self::ClientAdded { name } => line!("client_added", name),
            Self::ClientRemoved { name } => line!("client_removed", name),
        }
    }
}

impl CodeKind {
    fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan_code",
            Self::User => "user_code",
        }
    }
}
