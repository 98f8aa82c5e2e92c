//! Notices: counted by kind and subject, in order, and not without end.

use server::store::{NOTICES_KEPT, NOTICES_READ};
use shared::api::NoticeKind;
use tokio::task::JoinSet;

use crate::world::{World, random};

pub(crate) async fn there_is_one_notice_per_kind_and_subject_counted(world: World) {
    let (account, other) = (world.owner().await, world.owner().await);
    let subject = random();
    let first = world.notice(account.id, NoticeKind::SecondScanRefused, subject);
    world.notify(first.clone()).await.unwrap();
    let later = world.later(std::time::Duration::from_secs(9));
    later.notify(later.notice(account.id, NoticeKind::SecondScanRefused, subject)).await.unwrap();
    world.notify(world.notice(account.id, NoticeKind::LoginDenied, subject)).await.unwrap();
    world.notify(world.notice(account.id, NoticeKind::SecondScanRefused, random())).await.unwrap();
    world.notify(world.notice(other.id, NoticeKind::SecondScanRefused, subject)).await.unwrap();
    let kept = world.notices(account.id, 0).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.count).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(kept[0].notice, first, "as of the first time");
    assert!(kept.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(world.notices(account.id, kept[0].id).await.unwrap(), kept[1..]);
    assert_eq!(world.notices(account.id, kept[2].id).await.unwrap(), []);
    assert_eq!(world.notices(account.id, u64::MAX).await.unwrap(), []);
    let others = world.notices(other.id, 0).await.unwrap();
    assert_eq!(others.iter().map(|kept| kept.count).collect::<Vec<_>>(), [1]);
}

pub(crate) async fn every_kind_is_kept_as_it_came(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    for kind in [
        NoticeKind::LoginConfirmed,
        NoticeKind::LoggedIn,
        NoticeKind::LoginDenied,
        NoticeKind::SecondScanRefused,
        NoticeKind::ConfirmFromAnotherPhone,
        NoticeKind::TokenReplayed,
        NoticeKind::LoginNotFinished,
        NoticeKind::PasswordChanged,
    ] {
        let mut notice = world.notice(account.id, kind, random());
        notice.session = Some(phone.id);
        notice.ip = None;
        world.notify(notice.clone()).await.unwrap();
        assert_eq!(world.notices(account.id, 0).await.unwrap().last().unwrap().notice, notice);
    }
}

pub(crate) async fn racing_notices_are_all_counted(world: World) {
    let account = world.owner().await;
    let subject = random();
    let race: JoinSet<()> = (0..64)
        .map(|caller| {
            let subject = if caller % 2 == 0 { subject } else { random() };
            let (world, notice) = (world.clone(), world.notice(account.id, NoticeKind::LoginDenied, subject));
            async move { world.notify(notice).await.unwrap() }
        })
        .collect();
    race.join_all().await;
    let kept = world.notices(account.id, 0).await.unwrap();
    assert_eq!(kept.len(), 33);
    assert_eq!(kept.iter().map(|kept| kept.count).max(), Some(32));
    assert!(kept.is_sorted_by(|a, b| a.id < b.id));
}

pub(crate) async fn an_account_keeps_its_newest_thousand_and_reads_a_hundred_at_a_time(world: World) {
    let account = world.owner().await;
    let quiet = world.owner().await;
    world.notify(world.notice(quiet.id, NoticeKind::LoggedIn, random())).await.unwrap();
    let over = 20_u8;
    for number in 0..NOTICES_KEPT + usize::from(over) {
        let mut subject = [0; 16];
        subject[..8].copy_from_slice(&(number as u64).to_be_bytes());
        world.notify(world.notice(account.id, NoticeKind::LoggedIn, subject)).await.unwrap();
    }
    let mut kept = Vec::new();
    loop {
        let after = kept.last().map_or(0, |kept: &server::store::KeptNotice| kept.id);
        let page = world.notices(account.id, after).await.unwrap();
        assert!(page.len() <= NOTICES_READ);
        if page.is_empty() {
            break;
        }
        kept.extend(page);
    }
    assert_eq!(kept.len(), NOTICES_KEPT);
    assert!(kept.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(kept[0].notice.subject[7], over, "the oldest are gone");
    assert_eq!(world.notices(quiet.id, 0).await.unwrap().len(), 1);
}
