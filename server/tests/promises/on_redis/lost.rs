//! Answers that are lost: each call is carried out once, and says what it did.

use std::time::Duration;

use server::store::{Committed, Ending, FirstUse, Inserted, Taken};
use shared::api::NoticeKind;

use super::Weathered;
use crate::proxy::Weather;
use crate::world::{ROOMY, World, random, scan};

impl Weathered {
    /// Does something of which the answer to the request with this text is lost.
    async fn losing<T>(&self, request: &str, call: impl AsyncFnOnce(&World) -> T) -> T {
        self.proxy.lose_answer_to(request);
        let answer = call(&self.far).await;
        assert!(self.proxy.has_lost_it(), "no request has {request}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_whose_answer_is_lost_is_done_and_not_stale() {
    let weathered = Weathered::begin().await;
    let near = &weathered.near;
    let account = near.owner().await;
    let phone = near.phone_of(&account).await;

    let login = near.new_login();
    let inserted =
        weathered.losing(r#""unscanned""#, async |far| far.insert(login.clone(), ROOMY).await).await;
    assert_eq!(inserted.unwrap(), Inserted::Done);
    let scanned = near.change(&login, &scan(&login, &phone));
    let committed =
        weathered.losing(r#""expected""#, async |far| far.commit(scanned.clone(), far.now).await).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    // The same change from somebody else is another one, and comes too late.
    assert_eq!(near.commit(scanned, near.now).await.unwrap(), Committed::Stale);

    let confirmed = near.confirmed(&phone).await;
    let (change, session) = near.redeem(&confirmed, &phone);
    let committed =
        weathered.losing(r#""expected""#, async |far| far.commit(change.clone(), far.now).await).await;
    assert_eq!(committed.unwrap(), Committed::Done);
    let notices = near.notices(account.id, 0).await.unwrap();
    assert_eq!(notices.iter().map(|notice| notice.count).collect::<Vec<_>>(), [1]);

    let (spent, fresh) = (session.tokens.refresh, near.tokens(session.id.tag()));
    let rotate = async |far: &World| far.rotate(session.id, spent, fresh.clone(), far.now).await;
    assert!(weathered.losing(r#""spent_until""#, rotate).await.unwrap());
    let ended = async |far: &World| far.end_sessions(account.id, Ending::One(session.id), None).await;
    assert_eq!(weathered.losing(r#""ended""#, ended).await.unwrap(), [session.id]);
    let ended = async |far: &World| far.end_sessions(account.id, Ending::One(phone.id), None).await;
    assert_eq!(weathered.losing(r#""ends""#, ended).await.unwrap(), [phone.id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_counted_is_counted_once_though_its_answer_is_lost() {
    let weathered = Weathered::begin().await;
    let near = &weathered.near;
    let account = near.owner().await;
    let notice = near.notice(account.id, NoticeKind::SecondScanRefused, random());
    for count in 1..=3 {
        weathered
            .losing(r#""second_scan_refused"#, async |far| far.notify(notice.clone()).await)
            .await
            .unwrap();
        let notices = near.notices(account.id, 0).await.unwrap();
        assert_eq!(notices.iter().map(|notice| notice.count).collect::<Vec<_>>(), [count]);
    }
    let proof = random();
    let used = weathered.losing("proof:", async |far| far.first_use(proof, far.now).await).await;
    assert_eq!(used.unwrap(), FirstUse::Yes);
    assert_eq!(near.first_use(proof, near.now).await.unwrap(), FirstUse::No);
    let key = server::store::LimitKey { limit: "test", subject: "lost".into() };
    let rate = server::store::Rate { count: 2, per: Duration::from_mins(1) };
    let taken = weathered.losing("limit:", async |far| far.take(key.clone(), rate, far.now).await).await;
    assert!(matches!(taken.unwrap(), Taken::Counted(_)));
    assert!(matches!(near.take(key.clone(), rate, near.now).await.unwrap(), Taken::Counted(_)));
    let refused = near.take(key, rate, near.now).await.unwrap();
    assert!(matches!(refused, Taken::Refused(_) | Taken::Contended(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_is_made_and_changed_once_though_answers_are_lost() {
    let weathered = Weathered::begin().await;
    let near = &weathered.near;
    let account = weathered.losing("username", async |far| far.owner().await).await;
    let (keep, other) = (near.phone_of(&account).await, near.phone_of(&account).await);
    assert!(
        weathered
            .losing(r#""ends""#, async |far| far.change_password(&account, 1, Some(keep.id)).await)
            .await
    );
    assert!(near.phone_is_valid(keep.id, near.now).await.unwrap());
    assert!(!near.phone_is_valid(other.id, near.now).await.unwrap());
    assert_eq!(near.account(&account.username).await.unwrap().unwrap().password_version, 2);
    assert_eq!(near.notices(account.id, 0).await.unwrap().len(), 1);
    // Also where there is no session to end.
    assert!(
        weathered
            .losing(r#""ends""#, async |far| far.change_password(&account, 2, Some(keep.id)).await)
            .await
    );
    let removed = async |far: &World| far.remove_account(&account.username).await;
    assert!(weathered.losing(r#""ends""#, removed).await.unwrap());
    let client = server::store::ResourceServer {
        name: "api".to_owned(),
        secret: shared::secret::Digest::from_bytes(random()),
        created_at: near.now,
    };
    near.add_client(client).await.unwrap();
    assert!(weathered.losing("HDEL", async |far| far.remove_client("api").await).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_of_one_moment_one_is_given_back() {
    let weathered = Weathered::begin().await;
    let near = &weathered.near;
    let key = server::store::LimitKey { limit: "test", subject: "back".into() };
    let rate = server::store::Rate { count: 2, per: Duration::from_mins(1) };
    let take = async || near.take(key.clone(), rate, near.now).await.unwrap();
    let (Taken::Counted(first), Taken::Counted(_)) = (take().await, take().await) else {
        panic!("there is room for two");
    };
    let give_back = async |far: &World| far.give_back(key.clone(), first).await;
    weathered.losing("limit:", give_back).await.unwrap();
    assert!(matches!(take().await, Taken::Counted(_)));
    assert!(!matches!(take().await, Taken::Counted(_)), "both were given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_is_away_is_an_error_and_not_a_wait_without_end() {
    let weathered = Weathered::begin().await;
    for weather in [Weather::Cut, Weather::Stalled] {
        let login = weathered.far.issued().await;
        weathered.proxy.set(weather);
        let found = weathered.far.find(server::store::LoginKey::Id(login.id));
        // A wait that takes this long would be in vain.
        let found = tokio::time::timeout(Duration::from_secs(30), found).await.unwrap();
        assert!(found.is_err(), "{weather:?}");
        weathered.proxy.set(Weather::Fair);
        let mut back = weathered.far.find(server::store::LoginKey::Id(login.id)).await;
        while back.is_err() {
            back = weathered.far.find(server::store::LoginKey::Id(login.id)).await;
        }
        assert_eq!(back.unwrap(), Some(login), "{weather:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_was_shut_is_made_anew_and_nobody_notices() {
    let weathered = Weathered::begin().await;
    for _ in 0..3 {
        let login = weathered.far.issued().await;
        weathered.proxy.spell(Weather::HalfClosed, Duration::from_millis(100)).await;
        let found = weathered.far.find(server::store::LoginKey::Id(login.id)).await;
        assert_eq!(found.unwrap(), Some(login));
    }
}
