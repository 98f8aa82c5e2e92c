//! The terminal as a screen: taken over at the start, and given back however the program ends.
//!
//! It is given back when a [`Screen`] is dropped, which covers the orderly
//! ways (a key, a signal, an error), and by the panic hook, which comes before
//! the panic's own words are printed; and for a while when the program is
//! stopped ([`Screen::suspend`]).
//!
//! Before anything is drawn the terminal is asked what it can show ([`question`]).

mod answers;
mod question;
mod surroundings;

pub(crate) use question::{Known, Letters};
pub(crate) use surroundings::{Surroundings, is_screen};

use std::collections::VecDeque;
use std::io::{self, Stdout, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{Event, EventStream};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, style};
use futures_util::StreamExt as _;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect, Size};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::app::{App, Key, Message};
use crate::qr::Graphics;
use crate::signals;
use crate::view;

/// Whether the terminal is taken over. There is only one.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken over.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    events: mpsc::UnboundedReceiver<io::Result<Event>>,
    listener: AbortHandle,
    /// What was there before anybody listened: the size, and what was typed while the terminal was asked.
    waiting: VecDeque<Message>,
    /// The picture that is on the screen.
    picture: Option<(Rect, Graphics)>,
}

impl Screen {
    /// Takes the terminal over, and asks it what it can show.
    pub(crate) fn open(surroundings: Surroundings) -> io::Result<(Self, Known)> {
        // The code needs its colours, whatever NO_COLOR says; the rest of the screen minds it by itself.
        style::force_color_output(true);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            hook(panic);
        }));
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        Self::opened(surroundings).inspect_err(|_| give_back())
    }

    fn opened(surroundings: Surroundings) -> io::Result<(Self, Known)> {
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        let known = Known::ask(surroundings, question::cell_pixels(), question::exchange);
        // Whatever the questions have left behind goes.
        execute!(io::stdout(), Clear(ClearType::All))?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        let size = window(terminal.size()?);
        let waiting = [size].into_iter().chain(known.keys.iter().copied().map(Message::Key)).collect();
        let (events, listener) = listen();
        Ok((Self { terminal, events, listener, waiting, picture: None }, known))
    }

    /// Shows the app as it is now, unless the terminal is somebody else's. What has not changed is not written again.
    pub(crate) fn draw(&mut self, app: &App) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        let size = self.terminal.size()?;
        let picture = view::picture(app, size);
        if picture != self.picture {
            // What is written over a picture takes it away in some terminals and not in others.
            let removal = self.picture.map(|(_, graphics)| graphics.removal());
            io::stdout().write_all(removal.unwrap_or_default().as_bytes())?;
            self.terminal.resize(Rect::from((Position::ORIGIN, size)))?;
            self.picture = picture;
        }
        self.terminal.draw(|frame| view::draw(app, frame)).map(|_| ())
    }

    /// The next thing that the person at the keyboard does. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Message {
        if let Some(message) = self.waiting.pop_front() {
            return message;
        }
        loop {
            match self.events.recv().await {
                Some(Ok(Event::Key(key))) => {
                    if let Some(key) = Key::of(key) {
                        return Message::Key(key);
                    }
                }
                Some(Ok(Event::Resize(width, height))) => return window(Size::new(width, height)),
                Some(Ok(_)) => {}
                // The terminal is gone.
                Some(Err(_)) | None => return Message::Stop,
            }
        }
    }

    /// Gives the terminal back and stops the program. It is not taken again before somebody says that the program
    /// is to go on: a stop may come a little later than it was asked for.
    pub(crate) fn suspend() -> io::Result<()> {
        give_back();
        signals::stop()
    }

    /// Takes over what may look like anything: all of it is drawn anew. In the background this waits for its turn,
    /// before it has written anything: the system stops whoever changes the modes of a terminal from there.
    pub(crate) fn take_again(&mut self) -> io::Result<()> {
        // Whoever had the terminal meanwhile may have left it in other modes than is remembered here.
        disable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        let size = self.terminal.size()?;
        // It clears the screen, and forgets what was on it.
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))?;
        self.picture = None;
        self.waiting.push_back(window(size));
        Ok(())
    }

    /// Asks the terminal to put a text into the clipboard, also over SSH (OSC 52).
    pub(crate) fn copy(text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(clipboard_sequence(text).as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.listener.abort();
        give_back();
    }
}

/// Reads the keyboard in a task of its own. Where somebody else reads the same terminal, while this program is stopped or
/// in the background, there may be nothing left of what was announced: whoever reads then waits for the next key, and
/// the screen must not.
fn listen() -> (mpsc::UnboundedReceiver<io::Result<Event>>, AbortHandle) {
    let (sender, events) = mpsc::unbounded_channel();
    let mut stream = EventStream::new();
    let listener = tokio::spawn(async move {
        while let Some(event) = stream.next().await {
            if sender.send(event).is_err() {
                return;
            }
        }
    });
    (events, listener.abort_handle())
}

/// Gives the terminal back, once: a second time would move the cursor away from what was written since.
/// Nothing can be done if that fails, and the rest is still tried.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    _ = execute!(io::stdout(), LeaveAlternateScreen, cursor::Show);
    _ = disable_raw_mode();
}

/// The window as it is now. With a font of another size, pictures have another one, too.
fn window(cells: Size) -> Message {
    Message::Window { cells, cell_pixels: question::cell_pixels() }
}

fn clipboard_sequence(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", data_encoding::BASE64.encode(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_text_is_copied_as_osc_52_says() {
        assert_eq!(clipboard_sequence("HTTP://X"), "\x1b]52;c;SFRUUDovL1g=\x07");
    }

    const WORDS: &str = "the words of a panic";

    #[tokio::test]
    #[ignore = "the next test runs it, in a terminal"]
    async fn panics() {
        let _screen = Screen::open(Surroundings::of(|_| None)).unwrap();
        panic!("{WORDS}");
    }

    /// Were it only for dropping the screen, the words would be gone with it.
    #[test]
    fn a_panic_is_readable_and_leaves_the_terminal_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let tmux = |args: &[&str]| {
            let mut tmux = Command::new("tmux");
            tmux.arg("-u").arg("-S").arg(folder.path().join("tmux")).args(args).env_remove("TMUX");
            String::from_utf8(tmux.output().expect("tmux is installed").stdout).unwrap()
        };
        let this = std::env::current_exe().unwrap();
        let panics = format!("'{}' --exact terminal::tests::panics --ignored --nocapture", this.display());
        let program = format!("RUST_BACKTRACE=0 {panics}; stty -a; echo the end; cat");
        tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", &program]);
        let mut screen = String::new();
        for _ in 0..1000 {
            screen = tmux(&["capture-pane", "-p"]);
            if screen.contains("the end") {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        tmux(&["kill-server"]);
        assert!(screen.contains(WORDS), "{screen}");
        assert!(screen.contains(" icanon") && screen.contains(" echo "), "{screen}");
    }
}
