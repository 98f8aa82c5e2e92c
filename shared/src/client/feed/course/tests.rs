//! What follows what, and how soon.

use proptest::prelude::*;

use super::*;
use crate::problem::{Problem, ProblemCode};
use crate::random::OsRandom;
use crate::words::Text;

/// Chance that always says the most, or always the least.
struct Always(u8);

impl Random for Always {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn course(choice: TransportChoice) -> Course {
    Course::new(choice, Pace::default(), Arc::new(OsRandom))
}

fn away() -> ClientError {
    ClientError::Unreachable(Text::new("away".to_owned(), "不在".to_owned()))
}

fn pause(turn: &Turn) -> Duration {
    match turn {
        Turn::Retry { pause, .. } => *pause,
        Turn::Over(error) => panic!("over: {error}"),
    }
}

const MOMENT: Duration = Duration::from_millis(5);

#[test]
fn pauses_double_up_to_eight_seconds_and_no_two_are_sure_to_be_alike() {
    let pauses = |random: u8| -> Vec<_> {
        let random = Arc::new(Always(random));
        let mut course = Course::new(TransportChoice::Auto, Pace::default(), random);
        (0..7).map(|_| pause(&course.after(Loss::Away(away()), MOMENT)).as_millis()).collect()
    };
    assert_eq!(pauses(0), [125, 250, 500, 1000, 2000, 4000, 4000]);
    let longest = [250, 500, 1000, 2000, 4000, 8000, 8000];
    for (pause, longest) in pauses(0xFF).into_iter().zip(longest) {
        assert!((longest / 2..=longest).contains(&pause), "{pause} of {longest}");
    }
}

#[test]
fn an_answer_begins_the_pauses_anew() {
    let mut course = course(TransportChoice::Auto);
    for _ in 0..5 {
        course.after(Loss::Away(away()), MOMENT);
    }
    course.answered();
    assert!(pause(&course.after(Loss::Away(away()), MOMENT)) <= Duration::from_millis(250));
}

#[test]
fn a_restart_is_followed_at_once_unless_it_follows_a_failure() {
    let mut course = course(TransportChoice::Auto);
    let first = course.after(Loss::Restart, MOMENT);
    assert!(pause(&first) <= Duration::from_millis(250));
    assert!(matches!(first, Turn::Retry { tell: None, present_first: false, .. }));
    let pauses = (0..8).map(|_| pause(&course.after(Loss::Restart, MOMENT)));
    assert!(pauses.last() >= Some(Duration::from_secs(4)), "a node that only ever restarts");
    let settled = Pace::default().settled;
    assert!(pause(&course.after(Loss::Restart, settled)) <= Duration::from_millis(250));
}

#[test]
fn only_cuts_in_youth_count_against_a_socket() {
    let mut course = course(TransportChoice::Auto);
    for lived in [MOMENT, MOMENT, Pace::default().settled, MOMENT] {
        course.after(Loss::Cut(away()), lived);
        assert_eq!(course.transport(), Transport::WebSocket);
    }
    course.after(Loss::Cut(away()), MOMENT);
    assert_eq!(course.transport(), Transport::LongPoll);
}

#[test]
fn a_wait_to_its_end_clears_a_long_poll() {
    let mut course = course(TransportChoice::Auto);
    course.after(Loss::Refused(away()), MOMENT);
    course.after(Loss::Cut(away()), MOMENT);
    course.waited();
    course.after(Loss::Cut(away()), MOMENT);
    assert_eq!(course.transport(), Transport::LongPoll);
    course.after(Loss::Cut(away()), MOMENT);
    assert_eq!(course.transport(), Transport::Poll);
}

#[test]
fn a_server_that_is_away_is_held_against_no_transport() {
    let mut course = course(TransportChoice::Auto);
    for _ in 0..100 {
        course.after(Loss::Away(away()), MOMENT);
    }
    assert_eq!(course.transport(), Transport::WebSocket);
}

#[test]
fn a_cut_is_told_only_if_nothing_else_will_tell() {
    let told = |choice, error| {
        matches!(course(choice).after(Loss::Cut(error), MOMENT), Turn::Retry { tell: Some(_), .. })
    };
    let busy = || ClientError::Problem(Problem { retry_after: Some(9), ..ProblemCode::RateLimited.into() });
    assert!(!told(TransportChoice::Auto, away()), "the plain read will tell");
    assert!(told(TransportChoice::Auto, busy()), "not for nine seconds");
    assert!(told(TransportChoice::Only(Transport::WebSocket), away()));
}

fn losses() -> impl Strategy<Value = (Loss, Duration)> {
    let error = prop_oneof![
        Just(away()),
        any::<Option<u64>>().prop_map(|retry_after| {
            ClientError::Problem(Problem { retry_after, ..ProblemCode::Unavailable.into() })
        }),
    ];
    let loss = (0..4, error).prop_map(|(kind, error)| match kind {
        0 => Loss::Restart,
        1 => Loss::Refused(error),
        2 => Loss::Cut(error),
        _ => Loss::Away(error),
    });
    (loss, (0..60u64).prop_map(Duration::from_secs))
}

proptest! {
    #[test]
    fn it_always_goes_on_in_reasonable_time_and_only_downwards(
        losses in prop::collection::vec(losses(), 0..60)
    ) {
        for choice in [
            TransportChoice::Auto,
            TransportChoice::Only(Transport::WebSocket),
            TransportChoice::Only(Transport::LongPoll),
            TransportChoice::Only(Transport::Poll),
        ] {
            let mut course = course(choice);
            for (loss, lived) in losses.clone() {
                let before = course.transport() as u8;
                let restarts = matches!(loss, Loss::Restart);
                let turn = course.after(loss, lived);
                prop_assert!(pause(&turn) <= LONGEST_RETRY_AFTER + Pace::default().longest_pause);
                prop_assert!(course.transport() as u8 >= before);
                if let TransportChoice::Only(transport) = choice {
                    prop_assert_eq!(course.transport(), transport);
                    prop_assert!(restarts || pause(&turn) >= Duration::from_millis(125));
                }
            }
        }
    }
}
