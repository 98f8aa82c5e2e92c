//! How values are written.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use crate::store::{Rate, redis};

/// Whether check codes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckCodeMode {
    /// Never, whatever a PC says.
    Off,
    /// Always; a PC that can't ask for them gets no login.
    Require,
}

/// Which store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A SQLite database in a file.
    Sqlite(PathBuf),
    /// A SQLite database that is gone when the server stops.
    Memory,
    /// Redis, which several servers share.
    Redis(redis::Place),
}

impl FromStr for StorePlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let usage =
            "use sqlite:PATH, sqlite::memory:, redis://HOST:PORT or redis-cluster://HOST:PORT,HOST:PORT,…";
        match text.split_once(':') {
            Some(("sqlite", ":memory:")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            _ => text.parse().map(Self::Redis).map_err(|_| usage),
        }
    }
}

/// The longest time that a rate counts over: every try in it is remembered.
const MAX_RATE_PER: Duration = Duration::from_hours(24);

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a time like 120s or 5m".to_owned())
}

pub(super) fn code_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration(text)?;
    let allowed = Duration::from_secs(1)..=Duration::from_mins(10);
    if allowed.contains(&lifetime) { Ok(lifetime) } else { Err("a code lives 1s to 10m".to_owned()) }
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let parsed = text.split_once('/').and_then(|(count, per)| {
        let rate = Rate { count: count.parse().ok()?, per: duration(per).ok()? };
        (rate.count > 0 && !rate.per.is_zero() && rate.per <= MAX_RATE_PER).then_some(rate)
    });
    parsed.ok_or_else(|| "write a rate like 60/1m: at most 60 in any minute; a day is the longest".to_owned())
}

pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "write a network like 10.0.0.0/8".to_owned())
}
