//! One login, from its issue to its end.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use shared::api::{DeviceAuthorization, ScanRequest, TokenAnswer};
use shared::client::{ClientError, IssueRequest, News, Redeemed, Transport, TransportChoice};
use shared::code::ScanCode;
use shared::id::SessionId;
use shared::login::Status;
use shared::random::OsRandom;
use shared::secret::{ConfirmToken, Token};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{ASKED_AGAIN_AFTER, IN_VAIN, Load, PEOPLE, is_away, said, since};
use crate::history::{Answer, CLIENT_ID, Call, History, Recorded};

/// How long a PC may have heard nothing before somebody looks whether there is anything to be heard.
const LOOKED_AFTER: Duration = Duration::from_secs(5);

/// The statuses that a PC has heard of, and when.
type Heard = watch::Receiver<Vec<(Status, Timestamp)>>;

/// One login under way.
struct Played {
    issued: DeviceAuthorization,
    code: ScanCode,
    /// Who scans and decides; the next one is the other phone.
    person: usize,
    history: Mutex<History>,
    heard: Option<(Transport, Heard)>,
    follower: Option<JoinHandle<()>>,
}

impl Load {
    /// One login from its issue to its end, as its number says.
    pub(super) async fn log_in(&self, number: usize) -> History {
        let login = self.issue(number).await;
        match number % 10 {
            8 => self.given_up(&login).await,
            9 => self.denied(&login).await,
            _ => self.completed(&login, number).await,
        }
        self.status(&login).await;
        if let Some(follower) = &login.follower {
            follower.abort();
        }
        login.history.into_inner().unwrap()
    }

    async fn issue(&self, number: usize) -> Played {
        let device_name = Some(format!("pc-{number}"));
        let request =
            IssueRequest { client_id: CLIENT_ID.to_owned(), device_name, ..IssueRequest::default() };
        let issued = loop {
            let began = self.now();
            let issued = self.client().issue(&request).await;
            self.note("issue", began, issued.is_err());
            match issued {
                Ok(issued) => break issued,
                Err(error) => assert!(is_away(&error), "an issue is answered {error:?}"),
            }
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        };
        let code = self.url.scan_code_in(&issued.verification_uri_complete).unwrap();
        let transport = match number % 10 {
            // A poll takes its two seconds for each step.
            3 => Transport::Poll,
            number if number % 2 == 0 => Transport::WebSocket,
            _ => Transport::LongPoll,
        };
        let (heard, follower) = if self.follows { self.follow(&issued, transport) } else { (None, None) };
        let (person, history) = (number % PEOPLE, Mutex::default());
        Played { issued, code, person, history, heard, follower }
    }

    fn follow(
        &self,
        issued: &DeviceAuthorization,
        transport: Transport,
    ) -> (Option<(Transport, Heard)>, Option<JoinHandle<()>>) {
        let (hear, heard) = watch::channel(Vec::new());
        let mut feed = self.client().follow(issued.device_code.clone(), TransportChoice::Only(transport));
        let clock = self.clock.clone();
        let follower = tokio::spawn(async move {
            while let Some(news) = feed.next().await {
                match news {
                    News::Snapshot { snapshot, .. } => {
                        hear.send_modify(|heard| heard.push((snapshot.status, clock.now())));
                    }
                    News::Gone(error) => println!("{}: a feed is sent away: {error:?}", clock.now()),
                    News::Trouble { .. } | News::Back { .. } => {}
                }
            }
        });
        (Some((transport, heard)), Some(follower))
    }

    async fn given_up(&self, login: &Played) {
        if login.person.is_multiple_of(2) {
            self.scan(login, 0).await;
        }
        self.cancel(login).await;
        self.heard(login, Status::Cancelled).await;
    }

    async fn cancel(&self, login: &Played) {
        let cancelled = || {
            let client = self.client();
            async move { client.cancel(&login.issued.device_code).await }
        };
        self.again("cancel", login, Call::Cancel, cancelled).await;
    }

