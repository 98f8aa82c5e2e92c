//! Secrets, as `Debug` prints what holds them: what ends up in a log when somebody is in a hurry.

use std::fmt::Debug;

use server::store::LoginKey;
use shared::api::{ConfirmRequest, DenyRequest, Password, PhoneLogin, ScanRequest, Unread};
use shared::client::Redeemed;
use shared::secret::ServerSecret;

use crate::Backend;
use crate::support::{PASSWORD, pc};

/// Both prints of a value.
fn prints(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

pub(crate) async fn read_a_secret_off_a_debug_print(on: Backend) {
    let server = on.server().await;
    let client = server.client();
    server.phone("alice").await;
    let password = Password::new(PASSWORD.to_owned());
    let body = PhoneLogin { username: "alice".to_owned(), password, device_name: None };
    let logged_in = client.log_in(&body).await.unwrap();
    let phone = client.phone(logged_in.phone_token.clone());
    let issued = client.issue(&pc()).await.unwrap();
    let scan_code = server.url.scan_code_in(&issued.verification_uri_complete).unwrap();
    let request = ScanRequest::scan_code(&scan_code);
    let scanned = phone.scan(&request).await.unwrap();
    let key = LoginKey::Device(issued.device_code.digest());
    let login = server.store.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone).unwrap();
    phone.confirm(&scanned.confirm_token).await.unwrap();
    let redeemed = client.redeem("tests", &issued.device_code, None).await.unwrap();
    let Redeemed::Tokens(tokens) = &redeemed else { panic!("{redeemed:?}") };
    let now = server.clock.now();
    let phone_session = server.store.phone(logged_in.phone_token.digest(), now).await.unwrap().unwrap();
    let pc_session = server.store.pc(tokens.access_token.digest(), now).await.unwrap().unwrap();
    let account = server.store.account(&phone_session.username).await.unwrap().unwrap();
    let secret = ServerSecret::generate(&shared::random::OsRandom);
    let failed = client.redeem("mallory", &issued.device_code, None).await.unwrap_err();
    let confirm_token = Unread::new(scanned.confirm_token.expose().to_owned());
    let deny = DenyRequest { confirm_token: confirm_token.clone(), report: None };
    let printed = [
        prints(&ConfirmRequest { confirm_token }),
        prints(&deny),
        prints(&body),
        prints(&logged_in),
        prints(&phone),
        prints(&issued),
        prints(&scan_code),
        prints(&request),
        prints(&scanned),
        prints(&key),
        prints(&login),
        prints(&redeemed),
        prints(&phone_session),
        prints(&pc_session),
        prints(&account),
        prints(&secret),
        prints(&failed),
    ];
    let secrets = [
        PASSWORD,
        logged_in.phone_token.expose(),
        issued.device_code.expose(),
        scanned.confirm_token.expose(),
        tokens.access_token.expose(),
        tokens.refresh_token.expose(),
        account.password.as_str(),
    ];
    for (secret, print) in secrets.iter().flat_map(|secret| printed.iter().map(move |print| (secret, print)))
    {
        // Nor without its kind in front.
        let bare = secret.split_once('_').map_or(*secret, |(_, rest)| rest);
        assert!(!print.contains(bare), "{print}");
    }
}
