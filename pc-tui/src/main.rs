//! The PC's side of a login: shows the QR code, follows the login, keeps the session.
//!
//! ```text
//! args ----> main: the one select! loop
//!             |  ^
//!             |  '-- keys (terminal), signals, ticks, answers (work)
//!             v
//!            app: update(message) -> effects        pure; everything is decided here
//!             |            |
//!             v            v
//!            view: draw   work: network and disk
//!            plain: lines   '--> keep: the session on disk
//!             |
//!             '--> qr: code -> cells
//! ```

mod app;
mod args;
mod device;
mod face;
mod failure;
#[cfg(test)]
mod fixture;
mod keep;
mod plain;
mod qr;
mod signals;
mod terminal;
mod view;
mod words;
mod work;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use shared::client::Client;
use shared::disk;
use shared::dpop::Key;
use shared::exit::Exit;
use shared::lang::{Charset, Lang};
use shared::random::OsRandom;
use shared::words::Text;
use shared::{say, to_say};
use tokio::time::{MissedTickBehavior, interval, timeout};

use app::{App, Device, Effect, Manner, Message, Settings};
use args::{Arguments, Command, Login};
use face::Face;
use failure::Failure;
use keep::{Keep, KeepError};
use plain::{Paper, Reader};
use qr::Style;
use signals::Signals;
use terminal::{Known, Letters, Screen, Surroundings, is_screen};
use work::{CLIENT_ID, Work};

/// Often enough that no countdown skips a second.
const TICK: Duration = Duration::from_millis(250);
/// How long the program waits, when it is to end, for the server to hear of it.
const FAREWELL: Duration = Duration::from_secs(3);
/// The renewals of a screen, where nobody said otherwise.
const SCREEN_RENEWALS: u32 = 5;

fn main() -> ExitCode {
    let (arguments, lang) = Arguments::of_program();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(start(arguments, lang));
            // A request that hangs has had its time.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::new(Text::verbatim(error), Exit::Failed)),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{}", failure.line(lang));
            failure.exit.into()
        }
    }
}

async fn start(arguments: Arguments, lang: Lang) -> Result<Exit, Failure> {
    let Arguments { place, login, command } = arguments;
    let server = place.safe_server().map_err(|bad| Failure::new(bad.text(), Exit::Usage))?;
    let user_agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    let client = Client::new(server, user_agent)?;
    match command {
        Some(Command::Logout) => {
            let folder = state_folder(place.state_dir)?;
            let client = client.with_key(Arc::new(keep::key(&folder, &OsRandom)?), now);
            log_out(&client, Keep::open(&folder, client.server())?, lang).await
        }
        None if login.ephemeral => {
            log_in(client.with_key(Arc::new(Key::generate(&OsRandom)), now), None, login, lang).await
        }
        None => {
            let folder = state_folder(place.state_dir)?;
            let client = client.with_key(Arc::new(keep::key(&folder, &OsRandom)?), now);
            let keep = Keep::open(&folder, client.server())?;
            log_in(client, Some(keep), login, lang).await
        }
    }
}

fn state_folder(state_dir: Option<PathBuf>) -> Result<PathBuf, Failure> {
    state_dir.or_else(disk::folder).ok_or_else(|| Failure::new(to_say!(no_home()), Exit::Failed))
}

async fn log_out(client: &Client, keep: Keep, lang: Lang) -> Result<Exit, Failure> {
    let server = client.server();
    let Some(session) = keep.load()? else {
        return Err(Failure::new(to_say!(not_logged_in(server)), Exit::NotLoggedIn));
    };
    client.revoke(CLIENT_ID, session.refresh_token.expose()).await?;
    keep.forget()?;
    // It is done, whether or not anybody is there to read it.
    _ = writeln!(io::stdout(), "{}", say!(lang, plain_logged_out(server)));
    Ok(Exit::Done)
}

