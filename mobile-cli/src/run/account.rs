//! `register`, `login`, `password`, `logout` and `whoami`.

use serde::Serialize;
use serde_json::json;
use shared::api::{PasswordChange, PhoneLogin, Registration};
use shared::exit::Exit;
use shared::name::Username;
use shared::problem::ProblemCode;
use shared::words::Text;
use shared::{say, to_say};

use super::{Context, Phone, is};
use crate::args;
use crate::ask::Passwords;
use crate::failure::Failure;

/// The answer of calls that answer with nothing.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Makes an account. It is not logged in: that is its own command, for this phone or another.
pub(super) async fn register(
    context: &Context<'_>,
    name: &Username,
    passwords: &args::Passwords,
) -> Result<(), Failure> {
    let lang = context.lang();
    let password =
        Passwords::from_stdin(passwords.password_stdin).new_one(&say!(lang, new_password(name)), lang)?;
    let body = Registration { username: name.as_str().to_owned(), password };
    let made = context.client.register(&body).await?;
    context.output.answer(&made, |_| {
        let next = context.line(&format!("login {}", made.account.username));
        say!(lang, registered(&made.account.username, &context.server, next))
    })
}

/// Logs this phone in, in place of whoever was before.
pub(super) async fn log_in(
    context: &Context<'_>,
    name: &Username,
    device_name: String,
    passwords: &args::Passwords,
) -> Result<(), Failure> {
    let lang = context.lang();
    let password = Passwords::from_stdin(passwords.password_stdin).existing(&say!(lang, password(name)))?;
    let body = PhoneLogin { username: name.as_str().to_owned(), password, device_name: Some(device_name) };
    let answer = context.client.log_in(&body).await.map_err(|error| {
        if is(&error, ProblemCode::Unauthenticated) {
            refused(to_say!(wrong_name_or_password()))
        } else {
            error.into()
        }
    })?;
    if let Err(error) = context.keep.keep_phone(&answer) {
        // A session that nobody can use should not go on for months.
        _ = context.client.phone(answer.phone_token).log_out().await;
        return Err(error.into());
    }
    let (account, session_id) = (&answer.account, answer.session_id);
    context.output.answer(&json!({"account": account, "session_id": session_id}), |_| {
        let next = context.line("scan IMAGE");
        say!(lang, logged_in(&context.server, &account.username, next))
    })
}

/// Changes the password; this session goes on, all others end.
pub(super) async fn change_password(phone: &Phone<'_>, passwords: &args::Passwords) -> Result<(), Failure> {
    let passwords = Passwords::from_stdin(passwords.password_stdin);
    let (lang, name) = (phone.context.lang(), &phone.kept.account.username);
    let old = passwords.existing(&say!(lang, old_password(name)))?;
    let new = passwords.new_one(&say!(lang, new_password(name)), lang)?;
    let answer = phone.client.change_password(&PasswordChange { old, new }).await;
    if let Err(error) = &answer
        && is(error, ProblemCode::Unauthenticated)
    {
        // The old password or this phone's token: the server says the same of both. Only one of them still
        // says who it is.
        phone.take(phone.client.me().await)?;
        return Err(refused(to_say!(wrong_old_password())));
    }
    phone.take(answer)?;
    phone.context.output.answer(&Nothing {}, |_| say!(lang, password_changed(name)))
}

/// Logs this phone out. It is forgotten only when the server has done so too.
pub(super) async fn log_out(phone: &Phone<'_>) -> Result<(), Failure> {
    phone.take(phone.client.log_out().await)?;
    phone.context.keep.forget_phone(&phone.kept)?;
    phone.context.output.answer(&Nothing {}, |paint| say!(paint.lang(), logged_out()))
}

/// Says who this phone is logged in as, in the server's words.
pub(super) async fn who_am_i(phone: &Phone<'_>) -> Result<(), Failure> {
    let me = phone.take(phone.client.me().await)?;
    phone
        .context
        .output
        .answer(&me, |paint| say!(paint.lang(), who(&me.username, &phone.context.server, me.session_id)))
}

fn refused(message: Text) -> Failure {
    Failure::new(Exit::NotLoggedIn, ProblemCode::Unauthenticated.as_str(), message)
}
