//! What may be set: arguments and environment, checked here so that nothing else has to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use shared::code::{BadUrl, PublicUrl};
use tracing_subscriber::filter::LevelFilter;

use crate::Settings;
use crate::limits::LimitSettings;
use crate::store::{OpenCaps, Rate};
use crate::telemetry::LogFormat;

/// The Saoma server: a logged-out PC shows a QR code, a logged-in phone scans and confirms it, and the PC is
/// logged in.
#[derive(Debug, Parser)]
#[command(name = "server", version, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where everything is kept.
    #[command(flatten)]
    pub place: Place,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

/// Where everything is kept.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Where logins, accounts and sessions are kept: `sqlite:PATH` or `sqlite::memory:`
    #[arg(long, env = "SAOMA_STORE", default_value = "sqlite:saoma.db", value_name = "STORE", global = true)]
    pub store: StorePlace,
    /// The server's secret; made at the first start. By default beside the database, with the ending .secret
    #[arg(long, env = "SAOMA_SECRET_FILE", value_name = "FILE", global = true)]
    pub secret_file: Option<PathBuf>,
}

/// How to serve.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The address to listen on; port 0 takes any that is free
    #[arg(long, env = "SAOMA_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Where clients reach the server: `http(s)://HOST[:PORT]`. By default the bound address
    #[arg(long, env = "SAOMA_PUBLIC_URL", value_name = "URL", value_parser = PublicUrl::parse)]
    pub public_url: Option<PublicUrl>,
    /// Let clients send secrets over plain http to another machine, for all on the way to read
    #[arg(long, env = "SAOMA_INSECURE_HTTP")]
    pub insecure_http: bool,
    /// Let anybody make an account
    #[arg(long, env = "SAOMA_OPEN_REGISTRATION")]
    pub open_registration: bool,
    /// How long a code works, 1s to 10m
    #[arg(long, env = "SAOMA_CODE_LIFETIME", default_value = "120s", value_name = "TIME", value_parser = code_lifetime)]
    pub code_lifetime: Duration,
    /// Whether a PC gets its tokens only for two digits that its person reads on the phone
    #[arg(long, env = "SAOMA_CHECK_CODE", default_value = "off", value_name = "MODE")]
    pub check_code: CheckCodeMode,
    /// Let a phone scan only from the network of the PC: the same IPv4 address, or the same IPv6 /64
    #[arg(long, env = "SAOMA_REQUIRE_SAME_NETWORK")]
    pub require_same_network: bool,
    /// A network whose PCs may ask to be logged in, and no others; may be given several times
    #[arg(long, env = "SAOMA_ISSUE_FROM", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub issue_from: Vec<IpNet>,
    /// A proxy network whose X-Forwarded-For is believed; may be given several times
    #[arg(long, env = "SAOMA_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,
    /// The certificate chain for TLS, PEM
    #[arg(long, env = "SAOMA_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, env = "SAOMA_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// How the log on standard error looks
    #[arg(long, env = "SAOMA_LOG", default_value = "human", value_name = "FORMAT")]
    pub log: LogFormat,
    /// The least important lines to log: error, warn, info, debug or trace
    #[arg(long, env = "SAOMA_LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub log_level: LevelFilter,
    /// The most connections at once
    #[arg(long, env = "SAOMA_MAX_CONNECTIONS", default_value_t = 50_000, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub max_connections: usize,
    /// How often anybody may try what.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// The limits' options. A rate is written N/TIME: at most N in any TIME.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// New logins per address
    #[arg(long, env = "SAOMA_LIMIT_ISSUE", default_value = "60/1m", value_name = "RATE", value_parser = rate)]
    pub limit_issue: Rate,
    /// Open logins per address
    #[arg(long, env = "SAOMA_LIMIT_OPEN_PER_IP", default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit_open_per_ip: u32,
    /// Open logins in all; past it, the address with the most loses its oldest unscanned one
    #[arg(long, env = "SAOMA_LIMIT_OPEN", default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit_open: u32,
    /// Unknown scan codes per phone session
    #[arg(long, env = "SAOMA_LIMIT_SCAN", default_value = "10/1m", value_name = "RATE", value_parser = rate)]
    pub limit_scan: Rate,
    /// Wrong user codes per account
    #[arg(long, env = "SAOMA_LIMIT_USER_CODE", default_value = "5/10m", value_name = "RATE", value_parser = rate)]
    pub limit_user_code: Rate,
    /// Wrong user codes per address
    #[arg(long, env = "SAOMA_LIMIT_USER_CODE_PER_IP", default_value = "30/10m", value_name = "RATE", value_parser = rate)]
    pub limit_user_code_per_ip: Rate,
    /// Unknown device codes per address
    #[arg(long, env = "SAOMA_LIMIT_DEVICE_CODE", default_value = "30/1m", value_name = "RATE", value_parser = rate)]
    pub limit_device_code: Rate,
    /// Wrong passwords per account and address
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD", default_value = "5/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password: Rate,
    /// Wrong passwords per address
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD_PER_IP", default_value = "20/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password_per_ip: Rate,
    /// Wrong passwords per account
    #[arg(long, env = "SAOMA_LIMIT_PASSWORD_PER_ACCOUNT", default_value = "100/10m", value_name = "RATE", value_parser = rate)]
    pub limit_password_per_account: Rate,
    /// New accounts per address
    #[arg(long, env = "SAOMA_LIMIT_REGISTER", default_value = "20/1m", value_name = "RATE", value_parser = rate)]
    pub limit_register: Rate,
    /// The largest body of a request, in bytes
    #[arg(long, env = "SAOMA_LIMIT_BODY", default_value_t = 16 * 1024, value_name = "BYTES")]
    pub limit_body: usize,
}

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

