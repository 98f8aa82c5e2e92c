//! The transition table: every state of a login, and what every event does to it. Read the snapshot, not
//! the code: `snapshots/transitions__the_table.snap`. Its columns are those of `PROTOCOL` §3.

mod cast;

use std::fmt::Write as _;
use std::time::Duration;

use cast::{
    CLIENT, DIGITS, LIFETIME_SECS, after, alice, bob, confirm, deny, issued, issued_with_check,
    issued_with_key, redeem, redeem_proving, redeem_with, scan,
};
use jiff::Timestamp;
use shared::login::{Event, Login, REDEEM_WITHIN, REPEAT_WITHIN, Refusal, Standing, Step};

const LABEL_WIDTH: usize = 32;
const CELL_WIDTH: usize = 32;
const LEGEND: &str = "\
→ it goes to this state: version + 1, revision + 1     ✗ refused with this, nothing changes
= it stays in this state: only revision + 1            ✉ its owner is told this

Alice's phone scanned it, if anybody did. It got token 1, and token 2 for a second scan.
Where the PC is to be checked, her phone shows 47. The other redeems come without digits.
";

/// A column: a state that a login can be in, and when the event comes.
struct Column {
    title: [&'static str; 2],
    login: Login,
    now: Timestamp,
}

fn column(title: [&'static str; 2], login: Login, secs: u64) -> Column {
    Column { title, login, now: after(Duration::from_secs(secs)) }
}

/// The rows. A phone that scans or decides once more uses token 3, or the ones it has.
fn events() -> Vec<(&'static str, Event)> {
    vec![
        ("scan          Alice's phone", scan(&alice(), 3)),
        ("              Bob's phone", scan(&bob(), 3)),
        ("confirm       Alice's, token 1", confirm(&alice(), 1)),
        ("              Alice's, token 2", confirm(&alice(), 2)),
        ("              Bob's,   token 1", confirm(&bob(), 1)),
        ("              Bob's,   token 2", confirm(&bob(), 2)),
        ("deny          Alice's, token 1", deny(&alice(), 1)),
        ("              Alice's, token 2", deny(&alice(), 2)),
        ("              Bob's,   token 1", deny(&bob(), 1)),
        ("              Bob's,   token 2", deny(&bob(), 2)),
        ("redeem        tokens unused", redeem(CLIENT, 0xC, true)),
        ("              tokens used", redeem(CLIENT, 0xC, false)),
        ("              another client", redeem("other", 0xC, true)),
        ("              check code 47", redeem_with(DIGITS, 0xC)),
        ("              check code 48", redeem_with("48", 0xC)),
        ("              proves key 1", redeem_proving(1)),
        ("              proves key 2", redeem_proving(2)),
        ("cancel", Event::Cancel),
        ("phone's session ends", Event::PhoneEnded),
        ("gives way to other logins", Event::Evict),
        ("time passes", Event::Tick),
    ]
}

/// The login after these events, each a second after the one before.
fn login(events: &[Event]) -> Login {
    login_from(issued(), events)
}

fn login_from(issued: Login, events: &[Event]) -> Login {
    events.iter().zip(1..).fold(issued, |login, (event, secs)| {
        login.apply(event, after(Duration::from_secs(secs))).expect("it may happen").login
    })
}

/// The login, as somebody has written down that it ran out.
fn ran_out(login: &Login) -> Login {
    let end = login.runs_out_at().expect("its time can run out");
    login.apply(&Event::Tick, end).expect("it has run out").login
}

/// The groups of columns, each a table.
fn tables() -> Vec<(&'static str, Vec<Column>)> {
    let scanned = login(&[scan(&alice(), 1)]);
    let scanned_again = login(&[scan(&alice(), 1), scan(&alice(), 2)]);
    let confirmed = login(&[scan(&alice(), 1), confirm(&alice(), 1)]);
    let logged_in = login(&[scan(&alice(), 1), confirm(&alice(), 1), redeem(CLIENT, 0xC, true)]);
    let denied = login(&[scan(&alice(), 1), deny(&alice(), 1)]);
    let cancelled = login(&[Event::Cancel]);
    let scanned_cancelled = login(&[scan(&alice(), 1), Event::Cancel]);
    let begin = [scan(&alice(), 1), confirm(&alice(), 1), redeem_with("10", 0xC), redeem_with("99", 0xC)];
    let checked = |wrong: usize| login_from(issued_with_check(), &begin[..2 + wrong]);
    let proved = [scan(&alice(), 1), confirm(&alice(), 1), redeem_proving(1)];
    let bound = |events: &[Event]| login_from(issued_with_key(1), events);
    let mut expecting_bob = issued();
    expecting_bob.request.login_hint = Some(bob().username);

    let confirmed_until = 2 + REDEEM_WITHIN.as_secs();
    let repeated_until = 3 + REPEAT_WITHIN.as_secs();
    let last = LIFETIME_SECS - 1;
    vec![
        (
            "Before the decision, in the last second before the deadline",
            vec![
                column(["unscanned", ""], issued(), last),
                column(["scanned", "once"], scanned.clone(), last),
                column(["scanned", "twice: token 2 replaced 1"], scanned_again, last),
                column(["unscanned", "the PC expects Bob"], expecting_bob, last),
            ],
        ),
        (
            "After the confirmation",
            vec![
                column(["confirmed", "for 59 s"], confirmed.clone(), confirmed_until - 1),
                column(["logged_in", "for 29 s"], logged_in.clone(), repeated_until - 1),
                column(["logged_in", "for 30 s"], logged_in, repeated_until),
            ],
        ),
        (
            "After the confirmation, where the PC is to be checked",
            vec![
                column(["confirmed", "nothing was typed"], checked(0), confirmed_until - 1),
                column(["confirmed", "after two wrong codes"], checked(2), confirmed_until - 1),
                column(["confirmed", "for 60 s"], checked(0), confirmed_until),
            ],
        ),
        (
            "After the confirmation, where the PC has proved key 1",
            vec![
                column(["scanned", ""], bound(&begin[..1]), last),
                column(["confirmed", "for 59 s"], bound(&begin[..2]), confirmed_until - 1),
                column(["logged_in", "for 29 s"], bound(&proved), repeated_until - 1),
                column(["logged_in", "key 1 came with the redeem"], login(&proved), repeated_until - 1),
            ],
        ),
        (
            "Ended by a person",
            vec![
                column(["denied", ""], denied, last),
                column(["cancelled", "was unscanned"], cancelled, last),
                column(["cancelled", "was scanned"], scanned_cancelled, last),
            ],
        ),
        (
            "Out of time, and nobody has written it down",
            vec![
                column(["unscanned", "at the deadline"], issued(), LIFETIME_SECS),
                column(["scanned", "at the deadline"], scanned.clone(), LIFETIME_SECS),
                column(["confirmed", "for 60 s"], confirmed.clone(), confirmed_until),
            ],
        ),
        (
            "Out of time, and written down",
            vec![
                column(["expired", "was unscanned"], ran_out(&issued()), LIFETIME_SECS),
                column(["expired", "was scanned"], ran_out(&scanned), LIFETIME_SECS),
                column(["expired", "was confirmed"], ran_out(&confirmed), confirmed_until),
            ],
        ),
    ]
}

/// The refusal's name, and the status that its answer tells.
fn words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::ConfirmTokenUsed(Some(Standing { status, check_code })) => {
            let digits = check_code.map_or(String::new(), |code| format!(" {}", code.digits()));
            format!("ConfirmTokenUsed, {}{digits}", status.as_str())
        }
        Refusal::ConfirmTokenUsed(None) => "ConfirmTokenUsed".to_owned(),
        Refusal::Pending(status) => format!("Pending, {}", status.as_str()),
        Refusal::Unchecked { tries_left } => format!("Unchecked, {tries_left} left"),
        Refusal::Replayed(_) => "Replayed".to_owned(),
        plain => format!("{plain:?}"),
    }
}

