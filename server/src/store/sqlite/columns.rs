//! What columns hold, as the types that the rest of the server knows.

use std::error::Error;
use std::net::IpAddr;

use jiff::Timestamp;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Result, Row};
use shared::name::Username;
use shared::secret::Digest;

/// Reads a row by the names of its columns.
pub(super) trait Columns {
    /// Any column that has a plain type.
    fn plain<T: FromSql>(&self, column: &str) -> Result<T>;

    /// An id, made by the type's own `from_bytes`.
    fn id<T>(&self, column: &str, from_bytes: impl FnOnce([u8; 16]) -> T) -> Result<T> {
        self.plain(column).map(from_bytes)
    }

    /// A number that is never negative.
    fn count(&self, column: &str) -> Result<u64> {
        let count: i64 = self.plain(column)?;
        u64::try_from(count).map_err(|error| unreadable(Type::Integer, error))
    }

    fn digest<K>(&self, column: &str) -> Result<Digest<K>> {
        self.plain(column).map(Digest::from_bytes)
    }

    fn time(&self, column: &str) -> Result<Timestamp> {
        Timestamp::from_millisecond(self.plain(column)?).map_err(|error| unreadable(Type::Integer, error))
    }

    fn ip(&self, column: &str) -> Result<Option<IpAddr>> {
        let text: Option<String> = self.plain(column)?;
        text.map(|text| text.parse()).transpose().map_err(|error| unreadable(Type::Text, error))
    }

    fn username(&self) -> Result<Username> {
        let text: String = self.plain("username")?;
        Username::parse(&text).map_err(|error| unreadable(Type::Text, error))
    }
}

impl Columns for Row<'_> {
    fn plain<T: FromSql>(&self, column: &str) -> Result<T> {
        self.get(column)
    }
}

/// That somebody else wrote this column.
pub(super) fn unreadable(found: Type, error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, found, Box::new(error))
}

/// A count as a column has it. None comes near the end.
pub(super) fn int(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// An address as text.
pub(super) fn ip_text(ip: Option<IpAddr>) -> Option<String> {
    ip.map(|ip| ip.to_string())
}
