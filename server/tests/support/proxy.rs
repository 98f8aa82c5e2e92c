//! A network that fails when it is told to: between a client and a server on loopback.

#![allow(dead_code, reason = "each crate of tests uses its own part of this")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
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
    /// Requests arrive; the way back is shut, properly.
    HalfClosed,
}

/// A way to a server.
pub(crate) struct Proxy {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
    unanswered: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `server`, in fair weather.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::Fair);
        let sky = weather.subscribe();
        let unanswered = Arc::new(Mutex::new(None));
        let lost = Arc::clone(&unanswered);
        let task = tokio::spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else { continue };
                if *sky.borrow() != Weather::Cut {
                    tokio::spawn(carry(client, server, sky.clone(), lost.clone()));
                }
            }
        });
        Self { addr, weather, unanswered, task }
    }

    /// Where it begins.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// The next request that has this text in it arrives, and its connection is closed in place of the answer.
    pub(crate) fn lose_answer_to(&self, request: &str) {
        *self.unanswered.lock().unwrap() = Some(request.to_owned());
    }

    /// Whether that has happened.
    pub(crate) fn has_lost_it(&self) -> bool {
        self.unanswered.lock().unwrap().is_none()
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

async fn carry(
    client: TcpStream,
    server: SocketAddr,
    sky: watch::Receiver<Weather>,
    unanswered: Arc<Mutex<Option<String>>>,
) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_doomed = AtomicBool::new(false);
    let asks = |bytes: &[u8]| {
        let mut text = unanswered.lock().unwrap();
        let asked = |text: &mut String| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if text.take_if(asked).is_some() {
            is_doomed.store(true, Ordering::SeqCst);
        }
        true
    };
    tokio::select! {
        () = one_way(from_client, to_server, sky.clone(), false, asks) => {}
        () = one_way(from_server, to_client, sky, true, |_| !is_doomed.load(Ordering::SeqCst)) => {}
    }
}

/// Carries one direction, until that ends, or the weather ends it, or something that passes may not.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut sky: watch::Receiver<Weather>,
    is_answer: bool,
    passes: impl Fn(&[u8]) -> bool,
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
        let Ok(read @ 1..) = read else { return };
        if sky.wait_for(|weather| *weather != Weather::Stalled).await.is_err() {
            return;
        }
        let weather = *sky.borrow_and_update();
        if weather == Weather::Cut || !passes(&bytes[..read]) || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