/// What comes of an event, in the legend's signs: one line, and one for the notice.
fn cell(before: &Login, outcome: &Result<Step, Refusal>) -> [String; 2] {
    let told = |notice: Option<_>| notice.map_or(String::new(), |notice| format!("✉ {notice:?}"));
    match outcome {
        Ok(step) => {
            let counted = (step.login.version - before.version, step.login.revision - before.revision);
            let sign = match counted {
                (1, 1) => "→".to_owned(),
                (0, 1) => "=".to_owned(),
                (version, revision) => format!("version + {version}, revision + {revision}:"),
            };
            [format!("{sign} {}", step.login.state.status().as_str()), told(step.notice)]
        }
        Err(refusal) => [format!("✗ {}", words(refusal)), told(refusal.notice())],
    }
}

/// One line of a table.
fn line(label: &str, cells: &[&str]) -> String {
    let mut line = format!("{label:LABEL_WIDTH$}");
    for cell in cells {
        write!(line, "│ {cell:CELL_WIDTH$} ").expect("a string takes it");
    }
    line.truncate(line.trim_end().len());
    line + "\n"
}

/// One table: every event against every column.
fn table(title: &str, columns: &[Column]) -> String {
    let titles = [0, 1].map(|row| columns.iter().map(|column| column.title[row]).collect::<Vec<_>>());
    let rule = "─".repeat(CELL_WIDTH);
    let mut text = format!("\n{title}\n\n");
    text += &line("", &titles[0]);
    text += &line("", &titles[1]);
    text += &line(&"─".repeat(LABEL_WIDTH), &vec![rule.as_str(); columns.len()]);
    for (label, event) in events() {
        let outcome = |column: &Column| cell(&column.login, &column.login.apply(&event, column.now));
        let cells: Vec<_> = columns.iter().map(outcome).collect();
        let [outcomes, notices] =
            [0, 1].map(|row| cells.iter().map(|cell| cell[row].as_str()).collect::<Vec<_>>());
        text += &line(label, &outcomes);
        if notices.iter().any(|notice| !notice.is_empty()) {
            text += &line("", &notices);
        }
    }
    text
}

#[test]
fn the_table() {
    let tables: String = tables().iter().map(|(title, columns)| table(title, columns)).collect();
    insta::assert_snapshot!(format!("{LEGEND}{tables}"));
}
