//! `confirm` and `deny`: for the login that was scanned last.
//!
//! ```text
//! scan.json --shown, asked--> POST confirm --200------------> done, forgotten
//!     ^                            |  |
//!     |                            |  '--410, but confirmed--> done, forgotten: an earlier answer was lost
//!     '-- kept, to be repeated <---'  '--another refusal-----> failed, forgotten
//!              no answer
//! ```

use shared::api::{Decided, Status};
use shared::exit::Exit;
use shared::name::Username;
use shared::problem::ProblemCode;
use shared::{say, to_say};

use super::{Context, Phone};
use crate::ask::{self, Said};
use crate::failure::Failure;
use crate::keep::Scan;
use crate::output::{Paint, is_interactive};
use crate::show::{Asked, request};

/// Logs the PC in.
pub(super) async fn confirm(context: &Context<'_>, yes: bool) -> Result<(), Failure> {
    let (phone, scan) = scanned(context, yes)?;
    if !yes {
        show(context, &phone, &scan)?;
        match ask::decision(context.lang())? {
            Said::Yes => {}
            Said::Deny => return refuse(&phone, &scan, false).await,
            Said::Nothing => return leave(context),
        }
    }
    let outcome = send(&phone, &scan, Decision::Confirm).await?;
    context.output.answer(&outcome.decided, |paint| confirmed(&phone, &outcome, paint))
}

/// Refuses the PC.
pub(super) async fn deny(context: &Context<'_>, yes: bool, report: bool) -> Result<(), Failure> {
    let (phone, scan) = scanned(context, yes)?;
    if !yes {
        show(context, &phone, &scan)?;
        if !ask::yes(&say!(context.lang(), deny_it()))? {
            return leave(context);
        }
    }
    refuse(&phone, &scan, report).await
}

/// Sends a no, and says what it has come to.
async fn refuse(phone: &Phone<'_>, scan: &Scan, report: bool) -> Result<(), Failure> {
    let outcome = send(phone, scan, Decision::Deny { report }).await?;
    phone.context.output.answer(&outcome.decided, |paint| denied(&outcome, paint))
}

/// What a no has come to.
pub(super) fn denied(outcome: &Outcome, paint: Paint) -> String {
    if outcome.already { say!(paint.lang(), denied_already()) } else { say!(paint.lang(), denied()) }
}

/// The failure for a question that nobody is there to answer.
pub(super) fn no_terminal() -> Failure {
    Failure::usage(to_say!(no_terminal()))
}

/// What a no leaves behind.
pub(super) fn left_as_it_is(context: &Context<'_>) -> String {
    say!(context.lang(), left_as_it_is(context.line("deny")))
}

/// What a yes has come to.
pub(super) fn confirmed(phone: &Phone<'_>, outcome: &Outcome, paint: Paint) -> String {
    let username = &phone.kept.account.username;
    if let Some(code) = outcome.decided.check_code {
        return to_be_typed(&code.digits(), username, paint);
    }
    match (outcome.already, outcome.decided.status) {
        (false, _) => say!(paint.lang(), confirmed(username)),
        (true, Status::LoggedIn) => say!(paint.lang(), logged_in_already(username)),
        (true, _) => say!(paint.lang(), confirmed_already(username)),
    }
}

/// The digits, so that nobody overlooks them.
fn to_be_typed(digits: &str, username: &Username, paint: Paint) -> String {
    let spaced: String = digits.chars().flat_map(|digit| [digit, ' ']).collect();
    let large = paint.strong(spaced.trim_end());
    let (before, after) =
        (say!(paint.lang(), type_digits(digits)), say!(paint.lang(), tell_nobody(username)));
    format!("{before}\n\n        {large}\n\n{after}")
}

/// What is decided about a login.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decision {
    /// Log the PC in.
    Confirm,
    /// Keep it out.
    Deny {
        /// Whether that was an attack.
        report: bool,
    },
}

/// What a decision has come to.
pub(super) struct Outcome {
    /// Where the login stands.
    pub(super) decided: Decided,
    /// Whether it stood there before, as after a first try whose answer was lost.
    pub(super) already: bool,
}

