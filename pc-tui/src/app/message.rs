//! What comes in (a [`Message`]) and what goes out (an [`Effect`], an [`Event`] for those who read along).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use shared::api::{CheckCode, DeviceAuthorization, Me, Status, TokenAnswer};
use shared::client::{ClientError, News, Redeemed, Transport, TransportChoice};
use shared::exit::Exit;
use shared::id::SessionId;
use shared::name::Username;
use shared::secret::{DeviceCode, Malformed, PcToken, RefreshToken, Token};
use shared::words::Text;

use super::{Issued, Key};
use crate::keep::Session;

/// Which try at a login something belongs to. An answer that comes for an earlier one is late.
pub(crate) type Attempt = u64;

/// Something happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// The program begins, perhaps with the session of an earlier run.
    Start(Option<Session>),
    /// Time has passed.
    Tick,
    /// The window has this size.
    Window {
        /// Its columns and rows.
        cells: Size,
        /// The width and height of a cell in pixels, if the system knows.
        cell_pixels: Option<Size>,
    },
    /// A key was pressed.
    Key(Key),
    /// A line of standard input was read, as a check code; none, if it has ended.
    Typed(Option<Result<CheckCode, Malformed>>),
    /// The program is to end: SIGTERM, or Ctrl-C without a screen.
    Stop,
    /// The server answered the request for a code.
    Issued(Attempt, Result<DeviceAuthorization, ClientError>),
    /// The QR was written to a file, or not.
    QrSaved(Attempt, PathBuf, Result<(), Text>),
    /// The status feed has something to say.
    News(Attempt, News),
    /// The server answered a redeem.
    Redeemed(Attempt, Result<Redeemed, ClientError>),
    /// The server said who is logged in.
    Met(Attempt, Result<Me, ClientError>),
    /// The server answered a refresh.
    Refreshed(Attempt, Result<TokenAnswer, ClientError>),
    /// The server answered a revocation.
    Revoked(Result<(), ClientError>),
    /// The session could not be kept or forgotten on disk.
    NotKept(Text),
}

/// Something is to be done. Everything that touches the world is one of these.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Ask the server for a code.
    Issue(Attempt),
    /// Write the QR to a file.
    SaveQr(Attempt, PathBuf, Arc<Issued>),
    /// Follow a login, instead of whatever was followed before.
    Follow(Attempt, Token<DeviceCode>, TransportChoice),
    /// Follow nothing.
    Unfollow,
    /// Ask for the tokens of a confirmed login, with the digits that were typed.
    Redeem(Attempt, Token<DeviceCode>, Option<CheckCode>),
    /// Read a line of standard input.
    Listen,
    /// Give a login up.
    Cancel(Token<DeviceCode>),
    /// Ask who is logged in.
    Meet(Attempt, Token<PcToken>),
    /// Buy new tokens.
    Refresh(Attempt, Token<RefreshToken>),
    /// End a session at the server.
    Revoke(Token<RefreshToken>),
    /// Keep a session on disk.
    Keep(Session),
    /// Forget the session on disk.
    Forget,
    /// Put a text into the clipboard.
    Copy(String),
    /// Stop until somebody wants the program again.
    Suspend,
    /// Tell those who read along.
    Say(Event),
    /// End, with this exit code, and a complaint if there is one.
    Leave(Exit, Option<Text>),
}

/// News for those who have no screen to look at.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// There is a code to be scanned.
    Issued(Arc<Issued>),
    /// The login has moved on.
    Status {
        /// To this status.
        status: Status,
        /// At this version.
        version: u64,
        /// As this transport says.
        transport: Transport,
        /// Scanned by this name, masked.
        scanned_by: Option<String>,
    },
    /// The server is lost, and is tried again after a while.
    Trouble(Text, Duration),
    /// The digits that the phone shows are wanted.
    CheckCode {
        /// How many wrong ones are left, until the login is denied.
        tries_left: u8,
        /// Whether the last ones were wrong.
        was_wrong: bool,
    },
    /// The PC is logged in.
    LoggedIn(Username, SessionId),
    /// The login ended without success.
    Ended(Status),
    /// Something worth knowing.
    Note(Text),
}
