//! Hearing of changes, in whichever node they are made.
//!
//! ```text
//!   connect, subscribe to every partition ---> wake everybody ---> pass on what is heard
//!        ^                                                               |
//!        '------- a connection was lost, or nobody answers a ping -------'
//! ```
//!
//! What Redis publishes while nobody listens is gone. So after each gap
//! everybody who waits is woken, reads again, and has missed nothing. The
//! connections are made anew rather than mended: a shard that fails over takes
//! its subscribers' channels along. And for what nobody thought of, whoever
//! waits looks again every few seconds.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};
use shared::id::{AccountId, LoginId, Tag};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Place;
use super::keys::Keys;
use super::link::{ANSWERED_WITHIN, CONNECTED_WITHIN};
use crate::store::hub::{Hub, Topic};
use crate::store::{Result, StoreError};

/// How often it is made sure that the connections still hear. What stalls without a word is found by that.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long between tries to hear again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Of those who wait, every this many-th looks again with each ping, so that all do every five seconds. What a failing
/// node had taken may be taken back when its shard has settled, and a message may be lost in ways that nobody notices.
const LOOK_AGAIN_AFTER: u64 = 5;

/// Begins to pass on what is published. Subscribed to all when this returns.
pub(super) async fn start(place: Place, keys: Arc<Keys>, hub: Hub) -> Result<AbortHandle> {
    let ears = Ears::open(&place, &keys).await;
    let mut ears =
        ears.map_err(|error| StoreError(format!("can't hear of changes from {place}: {error}")))?;
    let task = tokio::spawn(async move {
        loop {
            ears.listen(&hub).await;
            tracing::warn!("the connection that changes are heard through was lost; hearing begins again");
            ears = loop {
                match Ears::open(&place, &keys).await {
                    Ok(ears) => break ears,
                    Err(error) => {
                        tracing::debug!(%error, "can't hear of changes yet");
                        tokio::time::sleep(TRY_EVERY).await;
                    }
                }
            };
            hub.wake_all();
        }
    });
    Ok(task.abort_handle())
}

/// Connections that are subscribed to everything.
struct Ears {
    to: To,
    heard: mpsc::UnboundedReceiver<PushInfo>,
}

enum To {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Ears {
    async fn open(place: &Place, keys: &Keys) -> RedisResult<Self> {
        let (hear, heard) = mpsc::unbounded_channel();
        let to = if place.is_cluster {
            let client = ClusterClient::builder(place.nodes.clone())
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(CONNECTED_WITHIN)
                .response_timeout(ANSWERED_WITHIN)
                // A connection that is made anew behind our back has no subscriptions. So nothing is tried again there.
                .retries(0)
                .push_sender(hear)
                .build()?;
            To::Cluster(client.get_async_connection().await?)
        } else {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECTED_WITHIN))
                .set_response_timeout(Some(ANSWERED_WITHIN))
                .set_push_sender(hear);
            let url = format!("{}?protocol=resp3", place.nodes[0]);
            let client = redis::Client::open(url)?;
            To::One(client.get_multiplexed_async_connection_with_config(&config).await?)
        };
        let ears = Self { to, heard };
        let channels = (0..Tag::COUNT).map(|number| keys.channel(Tag::numbered(number)));
        let subscribed = channels.map(|channel| ears.subscribe(channel));
        futures_util::future::try_join_all(subscribed).await?;
        Ok(ears)
    }

    async fn subscribe(&self, channel: String) -> RedisResult<()> {
        let mut subscribe = redis::cmd("SSUBSCRIBE");
        subscribe.arg(&channel);
        match &self.to {
            To::One(to) => subscribe.exec_async(&mut to.clone()).await,
            To::Cluster(to) => to.clone().ssubscribe(channel).await,
        }
    }

    /// Passes on what is heard, until there may be a gap.
    async fn listen(&mut self, hub: &Hub) {
        let mut ping = tokio::time::interval(PING_EVERY);
        let mut turn = 0;
        loop {
            tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(PushInfo { kind: PushKind::SMessage, data }) => match topic(&data) {
                        Some(topic) => hub.wake(topic),
                        None => hub.wake_all(),
                    },
                    Some(PushInfo { kind: PushKind::Disconnection | PushKind::SUnsubscribe, .. }) | None => return,
                    Some(_) => {}
                },
                _ = ping.tick() => {
                    if self.ping().await.is_err() {
                        return;
                    }
                    turn = (turn + 1) % LOOK_AGAIN_AFTER;
                    hub.wake_share(turn, LOOK_AGAIN_AFTER);
                }
            }
        }
    }

    async fn ping(&self) -> RedisResult<()> {
        let ping = redis::cmd("PING");
        match &self.to {
            To::One(to) => ping.exec_async(&mut to.clone()).await,
            To::Cluster(to) => ping.exec_async(&mut to.clone()).await,
        }
    }
}

/// What a message is about: its payload is the last part.
fn topic(data: &[Value]) -> Option<Topic> {
    let Value::BulkString(payload) = data.last()? else { return None };
    let (kind, id) = std::str::from_utf8(payload).ok()?.split_at_checked(1)?;
    match kind {
        "L" => id.parse::<LoginId>().ok().map(Topic::Login),
        "A" => id.parse::<AccountId>().ok().map(Topic::Account),
        _ => None,
    }
}
