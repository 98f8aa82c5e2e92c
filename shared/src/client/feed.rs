//! The PC's status feed: one stream of snapshots, whatever carries it.
//!
//! ```text
//!    Feed::next ---- what callers see: news, trouble, the end
//!        |
//!    follow ---------- keeps one transport going, and reads the present between two
//!     |  |  \
//!     |  |   course -- pure: what to do after a loss; when to fall back, how long to pause
//!     |  |
//!     |  socket ------ one WebSocket, on the HTTP client's own connection
//!     topic ---------- what is followed: a login here, notifications for the phone
//!
//!    WebSocket --(3 cuts at once, or a refusal)--> long poll --(2 cut waits)--> short poll
//! ```
//!
//! Nothing is missed, because every way back begins with the present: a
//! socket's first frame, a long poll's version, a plain read. Nothing comes
//! twice or backwards, because a snapshot is news only with a greater version.
//! The whole state lives in the feed, and its work is done inside
//! [`Feed::next`]: dropping that future loses nothing, dropping the feed ends
//! its connection.

mod course;
mod follow;
mod socket;
mod topic;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::ClientError;
use super::http::Http;
use crate::api::Snapshot;
use crate::secret::{DeviceCode, Token};
pub(super) use course::Pace;
pub(super) use follow::{Event, follow};
use topic::LoginTopic;
pub(super) use topic::Topic;

/// What carries a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket: news within milliseconds, for next to nothing.
    WebSocket,
    /// A request that the server answers when there is news.
    LongPoll,
    /// A question every two seconds: works wherever HTTP does.
    Poll,
}

impl Transport {
    /// As on a command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::LongPoll => "long-poll",
            Self::Poll => "poll",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// That a text names no transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transport is one of: auto, websocket, long-poll, poll")]
pub struct UnknownTransport;

impl UnknownTransport {
    /// The same in every language.
    #[must_use]
    pub fn text(self) -> crate::words::Text {
        crate::to_say!(unknown_transport(self))
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::WebSocket, Self::LongPoll, Self::Poll];
        all.into_iter().find(|transport| transport.as_str() == text).ok_or(UnknownTransport)
    }
}

/// Which transports a feed may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TransportChoice {
    /// The best that the network carries.
    #[default]
    Auto,
    /// This one, come what may.
    Only(Transport),
}

impl fmt::Display for TransportChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Only(transport) => transport.fmt(f),
        }
    }
}

impl FromStr for TransportChoice {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Only) }
    }
}

/// What a feed has to say.
#[derive(Clone, Debug)]
pub enum News {
    /// The login as it is now. Its version is greater than any before.
    Snapshot {
        /// The login.
        snapshot: Snapshot,
        /// What carried it.
        transport: Transport,
    },
    /// The server is there after trouble, or another transport carries the feed from here on; the login
    /// itself has not changed.
    Back {
        /// What carries the feed.
        transport: Transport,
    },
    /// The server is lost. The feed goes on by itself.
    Trouble {
        /// Why.
        error: ClientError,
        /// When it tries again, from now.
        retry_in: Duration,
    },
    /// There is no use in going on: the device code is not good, or a newer waiter took this feed's place.
    Gone(ClientError),
}

/// The PC's status feed: one stream of snapshots, whatever carries it.
pub struct Feed {
    news: BoxStream<'static, News>,
}

impl Feed {
    pub(super) fn new(
        http: Http,
        pace: Pace,
        device_code: Token<DeviceCode>,
        transport: TransportChoice,
    ) -> Self {
        let events = follow(http, pace, LoginTopic::new(device_code), transport);
        let news = events.map(|event| match event {
            Event::Item(snapshot, transport) => News::Snapshot { snapshot, transport },
            Event::Back(transport) => News::Back { transport },
            Event::Trouble(error, retry_in) => News::Trouble { error, retry_in },
            Event::Gone(error) => News::Gone(error),
        });
        Self { news: news.boxed() }
    }

    /// The next news; none after a terminal snapshot or [`News::Gone`]. Cancel-safe: a dropped call loses
    /// nothing.
    pub async fn next(&mut self) -> Option<News> {
        self.news.next().await
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}
