//! What to do after a loss. Pure: it is told what happened, and answers with how to go on.
//!
//! When a transport fails, the network may not carry it, or the server may be
//! away; the failure alone does not tell. So under
//! [`Auto`](TransportChoice::Auto) a failure is followed by a plain read of
//! the present, which every network carries. If that fails too, the server is
//! away, and nothing is held against the transport. If one try after the other
//! fails while plain reads succeed, the network is to blame, and after a few
//! strikes the next lower transport has its turn.

use std::sync::Arc;
use std::time::Duration;

use super::{Transport, TransportChoice};
use crate::api::POLL_INTERVAL_SECS;
use crate::client::ClientError;
use crate::random::{self, Random};

/// How often a socket may be cut in its youth before the network is said not to carry sockets.
const SOCKET_STRIKES: u32 = 3;
/// How often a long poll may be cut short. Fewer, since each may cost half a minute.
const LONG_POLL_STRIKES: u32 = 2;
/// The longest pause that a server can talk the feed into: about the life of a login.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(2);

/// How fast a feed goes. Fixed, except that tests are in a hurry.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Pace {
    /// The pause after a first failure, at most. It doubles with each failure in a row.
    pub first_pause: Duration,
    /// The longest pause between two tries.
    pub longest_pause: Duration,
    /// Between two short polls.
    pub poll_interval: Duration,
    /// What a long poll asks to wait.
    pub wait: Duration,
    /// How long a long poll's answer may take beyond that.
    pub wait_margin: Duration,
    /// How long a socket may take to be opened, and again to its first frame, where one is due at once.
    pub greeting: Duration,
    /// A socket on which nothing at all comes for this long is dead: the server pings every 20 s.
    pub silence: Duration,
    /// A socket that lived this long was no failure of the network.
    pub settled: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(8),
            poll_interval: Duration::from_secs(POLL_INTERVAL_SECS),
            wait: Duration::from_secs(25),
            wait_margin: Duration::from_secs(15),
            greeting: Duration::from_secs(5),
            silence: Duration::from_secs(45),
            settled: Duration::from_secs(10),
        }
    }
}

/// How a feed lost what carried it.
#[derive(Clone, Debug)]
pub(super) enum Loss {
    /// The node is restarting, and asks to come back now.
    Restart,
    /// What came back says that the network does not carry this transport.
    Refused(ClientError),
    /// The transport failed. The network or the server may be to blame.
    Cut(ClientError),
    /// A plain read failed: the server is away, or can't right now.
    Away(ClientError),
    /// No later try can succeed.
    Gone(ClientError),
}

/// How to go on.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// Try again.
    Retry {
        /// After this pause.
        pause: Duration,
        /// Beginning with a plain read of the present.
        present_first: bool,
        /// And tell why, if the person should know.
        tell: Option<ClientError>,
    },
    /// Don't.
    Over(ClientError),
}

/// The way that a feed has gone so far, as far as it matters for what to do next.
pub(super) struct Course {
    choice: TransportChoice,
    transport: Transport,
    strikes: u32,
    failures: u32,
    pace: Pace,
    random: Arc<dyn Random>,
}

impl Course {
    pub(super) fn new(choice: TransportChoice, pace: Pace, random: Arc<dyn Random>) -> Self {
        let transport = match choice {
            TransportChoice::Auto => Transport::WebSocket,
            TransportChoice::Only(transport) => transport,
        };
        Self { choice, transport, strikes: 0, failures: 0, pace, random }
    }

    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// A plain read, or a wait, was answered: the server is there.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
    }

    /// The network let a long poll wait as long as it asked to.
    pub(super) fn waited(&mut self) {
        self.strikes = 0;
    }

    /// Holds a failure against the transport. Whether that made it fall back.
    pub(super) fn strike(&mut self) -> bool {
        self.strikes += 1;
        let limit = match self.transport {
            Transport::WebSocket => SOCKET_STRIKES,
            Transport::LongPoll => LONG_POLL_STRIKES,
            Transport::Poll => return false,
        };
        self.strikes >= limit && self.fall_back()
    }

    /// What to do after a loss of something that had `lived` so long.
    pub(super) fn after(&mut self, loss: Loss, lived: Duration) -> Turn {
        if lived >= self.pace.settled {
            self.strikes = 0;
            self.failures = 0;
        }
        match loss {
            Loss::Gone(error) => Turn::Over(error),
            // Many were told the same at the same moment, so even an immediate return is spread a little.
            Loss::Restart if self.failures == 0 => {
                self.failures = 1;
                let pause = self.up_to(self.pace.first_pause);
                Turn::Retry { pause, present_first: false, tell: None }
            }
            Loss::Restart => Turn::Retry { pause: self.pause(None), present_first: false, tell: None },
            Loss::Refused(_) if self.fall_back() => self.at_once(),
            Loss::Cut(_) if self.strike() => self.at_once(),
            Loss::Refused(error) | Loss::Away(error) => self.later(error, true),
            Loss::Cut(error) => {
                // The plain read that follows will tell if the server is away; a pause that the server
                // asked for is too long to say nothing.
                let tell = self.choice != TransportChoice::Auto || error.retry_after_secs().is_some();
                self.later(error, tell)
            }
        }
    }

    fn at_once(&self) -> Turn {
        Turn::Retry { pause: Duration::ZERO, present_first: self.reads_present(), tell: None }
    }

    fn later(&mut self, error: ClientError, tell: bool) -> Turn {
        let pause = self.pause(error.retry_after_secs());
        Turn::Retry { pause, present_first: self.reads_present(), tell: tell.then_some(error) }
    }

    /// Whoever wants nothing but sockets gets nothing else; their first frame is the present too.
    fn reads_present(&self) -> bool {
        self.choice != TransportChoice::Only(Transport::WebSocket)
    }

    fn fall_back(&mut self) -> bool {
        let lower = match (self.choice, self.transport) {
            (TransportChoice::Auto, Transport::WebSocket) => Transport::LongPoll,
            (TransportChoice::Auto, Transport::LongPoll) => Transport::Poll,
            _ => return false,
        };
        self.transport = lower;
        self.strikes = 0;
        self.failures = 0;
        true
    }

    /// Exponential back-off: between half and all of a pause that doubles, so that those who lost the
    /// server together don't all return together. A pause that the server asked for comes on top.
    fn pause(&mut self, retry_after_secs: Option<u64>) -> Duration {
        let doubled = self.pace.first_pause.saturating_mul(1 << self.failures.min(16));
        let longest = doubled.min(self.pace.longest_pause);
        self.failures += 1;
        let own = longest / 2 + self.up_to(longest / 2);
        let asked = Duration::from_secs(retry_after_secs.unwrap_or_default()).min(LONGEST_RETRY_AFTER);
        own + asked
    }

    /// A duration by chance, from nothing to `most`.
    fn up_to(&self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
        let chance = u64::from_le_bytes(random::bytes(self.random.as_ref()));
        Duration::from_micros(chance % (micros + 1))
    }
}

#[cfg(test)]
mod tests;