    async fn denied(&self, login: &Played) {
        let Some(token) = self.scan(login, 0).await else { return };
        let call = Call::Deny { confirm: token.digest() };
        let denied = || {
            let (phone, token) = (self.phone(login.person), &token);
            async move { phone.deny(token, false).await }
        };
        let denied = self.again("deny", login, call, denied).await;
        if denied.is_some() {
            self.heard(login, Status::Denied).await;
        }
    }

    async fn completed(&self, login: &Played, number: usize) {
        let first = self.scan(login, 0);
        // Another phone sees the same screen.
        let second = async {
            if number % 10 == 5 {
                self.scan(login, 1).await;
            }
        };
        let (Some(token), ()) = tokio::join!(first, second) else {
            // The other phone was first.
            return self.cancel(login).await;
        };
        if !self.confirm(login, &token).await {
            return;
        }
        self.heard(login, Status::Confirmed).await;
        let redeemed = if number.is_multiple_of(4) {
            // One PC with a short patience: two at once, of which one gets what works.
            let (one, other) = tokio::join!(self.redeem(login), self.redeem(login));
            one.into_iter().chain(other).collect()
        } else {
            self.redeem(login).await.into_iter().collect::<Vec<_>>()
        };
        let mut session = None;
        for (of, tokens) in &redeemed {
            session = self.use_of(login, *of, tokens).await.or(session);
        }
        self.heard(login, Status::LoggedIn).await;
        let Some(session) = session else { return };
        if number.is_multiple_of(2) || !self.follows {
            let ended = || {
                let phone = self.phone(login.person);
                async move { phone.end_session(session).await }
            };
            self.again("end", login, Call::EndSession, ended).await;
            for (of, tokens) in &redeemed {
                self.use_of(login, *of, tokens).await;
            }
        }
    }

