//! What a password costs, and whom it lets in.

use jiff::Timestamp;
use shared::random::OsRandom;

use super::*;
use crate::address::Address;
use crate::limits::LimitSettings;
use crate::metrics::Metrics;
use crate::store::sqlite::SqliteStore;

#[test]
fn the_dummy_costs_what_a_hash_costs() {
    let dummy = PasswordHash::new(DUMMY).unwrap();
    let real = hash(&Hasher::new().argon2, &Password::new("a password".to_owned()), &[7; SALT_LEN]);
    let real = PasswordHash::new(&real).unwrap();
    assert_eq!((dummy.algorithm, dummy.version, dummy.params), (real.algorithm, real.version, real.params));
}

/// What others have written, and what this server wrote before it hashed in memory of its own.
#[test]
fn a_hash_is_known_whoever_made_it() {
    use argon2::password_hash::PasswordHasher as _;
    let password = Password::new("correct horse".to_owned());
    let (ours, other) = (
        Hasher::new().argon2,
        Argon2::new(Algorithm::Argon2i, Version::V0x10, Params::new(64, 3, 2, Some(20)).unwrap()),
    );
    let made: PasswordHash =
        ours.hash_password_with_salt(password.expose().as_bytes(), &[7; SALT_LEN]).unwrap();
    assert_eq!(made.to_string(), hash(&ours, &password, &[7; SALT_LEN]));
    let foreign: PasswordHash = other.hash_password_with_salt(b"correct horse", &[8; 12]).unwrap();
    for hash in [made, foreign] {
        assert!(is_of(&password, &hash), "{hash}");
        assert!(!is_of(&Password::new("correct horsf".to_owned()), &hash), "{hash}");
    }
}

#[tokio::test]
async fn a_password_that_nobody_could_look_at_is_no_wrong_one() {
    let clock = Clock::held(Timestamp::UNIX_EPOCH);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory(clock.clone()).unwrap());
    let metrics = Metrics::new(clock.clone());
    let limits = Limits::new(LimitSettings::default(), store.clone(), clock.clone(), metrics);
    let accounts = Accounts::new(store, clock, Arc::new(OsRandom), limits);
    let password = |text: &str| Password::new(text.to_owned());
    accounts.add("alice", password("correct horse")).await.unwrap();
    let from = Origin::of([192, 0, 2, 7].into(), &http::HeaderMap::new(), &[]);
    let places = accounts.hasher.queue.clone().try_acquire_many_owned(u32::try_from(QUEUE).unwrap());
    for _ in 0..10 {
        let refused = accounts.check("alice", password("correct horse"), from).await;
        assert!(matches!(refused, Err(AccountError::Busy)), "{refused:?}");
    }
    drop(places);
    for _ in 0..5 {
        let refused = accounts.check("alice", password("correct horsf"), from).await;
        assert!(matches!(refused, Err(AccountError::WrongPassword)), "{refused:?}");
    }
    let refused = accounts.check("alice", password("correct horse"), from).await;
    assert!(matches!(refused, Err(AccountError::TooMany(_))), "{refused:?}");
}

#[tokio::test]
async fn only_the_password_itself_verifies() {
    let hasher = Hasher::new();
    let password = |text: &str| Password::new(text.to_owned());
    let hash = hasher.hash(password("correct horse"), &OsRandom).await.unwrap();
    assert!(hasher.verify(password("correct horse"), Some(hash.clone())).await.unwrap());
    assert!(!hasher.verify(password("correct horsf"), Some(hash)).await.unwrap());
    assert!(!hasher.verify(password("correct horse"), None).await.unwrap());
}

/// Else the time would tell which names are accounts: a hash takes some twenty times as long as all else does. With no
/// place left where one could wait for its hash, nobody gets as far as an answer.
#[tokio::test]
async fn nobody_is_refused_without_a_hash() {
    let clock = Clock::held(Timestamp::UNIX_EPOCH);
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory(clock.clone()).unwrap());
    let metrics = Metrics::new(clock.clone());
    let limits = Limits::new(LimitSettings::default(), store.clone(), clock.clone(), metrics);
    let accounts = Accounts::new(store.clone(), clock, Arc::new(OsRandom), limits);
    let password = |text: &str| Password::new(text.to_owned());
    for name in ["alice", "bob"] {
        accounts.add(name, password("correct horse")).await.unwrap();
    }
    assert!(store.set_enabled(&Username::parse("bob").unwrap(), false).await.unwrap());
    let places = u32::try_from(QUEUE).unwrap();
    for number in 0..2_u8 {
        let taken =
            (number == 0).then(|| accounts.hasher.queue.clone().try_acquire_many_owned(places).unwrap());
        for (case, (name, text)) in (0..).zip([
            ("alice", "wrong"),
            ("alice", ""),
            ("nobody", "wrong"),
            ("nobody", "correct horse"),
            ("bob", "correct horse"),
            ("bob", "wrong"),
            ("no name at all", "correct horse"),
        ]) {
            let ip = IpAddr::from([192, 0, 2, case]);
            let from = Origin { ip: Some(ip), address: Address::of(ip) };
            match accounts.check(name, password(text), from).await {
                Err(AccountError::Busy) if taken.is_some() => {}
                Err(AccountError::WrongPassword) if taken.is_none() => {}
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
