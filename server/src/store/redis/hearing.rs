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
//! its subscribers' channels along. Until the new ones hear, the old ones go on
//! for what they can: a failover may take long, and the other shards work. And
//! for what nobody thought of, whoever waits looks again every few seconds.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo};
use redis::{AsyncConnectionConfig, ProtocolVersion, PushInfo, PushKind, RedisResult, Value};
use shared::id::{AccountId, LoginId, Tag};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::interval;

use super::Place;
use super::keys::Keys;
use super::link::{ANSWERED_WITHIN, CONNECTED_WITHIN};
use crate::store::hub::{Hub, Topic};
use crate::store::{Result, StoreError};

/// How often it is made sure that the connections still hear. What stalls without a word is found by that.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to connect and subscribe.
const OPENED_WITHIN: Duration = Duration::from_secs(5);
/// How often it is tried at the start.
const FIRST_TRIES: u32 = 3;
/// How long between tries to hear again.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Of those who wait, every this many-th looks again each second, so that all do every five. What a failing node had
/// taken may be taken back when its shard has settled; hearing may not begin again while slots are moving; and a message
/// may be lost in ways that nobody notices.
const LOOK_AGAIN_AFTER: u64 = 5;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Begins to pass on what is published. Subscribed to all when this returns.
pub(super) async fn start(place: Place, keys: Arc<Keys>, hub: Hub) -> Result<AbortHandle> {
    let mut tries = 1;
    let mut ears = loop {
        match Ears::open(&place, &keys).await {
            Ok(ears) => break ears,
            // Redis may be busy, or its slots just moving.
            Err(error) if tries < FIRST_TRIES => {
                tracing::debug!(%error, "can't hear of changes yet");
                tries += 1;
            }
            Err(error) => return Err(StoreError(format!("can't hear of changes from {place}: {error}"))),
        }
    };
    let task = tokio::spawn(async move {
        loop {
            ears.listen(&hub).await;
            tracing::warn!("a connection that changes are heard through was lost; hearing begins again");
            let fresh = async {
                loop {
                    match Ears::open(&place, &keys).await {
                        Ok(fresh) => break fresh,
                        Err(error) => {
                            tracing::debug!(%error, "can't hear of changes yet");
                            tokio::time::sleep(TRY_EVERY).await;
                        }
                    }
                }
            };
            let fresh = tokio::select! {
                fresh = fresh => fresh,
                never = ears.make_do(&hub) => match never {},
            };
            ears = fresh;
            hub.wake_all();
        }
    });
    Ok(task.abort_handle())
}

/// Connections that are subscribed to everything.
struct Ears {
    to: To,
    heard: mpsc::UnboundedReceiver<PushInfo>,
    /// Whose turn it was to look again.
    turn: u64,
}

#[derive(Clone)]
enum To {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Ears {
    async fn open(place: &Place, keys: &Keys) -> RedisResult<Self> {
        let ears = tokio::time::timeout(OPENED_WITHIN, Self::reach(place, keys)).await;
        ears.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }

    async fn reach(place: &Place, keys: &Keys) -> RedisResult<Self> {
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
        let channels = (0..Tag::COUNT).map(|number| keys.channel(Tag::numbered(number)));
        futures_util::future::try_join_all(channels.map(|channel| to.subscribe(channel))).await?;
        Ok(Self { to, heard, turn: 0 })
    }

    /// Passes on what is heard, until there may be a gap.
    async fn listen(&mut self, hub: &Hub) {
        // Beside the listening, not in it: one node that does not answer must not keep the others' news waiting.
        let pings = Self::unanswered_ping(self.to.clone());
        tokio::pin!(pings);
        let mut looks = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(heard) if is_gap(&heard) => return,
                    Some(heard) => pass_on(&heard, hub),
                    None => return,
                },
                () = &mut pings => return,
                _ = looks.tick() => self.look(hub),
            }
        }
    }

    /// Passes on what is still heard, gaps or not.
    async fn make_do(&mut self, hub: &Hub) -> Infallible {
        let mut looks = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                Some(heard) = self.heard.recv() => pass_on(&heard, hub),
                _ = looks.tick() => self.look(hub),
            }
        }
    }

    /// Has the next share of those who wait look again.
    fn look(&mut self, hub: &Hub) {
        self.turn = (self.turn + 1) % LOOK_AGAIN_AFTER;
        hub.wake_share(self.turn, LOOK_AGAIN_AFTER);
    }

    /// Pings every node, replicas too, since what a failing shard is heard through may be one; resolves when one
    /// doesn't answer. Those that there is no connection to are not asked: there was a gap when that was lost.
    async fn unanswered_ping(to: To) {
        let mut turn = interval(PING_EVERY);
        loop {
            turn.tick().await;
            let ping = async {
                match &to {
                    To::One(to) => redis::cmd("PING").exec_async(&mut to.clone()).await.is_ok(),
                    To::Cluster(to) => {
                        let (mut to, all) = (to.clone(), MultipleNodeRoutingInfo::AllNodes);
                        let all = RoutingInfo::MultiNode((all, Some(ResponsePolicy::AllSucceeded)));
                        let answer = to.route_command(redis::cmd("PING"), all).await;
                        answer.and_then(Value::extract_error).is_ok()
                    }
                }
            };
            if tokio::time::timeout(ANSWERED_WITHIN, ping).await != Ok(true) {
                return;
            }
        }
    }
}

/// Whether there may be a gap from here on. A subscription that ends because its slot has moved is one for the whole
/// connection: the crate takes what it is told of that for the answer to something else that was asked over it.
fn is_gap(heard: &PushInfo) -> bool {
    matches!(heard.kind, PushKind::Disconnection | PushKind::SUnsubscribe)
}

fn pass_on(heard: &PushInfo, hub: &Hub) {
    if heard.kind == PushKind::SMessage {
        match topic(&heard.data) {
            Some(topic) => hub.wake(topic),
            None => hub.wake_all(),
        }
    }
}

impl To {
    async fn subscribe(&self, channel: String) -> RedisResult<()> {
        match self {
            Self::One(to) => redis::cmd("SSUBSCRIBE").arg(channel).exec_async(&mut to.clone()).await,
            Self::Cluster(to) => to.clone().ssubscribe(channel).await,
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
