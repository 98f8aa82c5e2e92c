//! `sessions` and `sessions end`.

use shared::api::NoticeKind;
use shared::exit::Exit;
use shared::id::SessionId;
use shared::problem::ProblemCode;
use shared::{say, to_say};

use super::account::Nothing;
use super::{Phone, is};
use crate::args::{Ended, SessionsCommand};
use crate::failure::Failure;
use crate::show;

/// Lists the account's phones and PCs.
pub(super) async fn list(phone: &Phone<'_>) -> Result<(), Failure> {
    let answer = phone.take(phone.client.sessions().await)?;
    let zone = &phone.context.clock.zone;
    phone.context.output.answer(&answer, |paint| show::sessions(&answer.sessions, zone, paint))
}

/// Ends one session, or all others. Who ends this phone's own has logged out.
pub(super) async fn end(phone: &Phone<'_>, which: SessionsCommand) -> Result<(), Failure> {
    let SessionsCommand::End { id, others: _ } = which;
    let words = match id {
        Some(Ended::Session(id)) => end_one(phone, id, unknown).await?,
        Some(Ended::Notice(number)) => {
            let id = told_of(phone, number).await?;
            end_one(phone, id, ended_already).await?
        }
        None => {
            phone.take(phone.client.end_other_sessions().await)?;
            say!(phone.context.lang(), ended_others())
        }
    };
    phone.context.output.answer(&Nothing {}, |_| words)
}

/// Ends a session, and says what else to do.
async fn end_one(
    phone: &Phone<'_>,
    id: SessionId,
    is_gone: fn(&Phone<'_>) -> Failure,
) -> Result<String, Failure> {
    let ended = phone.client.end_session(id).await;
    if ended.as_ref().is_err_and(|error| is(error, ProblemCode::NotFound)) {
        return Err(is_gone(phone));
    }
    phone.take(ended)?;
    let done = say!(phone.context.lang(), ended(id));
    if id == phone.kept.session_id {
        phone.context.keep.forget_phone(&phone.kept)?;
        return Ok(done);
    }
    // Whoever confirmed it has a phone of this account, or its password.
    let password = phone.context.line("password");
    Ok(format!("{done}\n{}", say!(phone.context.lang(), change_password(password))))
}

/// The session of the PC that a notification tells of. Only a log-in's will do: others name the session that
/// did something, as this phone's may have.
async fn told_of(phone: &Phone<'_>, number: u64) -> Result<SessionId, Failure> {
    let page = phone.take(phone.client.notifications(number - 1, None).await)?;
    let told = page.notifications.into_iter().find(|notice| notice.id == number);
    let Some(told) = told else {
        let list = phone.context.line("notifications");
        let message = to_say!(no_notification(number, &list));
        return Err(Failure::new(Exit::Failed, "no_such_notification", message));
    };
    let session = told.session_id.filter(|_| told.kind == NoticeKind::LoggedIn);
    session.ok_or_else(|| {
        let list = phone.context.line("sessions");
        Failure::new(Exit::Failed, "no_session", to_say!(notification_of_no_pc(number, &list)))
    })
}

/// The failure for a session that a notification tells of and that is over.
fn ended_already(phone: &Phone<'_>) -> Failure {
    let password = phone.context.line("password");
    Failure::new(Exit::Failed, ProblemCode::NotFound.as_str(), to_say!(over_already(&password)))
}

/// The failure for an id that is none of this account's.
fn unknown(phone: &Phone<'_>) -> Failure {
    let list = phone.context.line("sessions");
    Failure::new(Exit::Failed, ProblemCode::NotFound.as_str(), to_say!(no_session(&list)))
}