async fn log_in(client: Client, keep: Option<Keep>, login: Login, lang: Lang) -> Result<Exit, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let surroundings = Surroundings::of(variable);
    let is_screen = io::stdout().is_terminal() && is_screen(variable);
    let has_screen = is_screen && !login.plain && !login.json;
    let known = Known::unasked(surroundings);
    let mut settings = Settings {
        server: client.server().clone(),
        device: Device::this_one(login.device_name),
        expect_user: login.expect_user,
        save_qr: login.save_qr.clone(),
        keeps: keep.is_some(),
        manner: if has_screen { Manner::Screen } else { Manner::Script },
        renewals: login.renew.unwrap_or(if has_screen { SCREEN_RENEWALS } else { 0 }),
        zone: TimeZone::system(),
        lang,
        has_colour: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        // To a program it is not drawn.
        qr_style: if login.json { Style::Auto } else { login.qr_style },
        letters: known.letters,
        abilities: known.abilities,
    };
    let (kept, unreadable) = match keep.as_ref().map(Keep::load).transpose() {
        Ok(session) => (session.flatten(), None),
        Err(error @ KeepError::Unreadable { .. }) => (None, Some(error.text())),
        Err(error) => return Err(error.into()),
    };
    let signals =
        Signals::new(has_screen).map_err(|error| Failure::new(Text::verbatim(error), Exit::Failed))?;
    let face = if has_screen {
        let no_screen = |error| Failure::new(to_say!(no_screen(&error)), Exit::Failed);
        let (screen, known) = Screen::open(surroundings).map_err(no_screen)?;
        (settings.letters, settings.abilities) = (known.letters, known.abilities);
        if known.letters == Letters::Ascii {
            settings.lang = Lang::English;
        }
        Face::Screen(screen)
    } else if login.json {
        Face::Lines(Reader::Program { qr_png: login.save_qr }, lang)
    } else {
        // What is no screen may know no colours either, and gets what a file would.
        let size = is_screen.then(crossterm::terminal::size).and_then(Result::ok);
        let terminal = size.map(|(width, height)| Size::new(width, height));
        // Nobody is asked here, so of a locale that nobody has set the best is assumed.
        settings.abilities.has_half_cells = surroundings.charset != Charset::Other;
        let has_blocks = settings.abilities.has_half_cells;
        let drawings = settings.abilities.drawings(settings.abilities.nearest(login.qr_style));
        let paper = Paper::of(terminal, login.qr_style, drawings, has_blocks);
        Face::Lines(Reader::Person { paper }, lang)
    };
    let lang = settings.lang;
    let mut run = Run {
        work: Work::new(client, &settings, keep),
        app: App::new(settings, login.transport, now()),
        face,
        ending: None,
    };
    run.take(Message::Start(kept));
    if let Some(why) = unreadable {
        run.take(Message::NotKept(why));
    }
    run.until_the_end(signals).await.map_err(|failure| failure.in_language(lang))
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// The program at work.
struct Run {
    app: App,
    face: Face,
    work: Work,
    ending: Option<Result<Exit, Failure>>,
}

impl Run {
    /// The one loop: whatever happens becomes a message, and the app decides.
    async fn until_the_end(mut self, mut signals: Signals) -> Result<Exit, Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while self.ending.is_none() {
            if let Err(error) = self.face.show(&self.app) {
                self.lose_face(&error);
                break;
            }
            let message = tokio::select! {
                message = self.face.next() => message,
                message = self.work.next() => message,
                signal = signals.next() => match self.face.mind(signal) {
                    Ok(Some(message)) => message,
                    Ok(None) => continue,
                    Err(error) => {
                        self.lose_face(&error);
                        break;
                    }
                },
                _ = ticks.tick() => Message::Tick,
            };
            self.take(message);
        }
        // The terminal is the person's again at once; the server hears of it meanwhile.
        if matches!(self.face, Face::Screen(_)) {
            self.face = Face::None;
        }
        let farewell = async {
            while let Some(message) = self.work.last_words().await {
                self.take(message);
            }
        };
        tokio::select! {
            _ = timeout(FAREWELL, farewell) => {}
            () = signals.end() => {}
        }
        self.ending.unwrap_or(Ok(Exit::Done))
    }

    fn take(&mut self, message: Message) {
        for effect in self.app.update(message, now()) {
            let done = match effect {
                Effect::Say(event) => self.face.say(&event),
                Effect::Copy(text) => Screen::copy(&text),
                Effect::Suspend => signals::suspend_job(),
                Effect::Leave(exit, complaint) => {
                    let ended = complaint.map_or(Ok(exit), |why| Err(Failure::new(why, exit)));
                    self.ending.get_or_insert(ended);
                    Ok(())
                }
                other => {
                    self.work.start(other);
                    Ok(())
                }
            };
            if let Err(error) = done {
                self.lose_face(&error);
            }
        }
    }

    /// Nobody sees what is shown any more: a closed pipe, a closed window.
    fn lose_face(&mut self, error: &io::Error) {
        self.face = Face::None;
        self.ending.get_or_insert(Err(Failure::new(to_say!(no_output(error)), Exit::Failed)));
        self.take(Message::Stop);
    }
}
