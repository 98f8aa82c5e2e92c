//! What the program does beside a server.

use clap::Subcommand;

/// What to do instead of serving. All of it works beside a running server, from its next request on.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, list, change or remove accounts
    Account {
        /// Which.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Make, list or remove resource servers: services that may ask whose a PC token is
    Client {
        /// Which.
        #[command(subcommand)]
        command: ClientCommand,
    },
}

/// What to do with accounts. Passwords are read from standard input.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; its password is asked for, or the first line of standard input
    Add {
        /// The user name
        name: String,
    },
    /// List all accounts
    List,
    /// Close an account and end all its sessions
    Disable {
        /// The user name
        name: String,
    },
    /// Open a closed account again
    Enable {
        /// The user name
        name: String,
    },
    /// Set a new password, as for `add`, and end all sessions
    Password {
        /// The user name
        name: String,
    },
    /// Remove an account with everything that belongs to it
    Remove {
        /// The user name
        name: String,
    },
}

/// What to do with resource servers.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Make one, and print its secret, once
    Add {
        /// Its name
        name: String,
    },
    /// List them
    List,
    /// Remove one
    Remove {
        /// Its name
        name: String,
    },
}
