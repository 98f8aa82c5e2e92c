//! `kill -9` around every transition: what was acknowledged is there after the restart, and nothing is half done.

use std::time::Duration;

use crate::support::PASSWORD;
use crate::support::program::Program;
use shared::api::{
    DeviceAuthorization, NoticeKind, Password, PhoneLogin, Registration, ScanRequest, SessionKind, Status,
};
use shared::client::{Client, Phone, Redeemed};
use shared::secret::{ConfirmToken, PcToken, PhoneToken, Token};

/// The transitions, in order.
const STEPS: [Step; 4] = [Step::Issue, Step::Scan, Step::Confirm, Step::Redeem];
/// How often each is interrupted at another moment.
const MOMENTS: u64 = 8;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Step {
    Issue,
    Scan,
    Confirm,
    Redeem,
}

/// One login, as far as it was acknowledged.
#[derive(Default, Clone)]
struct Known {
    issued: Option<DeviceAuthorization>,
    confirm: Option<Token<ConfirmToken>>,
    confirmed: bool,
    access: Option<Token<PcToken>>,
}

impl Known {
    async fn step(&mut self, step: Step, client: &Client, phone: &Phone) -> bool {
        match step {
            Step::Issue => self.issued = client.issue(&crate::support::pc()).await.ok(),
            Step::Scan => {
                let Some(issued) = &self.issued else { return false };
                let code = client.server().scan_code_in(&issued.verification_uri_complete).unwrap();
                self.confirm = phone.scan(&ScanRequest::scan_code(&code)).await.ok().map(|s| s.confirm_token);
            }
            Step::Confirm => {
                let Some(confirm) = &self.confirm else { return false };
                self.confirmed = phone.confirm(confirm).await.is_ok();
            }
            Step::Redeem => {
                let Some(issued) = &self.issued else { return false };
                if let Ok(Redeemed::Tokens(tokens)) = client.redeem("tests", &issued.device_code, None).await
                {
                    self.access = Some(tokens.access_token);
                }
            }
        }
        self.is_past(step)
    }

    fn is_past(&self, step: Step) -> bool {
        match step {
            Step::Issue => self.issued.is_some(),
            Step::Scan => self.confirm.is_some(),
            Step::Confirm => self.confirmed,
            Step::Redeem => self.access.is_some(),
        }
    }

    /// What was acknowledged is there; what was not is whole or absent.
    async fn check(&self, client: &Client, phone: &Phone) {
        let Some(issued) = &self.issued else { return };
        let snapshot = client.snapshot(&issued.device_code).await.unwrap();
        let reached = match snapshot.status {
            Status::Unscanned => Step::Issue,
            Status::Scanned => Step::Scan,
            Status::Confirmed => Step::Confirm,
            Status::LoggedIn => Step::Redeem,
            other => panic!("{other:?}"),
        };
        for step in STEPS {
            assert!(
                !self.is_past(step) || reached >= step,
                "{step:?} was acknowledged, and is {:?}",
                snapshot.status
            );
        }
        let notices = phone.notifications(0, None).await.unwrap().notifications;
        let told = |kind| notices.iter().filter(|n| n.kind == kind).count();
        let sessions = phone.sessions().await.unwrap().sessions;
        let pcs = sessions.iter().filter(|s| s.kind == SessionKind::Pc).count();
        let (confirmed, logged_in) =
            (usize::from(reached >= Step::Confirm), usize::from(reached >= Step::Redeem));
        assert_eq!(
            (told(NoticeKind::LoginConfirmed), told(NoticeKind::LoggedIn), pcs),
            (confirmed, logged_in, logged_in)
        );
        if let Some(access) = &self.access {
            client.me(access).await.unwrap();
        }
    }
}

async fn new_phone(client: &Client, username: &str) -> Token<PhoneToken> {
    let password = Password::new(PASSWORD.to_owned());
    let body = Registration { username: username.to_owned(), password: password.clone() };
    client.register(&body).await.unwrap();
    let body = PhoneLogin { username: username.to_owned(), password, device_name: None };
    client.log_in(&body).await.unwrap().phone_token
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_every_transition() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    let mut program = Program::start(&database, "127.0.0.1:0", &["--limit-register", "1000/1m"]);
    let listen = program.addr.clone();
    for step in STEPS {
        for moment in 0..MOMENTS {
            let client = program.client();
            let token = new_phone(&client, &format!("u-{step:?}-{moment}").to_lowercase()).await;
            let phone = client.phone(token.clone());
            let mut known = Known::default();
            for before in STEPS.into_iter().filter(|before| *before < step) {
                assert!(known.step(before, &client, &phone).await, "{before:?}");
            }
            if moment == 0 {
                // Right after the answer.
                assert!(known.step(step, &client, &phone).await);
            } else {
                // Somewhere in the middle of it.
                let kill_after = Duration::from_micros(moment * 300);
                let _ = tokio::time::timeout(kill_after, known.step(step, &client, &phone)).await;
            }
            program.kill();
            program = Program::start(&database, &listen, &["--limit-register", "1000/1m"]);
            let client = program.client();
            let phone = client.phone(token);
            known.check(&client, &phone).await;
            // And it goes on from there: what is missing is done again, a lost answer included.
            if known.issued.is_some() {
                for step in STEPS.into_iter().skip(1) {
                    let decided = step == Step::Scan && known.confirmed;
                    if !(decided || known.is_past(step)) {
                        let _ = known.step(step, &client, &phone).await;
                    }
                }
                if known.confirm.is_some() {
                    assert!(known.access.is_some(), "{step:?} {moment}");
                }
            }
        }
    }
}
