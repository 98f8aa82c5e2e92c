//! The connections that commands go through.
//!
//! A command whose answer was lost is sent again, until Redis has been away
//! for too long: during a failover callers wait for it. Every command that
//! comes here bears being carried out twice.
//!
//! Most go through one connection to each node, all at once. A write that must
//! be in replicas as well is followed by `WAIT`, which holds its connection up
//! and speaks of what came over that one; so such a write has a connection of
//! its own for as long as it takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value};
use tokio::sync::Semaphore;

use super::Place;
use super::scripts::Script;
use crate::store::{Result, StoreError};

/// How long one answer is waited for.
pub(super) const ANSWERED_WITHIN: Duration = Duration::from_secs(1);
/// How long a connection may take.
pub(super) const CONNECTED_WITHIN: Duration = Duration::from_secs(1);
/// How long a call tries, answers that were lost included. The caller's caller waits as long.
const TRIES_FOR: Duration = Duration::from_millis(2500);
/// How long between tries.
const TRIES_EVERY: Duration = Duration::from_millis(25);

/// How long replicas may take to have a write.
const REPLICATED_WITHIN: Duration = Duration::from_millis(900);
/// How many writes at once may wait for replicas.
const SAFE_AT_ONCE: usize = 64;

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    to: To,
    is_closed: Arc<AtomicBool>,
    safe: Option<Arc<Safe>>,
}

/// What a write needs that must be in replicas as well.
struct Safe {
    place: Place,
    replicas: u8,
    /// Connections that nobody uses right now.
    idle: Mutex<Vec<To>>,
    /// How many may be in use.
    room: Semaphore,
}

#[derive(Clone)]
enum To {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl To {
    async fn open(place: &Place) -> Result<Self> {
        let to = tokio::time::timeout(TRIES_FOR * 2, Self::reach(place)).await;
        let to = to.map_err(|_| StoreError(format!("no answer from {place}")))?;
        to.map_err(|error| StoreError(format!("can't connect to {place}: {error}")))
    }

    async fn reach(place: &Place) -> RedisResult<Self> {
        if place.is_cluster {
            let client = ClusterClient::builder(place.nodes.clone())
                .connection_timeout(CONNECTED_WITHIN)
                .response_timeout(ANSWERED_WITHIN)
                // Redirections are followed; everything else is tried again here.
                .retries(3)
                .min_retry_wait(10)
                .max_retry_wait(100)
                .build()?;
            return Ok(Self::Cluster(client.get_async_connection().await?));
        }
        let client = redis::Client::open(place.nodes[0].as_str())?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECTED_WITHIN))
            .set_response_timeout(Some(ANSWERED_WITHIN))
            .set_max_delay(TRIES_EVERY);
        Ok(Self::One(ConnectionManager::new_with_config(client, config).await?))
    }

    async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::One(to) => to.clone().req_packed_command(cmd).await,
            Self::Cluster(to) => to.clone().req_packed_command(cmd).await,
        };
        answer.and_then(Value::extract_error)
    }

    /// How many replicas have what was written over this connection to the slot of `key`.
    async fn replicas_with(&self, key: &str, wanted: u8) -> RedisResult<u8> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(wanted).arg(REPLICATED_WITHIN.as_millis());
        let answer = match self {
            Self::One(to) => to.clone().req_packed_command(&wait).await,
            Self::Cluster(to) => {
                let node = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
                to.clone().route_command(wait, RoutingInfo::SingleNode(node)).await
            }
        };
        Ok(redis::from_redis_value(answer.and_then(Value::extract_error)?)?)
    }
}

impl Link {
    /// Connects; with `replicas`, [`run_safely`](Self::run_safely) waits until so many have what was written.
    pub(super) async fn connect(place: &Place, replicas: u8) -> Result<Self> {
        let safe = (replicas > 0).then(|| {
            let (idle, room) = (Mutex::default(), Semaphore::new(SAFE_AT_ONCE));
            Arc::new(Safe { place: place.clone(), replicas, idle, room })
        });
        Ok(Self { to: To::open(place).await?, is_closed: Arc::default(), safe })
    }

