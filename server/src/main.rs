//! The server's program: arguments, parts, serve, exit code.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use server::clock::Clock;
use server::config::{Cli, Place, Serve, StorePlace};
use server::store::Store;
use server::store::redis::{self, RedisStore};
use server::store::sqlite::SqliteStore;
use server::{App, Listener, admin, monitor, serve, telemetry};
use shared::exit::Exit;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tempfile::PersistError;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How long a server that is watched serves on after it said that it stops: whoever sends it work learns of that first.
const LEFT_WITHIN: Duration = Duration::from_millis(1500);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.command.is_none()
        && let Err(usage) = cli.serve.check()
    {
        eprintln!("server: {usage}");
        return Exit::Usage.into();
    }
    match run(cli).await {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("server: {error:#}");
            Exit::Failed.into()
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let clock = Clock::system();
    let random = Arc::new(OsRandom);
    telemetry::start(cli.serve.log, cli.serve.log_level);
    if let Some(command) = cli.command {
        let store: Arc<dyn Store> = match &cli.place.store {
            StorePlace::Sqlite(path) => Arc::new(SqliteStore::beside(path, clock.clone())?),
            StorePlace::Redis(place) => {
                Arc::new(redis(place, cli.place.redis_replicas, clock.clone(), random.clone()).await?)
            }
            StorePlace::Memory => {
                anyhow::bail!("a store in memory belongs to its server alone; name a file with --store")
            }
        };
        let outcome = admin::run(command, store.clone(), clock, random).await;
        store.close().await;
        return outcome;
    }
    let tls = tls(&cli.serve)?;
    let socket = listen(cli.serve.listen, "--listen").await?;
    let admin_socket = match cli.serve.admin_listen {
        Some(addr) => Some(listen(addr, "--admin-listen").await?),
        None => None,
    };
    let bound = socket.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let settings = cli.serve.settings(bound)?;
    let secret = secret(&cli.place)?;
    let store = store(&cli.place, &clock, &random, &secret).await?;
    let app = App::new(settings, store, clock, random, secret);
    let stop = stop_signal()?;
    let is_watched = admin_socket.is_some();
    if let Some(socket) = admin_socket {
        // In the log, since standard output says where clients are served, and nothing else.
        tracing::info!("the admin plane listens on http://{}", socket.local_addr()?);
        tokio::spawn(monitor::serve(socket, app.clone()));
    }
    let mut out = std::io::stdout();
    writeln!(out, "listening on {scheme}://{bound}")
        .and_then(|()| out.flush())
        .context("can't write to standard output")?;
    let left = async {
        stop.await;
        if is_watched {
            app.leave();
            tokio::time::sleep(LEFT_WITHIN).await;
        }
    };
    serve(Listener { socket, tls }, app.clone(), left).await?;
    Ok(())
}

async fn listen(addr: SocketAddr, option: &str) -> Result<TcpListener> {
    let socket = TcpListener::bind(addr).await;
    socket.with_context(|| {
        format!("can't listen on {addr}; stop what does, or choose another address with {option}")
    })
}

async fn store(
    place: &Place,
    clock: &Clock,
    random: &Arc<OsRandom>,
    secret: &ServerSecret,
) -> Result<Arc<dyn Store>> {
    Ok(match &place.store {
        StorePlace::Sqlite(path) => Arc::new(SqliteStore::open(path, clock.clone())?),
        StorePlace::Memory => Arc::new(SqliteStore::in_memory(clock.clone())?),
        StorePlace::Redis(at) => {
            let store = redis(at, place.redis_replicas, clock.clone(), random.clone()).await?;
            if !store.is_of(secret).await? {
                let file = place.secret_file().unwrap_or_default();
                anyhow::bail!(
                    "{} is not the secret of the other servers on {at}: give this one a copy of theirs with --secret-file",
                    file.display()
                );
            }
            Arc::new(store)
        }
    })
}

async fn redis(
    place: &redis::Place,
    replicas: u8,
    clock: Clock,
    random: Arc<OsRandom>,
) -> Result<RedisStore> {
    let options = redis::Options { replicas, ..redis::Options::default() };
    let store = RedisStore::open(place, &options, clock, random).await;
    store.with_context(|| format!("start Redis 7 or newer at {place}, or name another place with --store"))
}

/// The server's secret: from its file, which is made at the first start.
fn secret(place: &Place) -> Result<ServerSecret> {
    let Some(path) = place.secret_file() else { return Ok(ServerSecret::generate(&OsRandom)) };
    let shown = path.display();
    match std::fs::read_to_string(&path) {
        Ok(text) => ServerSecret::parse(&text).map_err(|_| {
            anyhow::anyhow!("{shown} does not hold a server secret; move it away to have a new one made")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let new = ServerSecret::generate(&OsRandom);
            match make_secret_file(&path, &new) {
                // Another server that starts here was quicker.
                Err(error) if is_there_already(&error) => secret(place),
                made => made.map(|()| new).with_context(|| format!("can't make {shown}")),
            }
        }
        Err(error) => Err(error).with_context(|| format!("can't read {shown}")),
    }
}

fn is_there_already(error: &anyhow::Error) -> bool {
    error.downcast_ref::<PersistError>().is_some_and(|error| error.error.kind() == ErrorKind::AlreadyExists)
}

/// Written whole or not at all, and readable by its owner alone.
fn make_secret_file(path: &Path, secret: &ServerSecret) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    writeln!(file, "{}", *secret.expose())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(directory)?.sync_all()?;
    Ok(())
}

fn tls(serve: &Serve) -> Result<Option<TlsAcceptor>> {
    let (Some(cert), Some(key)) = (&serve.tls_cert, &serve.tls_key) else { return Ok(None) };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("can't read a certificate chain from {}", cert.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("can't read a private key from {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key don't belong together")?;
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// Resolves at Ctrl-C or SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
