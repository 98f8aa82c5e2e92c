//! That the checker sees what is wrong, and nothing in what is right.

use super::*;

/// A history in which each call begins when the one before has ended.
fn one_by_one(calls: impl IntoIterator<Item = (Call, Answer)>) -> History {
    let at = |millis: usize| Timestamp::UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap());
    let recorded = calls.into_iter().enumerate().map(|(number, (call, answer))| {
        let (began, ended) = (at(number * 10), at(number * 10 + 5));
        Recorded { call, answer, began, ended }
    });
    History(recorded.collect())
}

fn token() -> Digest<ConfirmToken> {
    Token::<ConfirmToken>::generate(Tag::numbered(0), &OsRandom).digest()
}

/// A scan, a confirm and a redeem, and then the rest.
fn logged_in(rest: impl IntoIterator<Item = (Call, Answer)>) -> History {
    let confirm = token();
    let begun = [
        (Call::Scan { by: 0, confirm }, Answer::Done),
        (Call::Confirm { confirm }, Answer::Done),
        (Call::Redeem, Answer::Done),
    ];
    one_by_one(begun.into_iter().chain(rest))
}

#[test]
fn what_the_machine_allows_is_explained() {
    let confirm = token();
    for (what, history) in [
        ("nothing", one_by_one([(Call::Status, Answer::Status(Status::Unscanned, 1))])),
        (
            "a login",
            logged_in([
                (Call::Use { of: 2 }, Answer::Done),
                (Call::Redeem, Answer::Refused("invalid_grant")),
                (Call::Use { of: 2 }, Answer::Refused("unauthenticated")),
                (Call::Settled, Answer::Settled { alive: 0, told: 1 }),
            ]),
        ),
        (
            "a repeat",
            logged_in([
                (Call::Redeem, Answer::Done),
                (Call::Use { of: 2 }, Answer::Refused("unauthenticated")),
                (Call::Use { of: 3 }, Answer::Done),
                (Call::Settled, Answer::Settled { alive: 1, told: 1 }),
            ]),
        ),
        (
            "an ending",
            logged_in([
                (Call::EndSession, Answer::Done),
                (Call::Use { of: 2 }, Answer::Refused("unauthenticated")),
                (Call::Settled, Answer::Settled { alive: 0, told: 1 }),
            ]),
        ),
        (
            "a confirm whose answer is lost",
            one_by_one([
                (Call::Scan { by: 0, confirm }, Answer::Done),
                (Call::Scan { by: 1, confirm: token() }, Answer::Refused("already_scanned")),
                (Call::Confirm { confirm }, Answer::Unknown),
                (Call::Status, Answer::Status(Status::Scanned, 2)),
                (Call::Confirm { confirm }, Answer::Used(Status::Confirmed)),
                (Call::Status, Answer::Status(Status::Confirmed, 3)),
            ]),
        ),
        (
            "a cancel that is none",
            one_by_one([
                (Call::Cancel, Answer::Unknown),
                (Call::Scan { by: 0, confirm }, Answer::Done),
                (Call::Redeem, Answer::Pending(Status::Scanned)),
                (Call::Deny { confirm }, Answer::Done),
                (Call::Redeem, Answer::Refused("access_denied")),
            ]),
        ),
    ] {
        assert!(history.is_explained(Promise::All), "{what}: {history:?}");
        assert!(history.is_explained(Promise::Safe), "{what}: {history:?}");
        assert!(!history.is_redeemed_twice() && !history.has_a_zombie(), "{what}: {history:?}");
    }
}

#[test]
fn calls_that_overlap_may_have_come_in_either_order() {
    let mut history = logged_in([(Call::Redeem, Answer::Done), (Call::Use { of: 2 }, Answer::Done)]);
    assert!(!history.is_explained(Promise::All), "the first tokens died with the second ones");
    history.0[2].ended = history.0[3].ended;
    assert!(history.is_explained(Promise::All), "the first redeem came second");
}

#[test]
fn a_second_session_out_of_one_login_is_caught() {
    let history = logged_in([
        (Call::Use { of: 2 }, Answer::Done),
        (Call::Redeem, Answer::Done),
        (Call::Use { of: 3 }, Answer::Done),
    ]);
    assert!(!history.is_explained(Promise::All) && !history.is_explained(Promise::Safe));
    let history = logged_in([(Call::Settled, Answer::Settled { alive: 2, told: 1 })]);
    assert!(!history.is_explained(Promise::Safe) && history.is_redeemed_twice());
}

#[test]
fn a_confirm_that_was_acknowledged_and_is_later_not_there_is_caught() {
    let confirm = token();
    let scan = (Call::Scan { by: 0, confirm }, Answer::Done);
    let later = (Call::Redeem, Answer::Pending(Status::Scanned));
    let history = one_by_one([scan.clone(), (Call::Confirm { confirm }, Answer::Done), later.clone()]);
    assert!(!history.is_explained(Promise::All));
    let history = one_by_one([scan.clone(), (Call::Confirm { confirm }, Answer::Unknown), later]);
    assert!(history.is_explained(Promise::All), "one that nobody acknowledged need not be there");
    // Taken back, and done again: what was promised cannot be done twice.
    let twice = [(Call::Confirm { confirm }, Answer::Done), (Call::Confirm { confirm }, Answer::Done)];
    let history = one_by_one([scan].into_iter().chain(twice));
    assert!(!history.is_explained(Promise::All) && !history.is_explained(Promise::Safe));
}

#[test]
fn a_session_that_lives_after_its_end_is_caught() {
    for rest in [(Call::Use { of: 2 }, Answer::Done), (Call::Settled, Answer::Settled { alive: 1, told: 1 })]
    {
        let history = logged_in([(Call::EndSession, Answer::Done), rest]);
        assert!(!history.is_explained(Promise::Safe) && history.has_a_zombie());
    }
}

#[test]
fn a_session_without_a_notice_or_with_two_is_caught() {
    for told in [0, 2] {
        let history = logged_in([(Call::Settled, Answer::Settled { alive: 1, told })]);
        assert!(!history.is_explained(Promise::Safe), "{told}");
    }
}

#[test]
fn what_no_replica_need_have_may_be_gone_where_only_the_rest_is_promised() {
    let confirm = token();
    let history = one_by_one([
        (Call::Scan { by: 0, confirm }, Answer::Done),
        (Call::Status, Answer::Status(Status::Unscanned, 1)),
        (Call::Confirm { confirm }, Answer::Refused("confirm_token_invalid")),
        (Call::Settled, Answer::Settled { alive: 0, told: 0 }),
    ]);
    assert!(!history.is_explained(Promise::All) && history.is_explained(Promise::Safe));
}
