//! The real program against the real server: the PC that a notification tells of is ended by its number.

use std::thread;

use server::clock::Clock;
use server::store::sqlite::SqliteStore;
use server::{App, Listener, Settings};
use shared::api::{DeviceAuthorization, TokenAnswer};
use shared::client::{Client, ClientError, IssueRequest, Redeemed};
use shared::code::PublicUrl;
use shared::problem::{OauthCode, ProblemCode};
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tokio::runtime::Runtime;

use crate::phone::{Phone, Ran};

/// A server on a socket of its own, in a thread that ends with the test.
fn serve() -> PublicUrl {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let url = PublicUrl::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap();
    let settings = Settings { open_registration: true, ..Settings::new(url.clone()) };
    thread::spawn(move || {
        let clock = Clock::system();
        let store = std::sync::Arc::new(SqliteStore::in_memory(clock.clone()).unwrap());
        let secret = ServerSecret::generate(&OsRandom);
        let app = App::new(settings, store, clock, std::sync::Arc::new(OsRandom), secret);
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            server::serve(Listener { socket, tls: None }, app, std::future::pending()).await.unwrap();
        });
    });
    url
}

/// A phone that has just made an account, and is logged in to it.
fn phone_of(url: &PublicUrl, name: &str) -> Phone {
    let phone = Phone::at(url.to_string());
    for command in ["register", "login"] {
        let ran =
            phone.run_with(&format!("{command} {name} --password-stdin"), b"correct horse battery staple");
        assert_eq!(ran.exit, 0, "{ran:?}");
    }
    phone
}

/// A PC, and what it has earned.
struct Pc {
    runtime: Runtime,
    client: Client,
    tokens: TokenAnswer,
}

impl Pc {
    /// One that a phone has let in.
    fn let_in_by(phone: &Phone, url: &PublicUrl, name: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::new(url.clone(), "tests").unwrap();
        let issued = Self::ask(&runtime, &client, name);
        let scan = format!("scan --url {} --confirm --yes", issued.verification_uri_complete);
        let ran = phone.run(&scan);
        assert_eq!(ran.exit, 0, "{ran:?}");
        let redeemed = runtime.block_on(client.redeem("tests", &issued.device_code, None)).unwrap();
        let Redeemed::Tokens(tokens) = redeemed else { panic!("{redeemed:?}") };
        let pc = Self { runtime, client, tokens };
        assert!(pc.is_logged_in());
        pc
    }

    fn ask(runtime: &Runtime, client: &Client, name: &str) -> DeviceAuthorization {
        let request = IssueRequest {
            client_id: "tests".to_owned(),
            device_name: Some(name.to_owned()),
            ..IssueRequest::default()
        };
        runtime.block_on(client.issue(&request)).unwrap()
    }

