//! The names of the keys.
//!
//! ```text
//!                                                                                  until (and a minute more)
//! {7K}login:ID      hash    a login's record, its revision, its last write's id     it is forgotten; if its owner must
//!                                                                                   be told of its end, a week
//! {7K}scan:DIGEST   string  the login's id; so is device:                           it may be forgotten
//! {7K}confirm:…     string  the login's id                                          as the login
//! {7K}pc:ID         hash    a PC's session: record, tokens, use, its generation     its refresh token lapses
//! {7K}access:…      string  the PC session's id; so are refresh: and spent:         that token lapses
//! {7K}outbox        hash    what is to be delivered to other partitions             it is delivered
//! {AT}account:ID    hash    an account                                              it is removed
//! {AT}phone:ID      hash    a phone's session: record, token, owner, generation     a phone would lapse that is unused
//! {AT}token:DIGEST  string  the phone session's id                                  as the phone
//! {AT}phones:ID     set     an account's phones                                     the account is removed; what is
//! {AT}pcs:ID        zset    its PCs, with their phones                              gone is taken off as it is listed
//! {AT}unfinished:ID zset    the logins that a phone scanned                         the last of them, and a day
//! {AT}notices:ID    zset    an account's notices; notice: hash, their rows          1,000 newer ones
//! {AT}known:ID      zset    the PCs that logged in to it, by their keys             100 newer ones
//! {AT}forgot:ID     zset    those that were forgotten, and when                     a week
//! {AT}outcome:ID    string  what a write to the partition came to                   a minute
//! user:DIGEST       string  a login's id, by its user code                          it may be forgotten
//! {names:N}         hash    account ids by their names, in 32 parts                 the account is removed
//! {open}…           zsets   which logins are open, and where they are from          they are not
//! limit:…           zset    what was counted                                        it counts no more
//! proof:…           string  a proof of possession that was used                     three minutes
//! clients secret    hash, string                                                    for good
//! {7K}wakes         a channel: all changes in the partition
//! {7K}never         what no script finds (see `link`); {7K}settled, what is waited for
//! ```
//!
//! `7K` is a login's tag, `AT` an account's: what stands in braces is what
//! Redis Cluster chooses the slot by.

use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::name::Username;
use shared::secret::{ConfirmToken, DeviceCode, Digest, PcToken, PhoneToken, RefreshToken, Scan, User};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::{LimitKey, ProofId};

/// How many parts the names are in.
pub(super) const NAMES_PARTS: u8 = 32;

/// Makes keys.
pub(super) struct Keys {
    namespace: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned() }
    }

    /// How every key of a partition begins.
    pub(super) fn at(&self, tag: Tag) -> String {
        format!("{}{{{}}}", self.namespace, tag.as_str())
    }

    pub(super) fn login(&self, id: LoginId) -> String {
        format!("{}login:{id}", self.at(id.tag()))
    }

    pub(super) fn scan(&self, code: Digest<Scan>) -> String {
        format!("{}scan:{}", self.at(code.tag()), text(code.as_bytes()))
    }

    pub(super) fn device(&self, code: Digest<DeviceCode>) -> String {
        format!("{}device:{}", self.at(code.tag()), text(code.as_bytes()))
    }

    pub(super) fn confirm(&self, token: Digest<ConfirmToken>) -> String {
        format!("{}confirm:{}", self.at(token.tag()), text(token.as_bytes()))
    }

    pub(super) fn user(&self, code: Digest<User>) -> String {
        format!("{}user:{}", self.namespace, text(code.as_bytes()))
    }

    pub(super) fn outbox(&self, tag: Tag) -> String {
        format!("{}outbox", self.at(tag))
    }

    /// What is written only to wait until replicas have it.
    pub(super) fn settled(&self, tag: Tag) -> String {
        format!("{}settled", self.at(tag))
    }

    pub(super) fn channel(&self, tag: Tag) -> String {
        format!("{}wakes", self.at(tag))
    }

    pub(super) fn pc(&self, id: SessionId) -> String {
        format!("{}pc:{id}", self.at(id.tag()))
    }

    pub(super) fn access(&self, token: Digest<PcToken>) -> String {
        format!("{}access:{}", self.at(token.tag()), text(token.as_bytes()))
    }

    pub(super) fn refresh(&self, token: Digest<RefreshToken>) -> String {
        format!("{}refresh:{}", self.at(token.tag()), text(token.as_bytes()))
    }

    pub(super) fn spent(&self, token: Digest<RefreshToken>) -> String {
        format!("{}spent:{}", self.at(token.tag()), text(token.as_bytes()))
    }

    pub(super) fn account(&self, id: AccountId) -> String {
        self.of_account("account", id)
    }

    /// One of an account's lists.
    pub(super) fn of_account(&self, what: &str, id: AccountId) -> String {
        format!("{}{what}:{id}", self.at(id.tag()))
    }

    pub(super) fn phone(&self, id: SessionId) -> String {
        format!("{}phone:{id}", self.at(id.tag()))
    }

    pub(super) fn token(&self, token: Digest<PhoneToken>) -> String {
        format!("{}token:{}", self.at(token.tag()), text(token.as_bytes()))
    }

    pub(super) fn unfinished(&self, phone: SessionId) -> String {
        format!("{}unfinished:{phone}", self.at(phone.tag()))
    }

    /// Where the outcome of a write to an account's partition is remembered for a while.
    pub(super) fn outcome(&self, tag: Tag, write: &str) -> String {
        format!("{}outcome:{write}", self.at(tag))
    }

    pub(super) fn names(&self, name: &Username) -> String {
        // Any even spread will do.
        let sum = name.as_str().bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        self.names_part(sum % NAMES_PARTS)
    }

    pub(super) fn names_part(&self, part: u8) -> String {
        format!("{}{{names:{part}}}", self.namespace)
    }

    /// How the keys begin that say which logins are open.
    pub(super) fn open(&self) -> String {
        format!("{}{{open}}", self.namespace)
    }

    pub(super) fn limit(&self, key: &LimitKey) -> String {
        format!("{}limit:{}:{}", self.namespace, key.limit, key.subject)
    }

    pub(super) fn proof(&self, proof: &ProofId) -> String {
        format!("{}proof:{}", self.namespace, text(proof))
    }

    /// What tells whether a server has the same secret as the others.
    pub(super) fn secret(&self) -> String {
        format!("{}secret", self.namespace)
    }

    pub(super) fn clients(&self) -> String {
        format!("{}clients", self.namespace)
    }
}

/// Bytes, as they stand in a key.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`text`] made.
pub(super) fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
