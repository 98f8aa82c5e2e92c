//! `scan`: who asks to be logged in?

use serde_json::json;
use shared::api::ScanRequest;
use shared::code::{ScanCode, UserCode};
use shared::exit::Exit;
use shared::{say, to_say};

use super::decide::{self, Decision};
use super::desktop::{self, Place};
use super::{Context, decode};
use crate::args;
use crate::ask::{self, Said};
use crate::failure::Failure;
use crate::output::is_interactive;
use crate::show::{Asked, request};

/// Scans, shows who asks, and keeps the confirm token. With `--confirm` it goes on to the question.
pub(super) async fn scan(context: &Context<'_>, what: args::Scan) -> Result<(), Failure> {
    if what.confirm && !what.yes && !is_interactive() {
        return Err(decide::no_terminal());
    }
    let phone = context.phone()?;
    // Whatever is not a code of this server ends here: nothing of it is sent to anybody.
    let code = code(context, &what)?;
    let scanned = phone.take(phone.client.scan(&code).await)?;
    let kept = context.keep.keep_scan(&phone.kept, &scanned, (context.clock.now)())?;

    let username = &phone.kept.account.username;
    let asked = Asked { login: &scanned.login, username, left_secs: scanned.expires_in };
    let mut answer = json!({"expires_in": scanned.expires_in, "login": scanned.login});
    if !what.confirm {
        return context.output.answer(&answer, |paint| {
            let (no, yes) = (context.line("deny"), context.line("confirm"));
            let asks = request(asked, &context.clock.zone, paint);
            let (no, yes) = (say!(paint.lang(), how_to_deny(no)), say!(paint.lang(), how_to_confirm(yes)));
            format!("{asks}\n\n{no}\n{yes}")
        });
    }
    if !context.output.is_json() || !what.yes {
        context.output.tell(|paint| request(asked, &context.clock.zone, paint))?;
    }
    let decision = match if what.yes { Said::Yes } else { ask::decision(context.lang())? } {
        Said::Yes => Decision::Confirm,
        Said::Deny => Decision::Deny { report: false },
        Said::Nothing => return context.output.answer(&answer, |_| decide::left_as_it_is(context)),
    };
    let outcome = decide::send(&phone, &kept, decision).await?;
    answer["status"] = json!(outcome.decided.status);
    if let Some(code) = outcome.decided.check_code {
        answer["check_code"] = json!(code);
    }
    context.output.answer(&answer, |paint| match decision {
        Decision::Confirm => decide::confirmed(&phone, &outcome, paint),
        Decision::Deny { .. } => decide::denied(&outcome, paint),
    })
}

/// What to scan, from a picture or as typed, if it is this server's.
fn code(context: &Context<'_>, what: &args::Scan) -> Result<ScanRequest, Failure> {
    let server = &context.server;
    if let Some(code) = &what.code {
        let code = UserCode::parse(code).map_err(|_| Failure::usage(to_say!(no_user_code())))?;
        return Ok(ScanRequest::user_code(&code));
    }
    let codes = match (&what.url, &what.image) {
        (Some(url), _) => server.scan_code_in(url.trim()).into_iter().collect(),
        (None, Some(image)) => codes_in(context, decode::file(image)?)?,
        (None, None) if what.clipboard => codes_in(context, desktop::picture(Place::Clipboard)?)?,
        (None, None) => codes_in(context, desktop::picture(Place::Screen)?)?,
    };
    match codes.as_slice() {
        [code] => Ok(ScanRequest::scan_code(code)),
        [] => Err(Failure::new(Exit::Failed, "not_our_code", to_say!(not_our_code(server)))),
        _ => Err(Failure::new(Exit::Failed, "several_codes", to_say!(several_codes()))),
    }
}

/// This server's codes in a picture, each once.
fn codes_in(context: &Context<'_>, picture: Vec<u8>) -> Result<Vec<ScanCode>, Failure> {
    let server = &context.server;
    let ours = server.clone();
    let texts = decode::texts_in(picture, move |text| ours.scan_code_in(text).is_ok());
    let texts = texts.map_err(|why| decode::no_scan(why, context))?;
    let mut codes: Vec<ScanCode> = Vec::new();
    for code in texts.iter().filter_map(|text| server.scan_code_in(text).ok()) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}