    /// Whether its token is good. One that is not is refused as such, and for no other reason.
    fn is_logged_in(&self) -> bool {
        match self.runtime.block_on(self.client.me(&self.tokens.access_token)) {
            Ok(_) => true,
            Err(ClientError::Problem(problem)) if problem.code == ProblemCode::Unauthenticated => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What comes of its refresh token. One that is good is used up by it.
    fn refresh(&self) -> Option<OauthCode> {
        let refreshed = self.runtime.block_on(self.client.refresh("tests", &self.tokens.refresh_token));
        refreshed.err().map(|error| error.oauth().unwrap_or_else(|| panic!("{error}")))
    }
}

/// The numbers of an account's notifications, and what each tells of.
fn notices(phone: &Phone) -> Vec<(u64, String)> {
    let all = phone.run("notifications --json").json();
    let notices = all["notifications"].as_array().unwrap().iter();
    notices
        .map(|notice| (notice["id"].as_u64().unwrap(), notice["kind"].as_str().unwrap().to_owned()))
        .collect()
}

fn number_of(phone: &Phone, kind: &str) -> u64 {
    notices(phone).into_iter().rev().find(|(_, is)| is == kind).unwrap_or_else(|| panic!("no {kind}")).0
}

fn end(phone: &Phone, number: u64) -> Ran {
    phone.run(&format!("sessions end {number}"))
}

#[test]
fn the_pc_that_a_notification_tells_of_is_ended_by_its_number() {
    let url = serve();
    let phone = phone_of(&url, "alice");
    let first = Pc::let_in_by(&phone, &url, "first");
    let number = number_of(&phone, "logged_in");
    let second = Pc::let_in_by(&phone, &url, "second");

    // As it is printed, with the number.
    let shown = phone.run("notifications").stdout;
    let line = shown.lines().find(|line| line.contains("is logged in as you: \"first\"")).unwrap();
    let (_, command) = line
        .split_once("If that was not you, change the password, and: mobile-cli --server SERVER ")
        .unwrap();
    assert_eq!(command, format!("sessions end {number}"));

    let ran = end(&phone, number);
    ran.assert_done("Ended the session ");
    ran.assert_done(
        "If it was not yours, change the password as well: mobile-cli --server SERVER password\n",
    );
    assert!(!first.is_logged_in(), "its token outlived it");
    assert_eq!(first.refresh(), Some(OauthCode::InvalidGrant));
    assert!(second.is_logged_in(), "another PC was ended with it");
    let left = phone.run("sessions").stdout;
    assert!(left.contains("\"second\"") && !left.contains("\"first\""), "{left}");

    // What there is no more can't be ended, and the advice still holds.
    end(&phone, number)
        .assert_failed(1, "that session is over already; if it was not yours, change the password");
    assert!(second.is_logged_in());
}

#[test]
fn a_number_that_tells_of_no_pc_of_this_account_ends_nothing() {
    let url = serve();
    let alices = phone_of(&url, "alice");
    let pc = Pc::let_in_by(&alices, &url, "thinkpad");
    let number = number_of(&alices, "logged_in");

    let none = "this account has no notification";
    end(&alices, number + 1000).assert_failed(1, none);
    // The largest that there is, where nothing comes after.
    end(&alices, u64::MAX).assert_failed(1, none);
    // One that tells of a login, and not of a session.
    let confirmed = number_of(&alices, "login_confirmed");
    end(&alices, confirmed)
        .assert_failed(1, &format!("notification {confirmed} tells of no PC that was logged in"));
    assert!(pc.is_logged_in());

    // Of another account's numbers none means the PC of this one, whether or not it has such a number itself.
    let bobs = phone_of(&url, "bob");
    for number in [confirmed, number] {
        end(&bobs, number).assert_failed(1, none);
    }
    let bobs_pc = Pc::let_in_by(&bobs, &url, "desktop");
    for (number, kind) in notices(&bobs) {
        end(&bobs, number).assert_failed_unless(kind == "logged_in");
    }
    assert!(pc.is_logged_in(), "somebody else has ended it");
    assert!(!bobs_pc.is_logged_in());
    // Not even by its id.
    let list = alices.run("sessions --json").json();
    let is_pc = |session: &&serde_json::Value| session["kind"] == "pc";
    let id =
        list["sessions"].as_array().unwrap().iter().find(is_pc).unwrap()["id"].as_str().unwrap().to_owned();
    bobs.run(&format!("sessions end {id}")).assert_failed(1, "this account has no such session");
    assert!(pc.is_logged_in());
    assert_eq!(pc.refresh(), None, "its session is as it was");
}

#[test]
fn who_changes_the_password_is_told_of_it_without_a_pc_to_end() {
    let url = serve();
    let phone = phone_of(&url, "alice");
    let passwords = b"correct horse battery staple\nanother horse battery staple\n";
    let ran = phone.run_with("password --password-stdin", passwords);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let number = number_of(&phone, "password_changed");
    end(&phone, number).assert_failed(1, "tells of no PC that was logged in");
    assert_eq!(phone.run("whoami").exit, 0, "the phone itself was logged out");
}