/// Whether check codes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckCodeMode {
    /// Never, whatever a PC says.
    Off,
    /// Always; a PC that can't ask for them gets no login.
    Require,
}

/// Which store, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// A SQLite database in a file.
    Sqlite(PathBuf),
    /// A SQLite database that is gone when the server stops.
    Memory,
}

impl FromStr for StorePlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", ":memory:")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("redis" | "redis-cluster", _)) => {
                Err("this version has no Redis store yet; use sqlite:PATH")
            }
            _ => Err("use sqlite:PATH or sqlite::memory:"),
        }
    }
}

impl Place {
    /// Where the server's secret is kept, if in a file at all.
    #[must_use]
    pub fn secret_file(&self) -> Option<PathBuf> {
        match (&self.secret_file, &self.store) {
            (Some(file), _) => Some(file.clone()),
            (None, StorePlace::Sqlite(path)) => Some(path.with_extension("secret")),
            (None, StorePlace::Memory) => None,
        }
    }
}

impl Serve {
    /// Whether clients could reach a server at that address, and safely.
    ///
    /// # Errors
    /// In words, what to set.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.public_url.is_none() && self.listen.ip().is_unspecified() {
            return Err("--public-url must say where clients reach a server that listens on all addresses");
        }
        // Port 0 makes no difference here.
        let url = self.reached_at(self.listen).map_err(|_| "--public-url must be http(s)://HOST[:PORT]")?;
        if url.as_str().len() > MAX_PUBLIC_URL {
            return Err("--public-url is too long for a QR code that a phone can read");
        }
        if !self.insecure_http && url.require_secure().is_err() {
            return Err(
                "over plain http everybody on the way reads along: give an https --public-url, or --tls-cert \
                        and --tls-key, or --insecure-http if you must",
            );
        }
        Ok(())
    }

    fn reached_at(&self, bound: SocketAddr) -> Result<PublicUrl, BadUrl> {
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        self.public_url.clone().map_or_else(|| PublicUrl::parse(&format!("{scheme}://{bound}")), Ok)
    }

    /// The settings of a server that is bound to `bound`.
    ///
    /// # Errors
    /// [`BadUrl::Form`], if that can't be written as a URL.
    pub fn settings(&self, bound: SocketAddr) -> Result<Settings, BadUrl> {
        Ok(Settings {
            open_registration: self.open_registration,
            code_lifetime: self.code_lifetime,
            requires_check_code: self.check_code == CheckCodeMode::Require,
            requires_same_network: self.require_same_network,
            issue_from: self.issue_from.clone(),
            trusted_proxies: self.trusted_proxy.clone(),
            limits: self.limits.settings(),
            body_limit: self.limits.limit_body,
            max_connections: self.max_connections,
            ..Settings::new(self.reached_at(bound)?)
        })
    }
}

impl LimitArgs {
    fn settings(&self) -> LimitSettings {
        LimitSettings {
            issue: self.limit_issue,
            open: OpenCaps { per_address: self.limit_open_per_ip, total: self.limit_open },
            scan: self.limit_scan,
            user_code: self.limit_user_code,
            user_code_per_ip: self.limit_user_code_per_ip,
            device_code: self.limit_device_code,
            password: self.limit_password,
            password_per_ip: self.limit_password_per_ip,
            password_per_account: self.limit_password_per_account,
            register: self.limit_register,
        }
    }
}

