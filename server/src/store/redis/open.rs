//! Which logins are open.

use jiff::Timestamp;
use shared::id::LoginId;
use shared::login::{Login, Status};

use super::{RedisStore, scripts, unreadable};
use crate::address::Address;
use crate::store::{Inserted, LoginKey, OpenCaps, Result};

/// How many of the logins that are due are looked at at once.
const DUE_AT_ONCE: usize = 1000;
/// Later than any time, in milliseconds.
const NEVER: i64 = 1 << 52;

impl RedisStore {
    /// Takes a place among the open ones for a new login.
    pub(super) async fn reserve(&self, login: &Login, caps: OpenCaps) -> Result<Inserted> {
        loop {
            let args = [
                login.id.to_string(),
                address(login),
                login.deadline.as_millisecond().to_string(),
                login.issued_at.as_millisecond().to_string(),
                caps.per_address.to_string(),
                caps.total.to_string(),
            ];
            let (room, gives_way): (String, Option<String>) =
                self.link.run::<Room>(&scripts::RESERVE, &[self.keys.open()], &args).await?.into();
            match (room.as_str(), gives_way) {
                ("done", _) => return Ok(Inserted::Done),
                ("address", _) => return Ok(Inserted::AddressFull),
                (_, None) => return Ok(Inserted::Full(None)),
                (_, Some(gives_way)) => {
                    let gives_way: LoginId =
                        gives_way.parse().map_err(|_| unreadable("the list of open logins"))?;
                    // A node that died may have left a place to a login that is not there, or not unscanned.
                    let found = self.find_login(LoginKey::Id(gives_way)).await?;
                    if found.as_ref().is_some_and(|found| found.state.status() == Status::Unscanned) {
                        return Ok(Inserted::Full(Some(gives_way)));
                    }
                    match found {
                        Some(found) => self.note_open(&found).await?,
                        None => self.note_gone(gives_way).await?,
                    }
                }
            }
        }
    }

    /// Notes what became of a login, as it was read.
    pub(super) async fn note_open(&self, login: &Login) -> Result<()> {
        let is_over = login.state.status().is_terminal() && login.due_at().is_none();
        self.note(login, is_over.then_some(NEVER)).await
    }

    /// Notes what became of a login that was listed as due at a time that is over, and is not.
    pub(super) async fn note_not_due(&self, login: &Login, listed_until: Timestamp) -> Result<()> {
        self.note(login, Some(listed_until.as_millisecond())).await
    }

    async fn note(&self, login: &Login, not_due_until: Option<i64>) -> Result<()> {
        let millis = |at: Option<Timestamp>| at.map(|at| at.as_millisecond().to_string()).unwrap_or_default();
        let unscanned = login.state.status() == Status::Unscanned;
        let args = [
            login.id.to_string(),
            address(login),
            millis(login.runs_out_at()),
            millis(unscanned.then_some(login.issued_at)),
            millis(login.due_at()),
            not_due_until.map(|until| until.to_string()).unwrap_or_default(),
        ];
        self.link.run(&scripts::OPEN, &[self.keys.open()], &args).await
    }

    /// Gives the place of a login back that is not there.
    pub(super) async fn note_gone(&self, login: LoginId) -> Result<()> {
        let nothing = String::new;
        let args = [login.to_string(), nothing(), nothing(), nothing(), nothing(), NEVER.to_string()];
        self.link.run(&scripts::OPEN, &[self.keys.open()], &args).await
    }

    /// Notes when a login that is about to be confirmed will have run out: before it is, so that it is never missed.
    pub(super) async fn note_due(&self, login: &Login) -> Result<()> {
        let Some(at) = login.due_at() else { return Ok(()) };
        let mut add = redis::cmd("ZADD");
        add.arg(format!("{}due", self.keys.open())).arg(at.as_millisecond()).arg(login.id.to_string());
        self.link.ask(&add).await
    }

    /// The logins that are due, as the list has them: it may name one that is not.
    pub(super) async fn listed_as_due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(format!("{}due", self.keys.open())).arg("-inf").arg(now.as_millisecond()).arg("BYSCORE");
        range.arg("LIMIT").arg(0).arg(DUE_AT_ONCE);
        let ids: Vec<String> = self.link.ask(&range).await?;
        ids.iter().map(|id| id.parse().map_err(|_| unreadable("the list of due logins"))).collect()
    }
}

fn address(login: &Login) -> String {
    login.request.ip.map(|ip| Address::of(ip).to_string()).unwrap_or_default()
}

/// What the script answers: one or two parts.
struct Room(Vec<Option<String>>);

impl redis::FromRedisValue for Room {
    fn from_redis_value(value: redis::Value) -> std::result::Result<Self, redis::ParsingError> {
        redis::from_redis_value(value).map(Self)
    }
}

impl From<Room> for (String, Option<String>) {
    fn from(Room(parts): Room) -> Self {
        let mut parts = parts.into_iter();
        (parts.next().flatten().unwrap_or_default(), parts.next().flatten())
    }
}
