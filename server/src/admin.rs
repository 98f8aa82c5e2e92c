//! `server account …` and `server client …`: what whoever runs the server does, beside it or without it.

use std::io::{self, BufRead, IsTerminal as _, Write};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use shared::api::Password;
use shared::id::LoginId;
use shared::name::Username;
use shared::random::Random;
use shared::secret::{ClientSecret, Token};

use crate::accounts::{AccountError, Accounts};
use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::{AccountCommand, ClientCommand, Command};
use crate::limits::{LimitSettings, Limits};
use crate::metrics::Metrics;
use crate::store::{Account, ResourceServer, Store};

/// What to do about a name that is no account's.
const NO_ACCOUNT: &str = "there is no such account; `server account list` shows them";
/// The longest name of a resource server.
const MAX_CLIENT_NAME: usize = 64;

/// Carries a command out, on the same store that a server may be running on.
///
/// # Errors
/// In words, what to do next.
pub async fn run(
    command: Command,
    store: Arc<dyn Store>,
    clock: Clock,
    random: Arc<dyn Random>,
) -> Result<()> {
    let mut out = io::stdout().lock();
    match command {
        Command::Account { command } => account(command, store, clock, random, &mut out).await,
        Command::Client { command } => client(command, &*store, &clock, &*random, &mut out).await,
    }
}

async fn account(
    command: AccountCommand,
    store: Arc<dyn Store>,
    clock: Clock,
    random: Arc<dyn Random>,
    out: &mut impl Write,
) -> Result<()> {
    // Nobody reads these: a command is over at once.
    let metrics = Metrics::new(clock.clone());
    let limits = Limits::new(LimitSettings::default(), store.clone(), clock.clone(), metrics);
    let accounts = Accounts::new(store.clone(), clock, random, limits);
    match command {
        AccountCommand::Add { name } => {
            let made = accounts.add(username(&name)?.as_str(), password()?).await.map_err(explain)?;
            writeln!(out, "made account {}", made.username)?;
        }
        AccountCommand::List => {
            let accounts = store.accounts().await?;
            let width = accounts.iter().map(|account| account.username.as_str().len()).max().unwrap_or(0);
            for account in accounts {
                let state = if account.enabled { "" } else { "  disabled" };
                writeln!(out, "{:<width$}  {:.0}{state}", account.username.as_str(), account.created_at)?;
            }
        }
        AccountCommand::Disable { name } => {
            let account = find(&*store, &name).await?;
            known(store.set_enabled(&account.username, false).await?)?;
            Audit::AccountDisabled { account: account.id }.log();
            writeln!(out, "disabled; all sessions have ended")?;
        }
        AccountCommand::Enable { name } => {
            let account = find(&*store, &name).await?;
            known(store.set_enabled(&account.username, true).await?)?;
            Audit::AccountEnabled { account: account.id }.log();
            writeln!(out, "enabled")?;
        }
        AccountCommand::Password { name } => {
            let account = find(&*store, &name).await?;
            accounts.set_password(&account, password()?, None, None).await.map_err(explain)?;
            writeln!(out, "changed; all sessions have ended")?;
        }
        AccountCommand::Remove { name } => {
            let account = find(&*store, &name).await?;
            known(store.remove_account(&account.username).await?)?;
            Audit::AccountRemoved { account: account.id }.log();
            writeln!(out, "removed")?;
        }
    }
    Ok(())
}

async fn client(
    command: ClientCommand,
    store: &dyn Store,
    clock: &Clock,
    random: &dyn Random,
    out: &mut impl Write,
) -> Result<()> {
    match command {
        ClientCommand::Add { name } => {
            let good = (1..=MAX_CLIENT_NAME).contains(&name.len())
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
            if !good {
                bail!("a name is 1 to {MAX_CLIENT_NAME} letters, digits, dots, underscores and dashes");
            }
            let now = clock.now();
            let secret = Token::<ClientSecret>::generate(LoginId::generate(now, random).tag(), random);
            let client = ResourceServer { name: name.clone(), secret: secret.digest(), created_at: now };
            if !store.add_client(client).await? {
                bail!("this name is taken; `server client remove` makes room");
            }
            Audit::ClientAdded { name: &name }.log();
            // The one time that it can be read: the store has its digest only.
            writeln!(out, "{}", secret.expose())?;
        }
        ClientCommand::List => {
            let clients = store.clients().await?;
            let width = clients.iter().map(|client| client.name.len()).max().unwrap_or(0);
            for client in clients {
                writeln!(out, "{:<width$}  {:.0}", client.name, client.created_at)?;
            }
        }
        ClientCommand::Remove { name } => {
            if !store.remove_client(&name).await? {
                bail!("there is no such client; `server client list` shows them");
            }
            Audit::ClientRemoved { name: &name }.log();
            writeln!(out, "removed")?;
        }
    }
    Ok(())
}

fn username(name: &str) -> Result<Username> {
    Ok(Username::parse(name)?)
}

/// The account of this name.
async fn find(store: &dyn Store, name: &str) -> Result<Account> {
    store.account(&username(name)?).await?.context(NO_ACCOUNT)
}

fn known(there: bool) -> Result<()> {
    if there { Ok(()) } else { bail!(NO_ACCOUNT) }
}

/// From the terminal, unseen, or the first line of standard input. Never an argument, which every process on
/// the machine could read.
fn password() -> Result<Password> {
    if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("The same again: ")? != password {
            bail!("the two passwords differ, so nothing was done; try again");
        }
        return Ok(Password::new(password));
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("can't read the password from standard input")?;
    let password =
        line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() {
        bail!("give the password as the first line of standard input");
    }
    Ok(Password::new(password.to_owned()))
}

fn explain(error: AccountError) -> anyhow::Error {
    match error {
        AccountError::Taken => anyhow::anyhow!("this user name is taken; choose another"),
        AccountError::WrongPassword => {
            anyhow::anyhow!("the password was changed by somebody else meanwhile; try again")
        }
        error => error.into(),
    }
}