    /// Fails if Redis is older than what is asked of it.
    pub(super) async fn check_version(&self) -> Result<()> {
        let mut info = redis::cmd("INFO");
        info.arg("server");
        let info: Value = self.ask(&info).await?;
        let versions = versions(&info);
        match versions
            .iter()
            .find(|version| version.split('.').next().and_then(|major| major.parse().ok()) < Some(7))
        {
            Some(old) => Err(StoreError(format!("Redis 7 or newer is needed, and this one is {old}"))),
            None => Ok(()),
        }
    }

    /// Carries a command out.
    pub(super) async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T> {
        read(self.insist(&self.to, cmd).await?)
    }

    /// Carries a script out, in the slot of its keys.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        self.run_over(&self.to, script, keys, args).await
    }

    /// Carries a script out, and waits until as many replicas as are wanted have what it wrote. If they don't, what it
    /// wrote is there nevertheless, and may yet be taken back.
    pub(super) async fn run_safely<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        let Some(safe) = &self.safe else { return self.run(script, keys, args).await };
        let _place = safe.room.acquire().await.map_err(|closed| StoreError(closed.to_string()))?;
        let idle = safe.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let to = match idle {
            Some(to) => to,
            None => To::open(&safe.place).await?,
        };
        let answer = self.run_over(&to, script, keys, args).await?;
        let have_it = to.replicas_with(&keys[0], safe.replicas).await;
        let have_it = have_it.map_err(|error| StoreError(error.to_string()))?;
        // Dropped if anything went wrong: nobody knows what still comes over it.
        safe.idle.lock().unwrap_or_else(PoisonError::into_inner).push(to);
        if have_it < safe.replicas {
            return Err(StoreError(format!("{have_it} of {} replicas have a change", safe.replicas)));
        }
        Ok(answer)
    }

    async fn run_over<T: FromRedisValue>(
        &self,
        to: &To,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        let call = |name: &str, script: &str| {
            let mut call = redis::cmd(name);
            call.arg(script).arg(keys.len()).arg(keys).arg(args);
            call
        };
        let mut answer = self.insist(to, &call("EVALSHA", &script.hash)).await?;
        // Redis forgets scripts when it restarts. Sent whole, it knows this one again.
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            answer = self.insist(to, &call("EVAL", script.code)).await?;
        }
        read(answer)
    }

    /// Sends a command until there is an answer. What Redis itself refuses, it would refuse again.
    async fn insist(&self, to: &To, cmd: &Cmd) -> Result<RedisResult<Value>> {
        let tries = async {
            loop {
                if self.is_closed.load(Ordering::Acquire) {
                    return Err(StoreError("it was closed".into()));
                }
                match to.send(cmd).await {
                    Err(error) if passes(&error) => {
                        tracing::debug!(%error, "a call to Redis is tried again");
                        tokio::time::sleep(TRIES_EVERY).await;
                    }
                    answer => return Ok(answer),
                }
            }
        };
        let answer = tokio::time::timeout(TRIES_FOR, tries).await;
        answer.unwrap_or_else(|_| Err(StoreError("no answer from Redis".into())))
    }

    /// Takes no more commands.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}

fn read<T: FromRedisValue>(answer: RedisResult<Value>) -> Result<T> {
    let value = answer.map_err(|error| StoreError(error.to_string()))?;
    redis::from_redis_value(value).map_err(|error| StoreError(error.to_string()))
}

/// The versions in what `INFO` answers: of one node, or of each.
fn versions(info: &Value) -> Vec<String> {
    match info {
        Value::Map(nodes) => nodes.iter().flat_map(|(_, info)| versions(info)).collect(),
        info => {
            let text: String = redis::from_redis_value_ref(info).unwrap_or_default();
            let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
            version.map(str::to_owned).into_iter().collect()
        }
    }
}

/// Whether an error may be gone at the next try.
fn passes(error: &RedisError) -> bool {
    error.is_timeout() || error.is_io_error() || !matches!(error.retry_method(), RetryMethod::NoRetry)
}
