//! `sessions` and `sessions end`.

use shared::exit::Exit;
use shared::problem::ProblemCode;

use super::account::Nothing;
use super::{Phone, is};
use crate::args::SessionsCommand;
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
    let words = if let Some(id) = id {
        let ended = phone.client.end_session(id).await;
        if ended.as_ref().is_err_and(|error| is(error, ProblemCode::NotFound)) {
            return Err(unknown(phone));
        }
        phone.take(ended)?;
        if id == phone.kept.session_id {
            phone.context.keep.forget_phone(&phone.kept)?;
        }
        format!("Ended the session {id}, and what hung on it.")
    } else {
        phone.take(phone.client.end_other_sessions().await)?;
        "Ended all sessions but this phone's.".to_owned()
    };
    phone.context.output.answer(&Nothing {}, |_| words)
}

/// The failure for an id that is none of this account's.
fn unknown(phone: &Phone<'_>) -> Failure {
    let list = phone.context.line("sessions");
    let message = format!("this account has no such session, or no longer; its sessions: {list}");
    Failure::new(Exit::Failed, ProblemCode::NotFound.as_str(), message)
}
