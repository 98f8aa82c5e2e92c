//! The state machine of one login. Everything that can happen to a login happens in [`Login::apply`].
//!
//! ```text
//! unscanned --scan--> scanned --confirm--> confirmed --redeem--> logged_in
//!     |                 | \---deny--> denied <--- phone |
//!     |                 |       session ends, or three  |
//!     |                 |       wrong check codes        |
//!     +--- deadline ----+--> expired <-- 60 s unredeemed
//!     +--- PC cancels --+--> cancelled
//! ```
//!
//! The machine is pure. It is given what happened and when, and answers with
//! the login as it is afterwards, or with why not. Whoever calls it commits
//! the answer with a compare-and-set on [`Login::revision`]; of any number of
//! racing calls exactly one wins, and the others read again.
//!
//! Expiry is not an event that somebody must deliver: [`Login::at`] shows a
//! login as it is at a given time, and `apply` starts from there.

mod apply;
mod check;
mod state;

pub use apply::{Event, Refusal, Standing, Step};
pub use check::{Check, CheckCode};
pub use state::{Confirmation, Digests, Login, Request, Scan, Scanner, State, Status};

use std::time::Duration;

/// How long a confirmed login waits for its PC.
pub const REDEEM_WITHIN: Duration = Duration::from_mins(1);

/// How many wrong check codes deny a login.
pub const CHECK_TRIES: u8 = 3;

/// How long a redeem whose answer was lost may be repeated.
pub const REPEAT_WITHIN: Duration = Duration::from_secs(30);

/// How long an ended login is kept, so that late calls get a true answer.
pub const KEPT_AFTER_END: Duration = Duration::from_mins(5);