    /// A scan by the login's person, or by the next one.
    async fn scan(&self, login: &Played, by: usize) -> Option<Token<ConfirmToken>> {
        let body = ScanRequest::scan_code(&login.code);
        let person = (login.person + by) % PEOPLE;
        let give_up_at = self.now() + IN_VAIN;
        loop {
            let began = self.now();
            let scanned = self.phone(person).scan(&body).await;
            self.note("scan", began, scanned.is_err());
            let token = match &scanned {
                Ok(scanned) => scanned.confirm_token.clone(),
                // What it would have been answered with, nobody knows.
                Err(_) => Token::generate(login.code.tag(), &OsRandom),
            };
            let answer = scanned.as_ref().map_or_else(said, |_| Answer::Done);
            let call = Call::Scan { by, confirm: token.digest() };
            if self.write(login, call, answer, began) != Answer::Unknown {
                return scanned.ok().map(|_| token);
            }
            assert!(self.now() < give_up_at, "a scan is never answered");
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// A confirm; whether the login is confirmed by now.
    async fn confirm(&self, login: &Played, token: &Token<ConfirmToken>) -> bool {
        let call = || Call::Confirm { confirm: token.digest() };
        let give_up_at = self.now() + IN_VAIN;
        loop {
            let began = self.now();
            let confirmed = self.phone(login.person).confirm(token).await;
            self.note("confirm", began, confirmed.is_err());
            let answer = confirmed.as_ref().map_or_else(said, |_| Answer::Done);
            if let Answer::Used(_) = answer {
                // A node may have found its own confirm, whose answer from the store was lost.
                self.write(login, call(), Answer::Unknown, began);
            }
            match self.write(login, call(), answer, began) {
                Answer::Done | Answer::Used(Status::Confirmed) => return true,
                Answer::Unknown => {}
                _ => return false,
            }
            assert!(self.now() < give_up_at, "a confirm is never answered");
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// A redeem; its number and its tokens.
    async fn redeem(&self, login: &Played) -> Option<(usize, TokenAnswer)> {
        let give_up_at = self.now() + IN_VAIN;
        loop {
            let began = self.now();
            let redeemed = self.client().redeem(CLIENT_ID, &login.issued.device_code, None).await;
            let (answer, tokens) = match redeemed {
                Ok(Redeemed::Tokens(tokens)) => (Answer::Done, Some(tokens)),
                Ok(Redeemed::Pending { status, .. }) => (Answer::Pending(status.unwrap()), None),
                Ok(Redeemed::SlowDown) => (Answer::Unknown, None),
                // Stock clients give up on it.
                Err(error) => {
                    assert!(!is_away(&error), "a redeem is answered {error:?}");
                    (said(&error), None)
                }
            };
            self.note("redeem", began, answer == Answer::Unknown);
            let number = login.history.lock().unwrap().0.len();
            match (self.write(login, Call::Redeem, answer, began), tokens) {
                (Answer::Unknown, _) => {}
                (_, tokens) => return tokens.map(|tokens| (number, tokens)),
            }
            assert!(self.now() < give_up_at, "a redeem is never answered");
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// A call that is made until it is answered; what it was answered with, if it was done.
    async fn again<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        what: &'static str,
        login: &Played,
        call: Call,
        ask: impl Fn() -> F,
    ) -> Option<T> {
        let give_up_at = self.now() + IN_VAIN;
        loop {
            let began = self.now();
            let answer = ask().await;
            self.note(what, began, answer.is_err());
            let said = answer.as_ref().map_or_else(said, |_| Answer::Done);
            if self.write(login, call.clone(), said, began) != Answer::Unknown {
                return answer.ok();
            }
            assert!(self.now() < give_up_at, "{what} is never answered");
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// The PC uses its tokens; the session that they are of, if they are good.
    async fn use_of(&self, login: &Played, of: usize, tokens: &TokenAnswer) -> Option<SessionId> {
        let used = || {
            let client = self.client();
            async move { client.me(&tokens.access_token).await }
        };
        self.again("use", login, Call::Use { of }, used).await.map(|me| me.session_id)
    }

    async fn status(&self, login: &Played) {
        let began = self.now();
        let snapshot = self.client().snapshot(&login.issued.device_code).await;
        let answer = snapshot.as_ref().map_or_else(said, |now| Answer::Status(now.status, now.version));
        self.write(login, Call::Status, answer, began);
    }

    /// Waits until the PC has heard of a status. It may miss one that was taken back; then the history tells.
    async fn heard(&self, login: &Played, status: Status) {
        let Some((transport, heard)) = &login.heard else { return };
        let (mut heard, since_when) = (heard.clone(), self.now());
        let what = match transport {
            Transport::WebSocket => "heard, by websocket",
            Transport::LongPoll => "heard, by long poll",
            Transport::Poll => "heard, by poll",
        };
        let at = |heard: &[(Status, Timestamp)]| {
            heard.iter().find(|(heard, _)| *heard == status).map(|(_, at)| *at)
        };
        loop {
            let told = tokio::time::timeout(LOOKED_AFTER, heard.wait_for(|heard| at(heard).is_some())).await;
            let told_at = told.ok().and_then(|heard| at(&heard.ok()?));
            if let Some(at) = told_at {
                self.note_took(what, since(since_when, at), false);
                if let Some(back_at) = self.back_at.lock().unwrap().filter(|back| *back > since_when) {
                    self.note_took("heard, after the store was back", since(back_at, at), false);
                }
                return;
            }
            match self.client().snapshot(&login.issued.device_code).await {
                Ok(now) if now.status == status => {}
                Err(error) if is_away(&error) => {}
                _ => return,
            }
            assert!(self.now() < since_when + IN_VAIN, "{what}: a PC is left waiting for {status:?}");
            // The feed may have come to its end, when there was nothing to follow any more.
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// Writes a call down.
    fn write(&self, login: &Played, call: Call, answer: Answer, began: Timestamp) -> Answer {
        let recorded = Recorded { call, answer: answer.clone(), began, ended: self.now() };
        login.history.lock().unwrap().0.push(recorded);
        answer
    }
}
