//! What may be set: arguments and environment, checked here so that nothing else has to.

mod commands;
mod limits;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use ipnet::IpNet;
use shared::code::{BadUrl, PublicUrl};
use tracing_subscriber::filter::LevelFilter;

pub use commands::{AccountCommand, ClientCommand, Command};
pub use limits::LimitArgs;
pub use values::{CheckCodeMode, StorePlace};

use crate::Settings;
use crate::telemetry::LogFormat;
use values::{code_lifetime, network};

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
    /// Where logins, accounts and sessions are kept: `sqlite:PATH`, `sqlite::memory:`, or, for several servers
    /// together, `redis://HOST:PORT` or `redis-cluster://HOST:PORT,HOST:PORT,…`
    #[arg(long, env = "SAOMA_STORE", default_value = "sqlite:saoma.db", value_name = "STORE", global = true)]
    pub store: StorePlace,
    /// How many replicas of Redis must have a confirm, a redeem or the end of a session before it counts as done
    #[arg(long, env = "SAOMA_REDIS_REPLICAS", default_value_t = 0, value_name = "N", global = true)]
    pub redis_replicas: u8,
    /// The server's secret; made at the first start. By default beside the database, with the ending .secret. Servers
    /// that share a Redis have the same; there, by default saoma.secret
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

impl Place {
    /// Where the server's secret is kept, if in a file at all.
    #[must_use]
    pub fn secret_file(&self) -> Option<PathBuf> {
        match (&self.secret_file, &self.store) {
            (Some(file), _) => Some(file.clone()),
            (None, StorePlace::Sqlite(path)) => Some(path.with_extension("secret")),
            (None, StorePlace::Redis(_)) => Some("saoma.secret".into()),
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

/// Longer, and the QR no longer fits a terminal.
const MAX_PUBLIC_URL: usize = 128;

#[cfg(test)]
mod tests;