/// Longer, and the QR no longer fits a terminal.
const MAX_PUBLIC_URL: usize = 128;

/// The longest time that a rate counts over: every try in it is remembered.
const MAX_RATE_PER: Duration = Duration::from_hours(24);

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a time like 120s or 5m".to_owned())
}

fn code_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration(text)?;
    let allowed = Duration::from_secs(1)..=Duration::from_mins(10);
    if allowed.contains(&lifetime) { Ok(lifetime) } else { Err("a code lives 1s to 10m".to_owned()) }
}

fn rate(text: &str) -> Result<Rate, String> {
    let parsed = text.split_once('/').and_then(|(count, per)| {
        let rate = Rate { count: count.parse().ok()?, per: duration(per).ok()? };
        (rate.count > 0 && !rate.per.is_zero() && rate.per <= MAX_RATE_PER).then_some(rate)
    });
    parsed.ok_or_else(|| "write a rate like 60/1m: at most 60 in any minute; a day is the longest".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "write a network like 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli(args: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(format!("server {args}").split_whitespace())
    }

    #[test]
    fn the_defaults_are_the_contracts() {
        let cli = cli("").unwrap();
        assert_eq!(cli.place.store, StorePlace::Sqlite("saoma.db".into()));
        assert_eq!(cli.place.secret_file(), Some("saoma.secret".into()));
        let settings = cli.serve.settings("127.0.0.1:8080".parse().unwrap()).unwrap();
        assert_eq!(settings.public_url.as_str(), "http://127.0.0.1:8080");
        assert_eq!(settings.code_lifetime, Duration::from_mins(2));
        assert!(!settings.requires_check_code && !settings.requires_same_network);
        assert_eq!(settings.issue_from, []);
        assert_eq!(format!("{:?}", settings.limits), format!("{:?}", LimitSettings::default()));
    }

    #[test]
    fn check_codes_are_off_unless_they_are_required() {
        let bound = "127.0.0.1:8080".parse().unwrap();
        for (args, required) in [("--check-code off", false), ("--check-code require", true)] {
            let settings = cli(args).unwrap().serve.settings(bound).unwrap();
            assert_eq!(settings.requires_check_code, required, "{args}");
        }
    }

    #[test]
    fn the_networks_that_pcs_may_ask_from_are_added_up() {
        let cli = cli("--issue-from 10.0.0.0/8 --issue-from 2001:db8::/32,192.0.2.7").unwrap();
        let settings = cli.serve.settings("127.0.0.1:8080".parse().unwrap()).unwrap();
        let allowed = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"].map(|net| net.parse().unwrap());
        assert_eq!(settings.issue_from, allowed);
    }

    #[test]
    fn bad_values_are_refused_at_the_edge() {
        for args in [
            "--code-lifetime 0s",
            "--code-lifetime 11m",
            "--limit-issue 60",
            "--limit-issue 0/1m",
            "--limit-issue 5/0s",
            "--limit-issue 5/10000y",
            "--store mysql:x",
            "--store sqlite:",
            "--public-url http://x/y",
            "--trusted-proxy banana",
            "--issue-from 10.0.0.0/33",
            "--tls-cert x",
            "--listen nowhere",
            "--check-code maybe",
            "account",
            "account add",
        ] {
            assert!(cli(args).is_err(), "{args}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_must_know_its_name_and_keep_it_secure() {
        let serve = |args: &str| cli(args).unwrap().serve;
        for args in [
            "--listen 0.0.0.0:80",
            "--listen 192.0.2.1:80",
            "--public-url http://a.example",
            "--listen 0.0.0.0:80 --insecure-http",
        ] {
            assert!(serve(args).check().is_err(), "{args}");
        }
        for args in [
            "--listen 0.0.0.0:80 --public-url https://a.example",
            "--listen 192.0.2.1:80 --insecure-http",
            "--public-url http://a.example --insecure-http",
            "--listen 192.0.2.1:443 --tls-cert a --tls-key b",
        ] {
            assert_eq!(serve(args).check(), Ok(()), "{args}");
        }
    }

    #[test]
    fn the_store_may_be_named_before_or_after_a_command() {
        for args in ["--store sqlite:a.db account list", "account list --store sqlite:a.db"] {
            assert_eq!(cli(args).unwrap().place.store, StorePlace::Sqlite("a.db".into()), "{args}");
        }
    }
}