/// Sends a decision, and reads the answer as a person means it.
///
/// The scan is forgotten as soon as its token is of no more use. It is kept where the server was not reached
/// or had no time: then nobody knows whether the decision has arrived, and it can be repeated.
pub(super) async fn send(phone: &Phone<'_>, scan: &Scan, decision: Decision) -> Result<Outcome, Failure> {
    use ProblemCode::{CodeExpired, ConfirmTokenInvalid, ConfirmTokenUsed, LoginClosed, NotYourScan};
    use Status::{Confirmed, Denied, LoggedIn};

    let answer = match decision {
        Decision::Confirm => phone.client.confirm(&scan.confirm_token).await,
        Decision::Deny { report } => phone.client.deny(&scan.confirm_token, report).await,
    };
    let already = |status, check_code| Ok(Outcome { decided: Decided { status, check_code }, already: true });
    let outcome = match answer {
        Ok(decided) => Ok(Outcome { decided, already: false }),
        Err(error) => {
            let problem = error.problem().map(|problem| (problem.code, problem.login_status));
            let check_code = error.problem().and_then(|problem| problem.check_code);
            match (decision, problem) {
                (Decision::Confirm, Some((ConfirmTokenUsed, Some(status @ (Confirmed | LoggedIn))))) => {
                    already(status, check_code)
                }
                // It was denied or cancelled; the phone is not told which, and it does not matter here.
                (Decision::Deny { .. }, Some((LoginClosed, _))) => already(Denied, None),
                (Decision::Deny { .. }, Some((ConfirmTokenUsed, Some(Confirmed | LoggedIn)))) => {
                    Err(too_late(phone))
                }
                (_, Some((ConfirmTokenUsed, Some(status)))) => Err(over(status)),
                (
                    _,
                    Some((
                        CodeExpired | ConfirmTokenInvalid | ConfirmTokenUsed | LoginClosed | NotYourScan,
                        _,
                    )),
                ) => Err(error.into()),
                _ => return phone.take(Err(error)),
            }
        }
    };
    // What remains on disk if this fails is a token that does nothing, and no reason to call a decision failed.
    _ = phone.context.keep.forget_scan(scan);
    outcome
}

/// The failure for a login that ended otherwise.
fn over(status: Status) -> Failure {
    let (exit, message) = match status {
        Status::Denied => (Exit::Denied, to_say!(was_denied())),
        Status::Cancelled => (Exit::Cancelled, to_say!(was_cancelled())),
        Status::Expired => (Exit::Expired, to_say!(was_expired())),
        _ => (Exit::Failed, to_say!(was_rescanned())),
    };
    Failure::new(exit, ProblemCode::ConfirmTokenUsed.as_str(), message)
}

/// The failure for a no after a yes.
fn too_late(phone: &Phone<'_>) -> Failure {
    let list = phone.context.line("sessions");
    let message = to_say!(confirmed_before(&list));
    Failure::new(Exit::Failed, ProblemCode::ConfirmTokenUsed.as_str(), message)
}

/// The phone, and the login to be decided.
fn scanned<'a>(context: &'a Context<'_>, yes: bool) -> Result<(Phone<'a>, Scan), Failure> {
    if !yes && !is_interactive() {
        return Err(no_terminal());
    }
    let phone = context.phone()?;
    let scan = context.keep.scan(&phone.kept)?.ok_or_else(|| {
        let next = context.line("scan IMAGE");
        Failure::new(Exit::Failed, "nothing_scanned", to_say!(nothing_scanned(&next)))
    })?;
    Ok((phone, scan))
}

/// Shows again what the decision is about.
fn show(context: &Context<'_>, phone: &Phone<'_>, scan: &Scan) -> Result<(), Failure> {
    let left = scan.expires_at.duration_since((context.clock.now)());
    let left_secs = u64::try_from(left.as_secs()).unwrap_or_default();
    let asked = Asked { login: &scan.login, username: &phone.kept.account.username, left_secs };
    context.output.tell(|paint| request(asked, &context.clock.zone, paint))
}

/// After a no.
fn leave(context: &Context<'_>) -> Result<(), Failure> {
    context.output.answer(&Decided { status: Status::Scanned, check_code: None }, |_| left_as_it_is(context))
}
