//! A network that fails when it is told to: between a client and a server on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weather {
    /// It carries everything.
    Fair,
    /// It carries nothing, and says nothing: connections stay as they are.
    Stalled,
    /// Connections are closed, and new ones as soon as they are made.
    Cut,
    /// Requests arrive. Of answers, the first one's connection is closed in its place.
    AnswersLost,
    /// Requests arrive; the way back is shut, properly.
    HalfClosed,
}

/// A way to a server.
pub(crate) struct Proxy {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `server`, in fair weather.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::Fair);
        let sky = weather.subscribe();
        let task = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                if *sky.borrow() != Weather::Cut {
                    tokio::spawn(carry(client, server, sky.clone()));
                }
            }
        });
        Self { addr, weather, task }
    }

    /// Where it begins.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Bad weather for a while.
    pub(crate) async fn spell(&self, weather: Weather, lasts: Duration) {
        self.set(weather);
        tokio::time::sleep(lasts).await;
        self.set(Weather::Fair);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, server: SocketAddr, sky: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = one_way(from_client, to_server, sky.clone(), false) => {}
        () = one_way(from_server, to_client, sky, true) => {}
    }
}

/// Carries one direction, until that ends or the weather ends it.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut sky: watch::Receiver<Weather>,
    is_answer: bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read,
            // New weather concerns those who wait, too.
            changed = sky.changed() => {
                let weather = *sky.borrow_and_update();
                if changed.is_err() || weather == Weather::Cut {
                    return;
                }
                if weather == Weather::HalfClosed && is_answer {
                    let _ = to.shutdown().await;
                    std::future::pending::<()>().await;
                }
                continue;
            }
        };
        let Ok(1..) = read else { return };
        let read = read.unwrap();
        if sky.wait_for(|weather| *weather != Weather::Stalled).await.is_err() {
            return;
        }
        let weather = *sky.borrow_and_update();
        if weather == Weather::Cut || (is_answer && weather == Weather::AnswersLost) {
            return;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
