//! Does what [`App::update`](crate::app::App::update) asks for: the network and the disk.
//!
//! Each request runs in a task of its own and ends as a message, so the
//! screen waits for none of them.
//!
//! ```text
//! effect --> Work --spawn--> task: one request, one message --+
//!              '---spawn---> feed: many messages -------------+--> inbox --> App::update
//! ```

use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::api::CheckCode;
use shared::client::{Client, Feed, IssueRequest};
use shared::disk::{Readers, shown, write_whole};
use shared::say;
use shared::words::Text;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use crate::app::{Attempt, Effect, Issued, Message, Settings};
use crate::keep::{Keep, KeepError};

/// The OAuth client that this program is.
pub(crate) const CLIENT_ID: &str = "pc-tui";

/// More than any line with two digits has.
const MAX_LINE_BYTES: u64 = 64;

/// The hands of the program.
pub(crate) struct Work {
    client: Client,
    request: Arc<IssueRequest>,
    keep: Option<Keep>,
    tasks: JoinSet<()>,
    feed: Option<AbortHandle>,
    listens: Arc<AtomicBool>,
    sender: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
}

impl Work {
    /// Hands that talk to the client's server, and keep sessions in `keep`.
    pub(crate) fn new(client: Client, settings: &Settings, keep: Option<Keep>) -> Self {
        let device = settings.device.clone();
        let request = IssueRequest {
            client_id: CLIENT_ID.to_owned(),
            scope: None,
            device_name: Some(device.name),
            device_os: Some(device.os),
            device_app: Some(device.app),
            login_hint: settings.expect_user.clone(),
            check_code: true,
        };
        let (sender, inbox) = mpsc::unbounded_channel();
        Self {
            client,
            request: Arc::new(request),
            keep,
            tasks: JoinSet::new(),
            feed: None,
            listens: Arc::default(),
            sender,
            inbox,
        }
    }

    /// The next message. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            tokio::select! {
                biased;
                Some(message) = self.inbox.recv() => return message,
                Some(ended) = self.tasks.join_next() => pass_on_panic(ended),
            }
        }
    }

    /// The next message of what is still under way; none once all of it has ended. Cancel-safe.
    pub(crate) async fn last_words(&mut self) -> Option<Message> {
        loop {
            if let Ok(message) = self.inbox.try_recv() {
                return Some(message);
            }
            pass_on_panic(self.tasks.join_next().await?);
        }
    }

    /// Starts what an effect asks for. What is not for these hands is left alone.
    pub(crate) fn start(&mut self, effect: Effect) {
        let client = self.client.clone();
        match effect {
            Effect::Issue(attempt) => {
                let request = Arc::clone(&self.request);
                self.ask(async move { Message::Issued(attempt, client.issue(&request).await) });
            }
            Effect::Redeem(attempt, code, check) => {
                self.ask(
                    async move { Message::Redeemed(attempt, client.redeem(CLIENT_ID, &code, check).await) },
                );
            }
            Effect::Meet(attempt, token) => {
                self.ask(async move { Message::Met(attempt, client.me(&token).await) });
            }
            Effect::Refresh(attempt, token) => {
                self.ask(async move { Message::Refreshed(attempt, client.refresh(CLIENT_ID, &token).await) });
            }
            Effect::Revoke(token) => {
                self.ask(async move { Message::Revoked(client.revoke(CLIENT_ID, token.expose()).await) });
            }
            Effect::Cancel(code) => {
                // If it fails, the code expires by itself.
                self.tasks.spawn(async move { _ = client.cancel(&code).await });
            }
            Effect::Follow(attempt, code, transport) => self.follow(attempt, client.follow(code, transport)),
            Effect::Unfollow => self.unfollow(),
            Effect::SaveQr(attempt, path, issued) => self.save_qr(attempt, path, issued),
            Effect::Keep(session) => self.on_disk(|keep| keep.save(&session)),
            Effect::Forget => self.on_disk(Keep::forget),
            Effect::Listen => self.listen(),
            Effect::Copy(_) | Effect::Suspend | Effect::Say(_) | Effect::Leave(..) => {}
        }
    }

    fn ask(&mut self, question: impl Future<Output = Message> + Send + 'static) {
        let sender = self.sender.clone();
        self.tasks.spawn(async move { _ = sender.send(question.await) });
    }

    fn follow(&mut self, attempt: Attempt, mut feed: Feed) {
        self.unfollow();
        let sender = self.sender.clone();
        let pump = tokio::spawn(async move {
            while let Some(news) = feed.next().await {
                if sender.send(Message::News(attempt, news)).is_err() {
                    return;
                }
            }
        });
        self.feed = Some(pump.abort_handle());
    }

    fn unfollow(&mut self) {
        if let Some(feed) = self.feed.take() {
            feed.abort();
        }
    }

    /// Reads one line, unless that is under way already. In a thread of its own that nobody waits for: a
    /// line may never come.
    fn listen(&mut self) {
        if self.listens.swap(true, Ordering::AcqRel) {
            return;
        }
        let (sender, listens) = (self.sender.clone(), Arc::clone(&self.listens));
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line);
            let typed = matches!(read, Ok(1..)).then(|| CheckCode::parse(line.trim()));
            // Before whoever hears of this line asks for the next.
            listens.store(false, Ordering::Release);
            _ = sender.send(Message::Typed(typed));
        });
    }

    fn save_qr(&mut self, attempt: Attempt, path: PathBuf, issued: Arc<Issued>) {
        let sender = self.sender.clone();
        self.tasks.spawn_blocking(move || {
            let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
            let outcome = issued.code.to_png().and_then(|png| write_whole(&path, &png, Readers::AsUsual));
            let outcome = outcome.map_err(|error| {
                Text::of_io(&error).map(|lang, why| say!(lang, qr_not_saved(shown(&whole), why)))
            });
            _ = sender.send(Message::QrSaved(attempt, whole, outcome));
        });
    }

    /// At once, not in a task: tokens are on disk before the next effect uses them.
    fn on_disk(&self, act: impl FnOnce(&Keep) -> Result<(), KeepError>) {
        if let Some(keep) = &self.keep
            && let Err(error) = act(keep)
        {
            _ = self.sender.send(Message::NotKept(error.text()));
        }
    }
}

/// A panic in a task is one of the program: nobody would ever hear the answer.
fn pass_on_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
