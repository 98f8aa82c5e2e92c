//! The program as somebody sees it: a screen, lines, or nothing any more.

use std::io;

use shared::lang::Lang;

use crate::app::{App, Event, Message};
use crate::plain::Reader;
use crate::signals::{self, Signal};
use crate::terminal::Screen;

/// What the program shows itself with.
pub(crate) enum Face {
    /// The login screen.
    Screen(Screen),
    /// Lines on standard output, in a language.
    Lines(Reader, Lang),
    /// Taken off: the program is about to end, or nobody reads any more.
    None,
}

impl Face {
    /// Shows the app as it is now, to whoever looks at a screen.
    pub(crate) fn show(&mut self, app: &App) -> io::Result<()> {
        match self {
            Self::Screen(screen) => screen.draw(app),
            Self::Lines(..) | Self::None => Ok(()),
        }
    }

    /// Tells of an event, to whoever reads lines.
    pub(crate) fn say(&mut self, event: &Event) -> io::Result<()> {
        match self {
            Self::Lines(reader, lang) => {
                reader.tell(event, *lang, &mut io::stdout().lock(), &mut io::stderr().lock())
            }
            Self::Screen(_) | Self::None => Ok(()),
        }
    }

    /// Does what a signal asks of whoever shows something; the rest is a message.
    pub(crate) fn mind(&mut self, signal: Signal) -> io::Result<Option<Message>> {
        match (signal, self) {
            (Signal::End, _) => return Ok(Some(Message::Stop)),
            (Signal::Suspend, Self::Screen(_)) => Screen::suspend()?,
            (Signal::Suspend, Self::Lines(..) | Self::None) => signals::stop()?,
            (Signal::Resumed, Self::Screen(screen)) => screen.take_again()?,
            (Signal::Resumed, Self::Lines(..) | Self::None) => {}
        }
        Ok(None)
    }

    /// What the person does. Only a screen has one.
    pub(crate) async fn next(&mut self) -> Message {
        match self {
            Self::Screen(screen) => screen.next().await,
            Self::Lines(..) | Self::None => std::future::pending().await,
        }
    }
}
