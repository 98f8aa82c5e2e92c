//! The connections that commands go through.
//!
//! ```text
//!   a call ---> sent ---> answered
//!               ^   |
//!               |   '-- lost, refused for now: again, until Redis has been away for too long
//!               |   '-- nothing comes back:    again, and meanwhile a new connection is tried;
//!               |                              if that is answered, it takes the old one's place
//!               '------'
//! ```
//!
//! A command whose answer was lost is sent again: during a failover callers
//! wait for it. Every command that comes here bears being carried out twice.
//!
//! A connection that breaks, the crate makes anew. One that goes silent it
//! keeps, and goes on asking a node that others have long replaced. So silence
//! is looked after here, beside the old connection and not instead of it: who
//! asks other nodes must not wait for that.
//!
//! Most go through one connection to each node, all at once. A write that must
//! be in replicas as well is sent together with `WAIT`, which holds its
//! connection up; so such a write has a connection of its own for as long as
//! it takes. Together, because `WAIT` speaks of what came over its connection:
//! alone it might go to another node, after a failover, and vouch for a write
//! that node never had.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo};
use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value,
};
use tokio::sync::Semaphore;

use super::Place;
use super::scripts::{self, Script};
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

/// What a script says that met keys of a slot which is just moving to another node.
const MOVING: &str = "non local key";
/// What a primary says that was told to write only while it has replicas, and just has none.
const NO_REPLICAS: &str = "NOREPLICAS";

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link(Arc<Connections>);

struct Connections {
    place: Place,
    /// The one that all share, and how many there have been before it.
    to: Mutex<(u64, To)>,
    /// Whether another one is being tried in its place.
    is_mending: AtomicBool,
    is_closed: AtomicBool,
    safe: Option<Safe>,
}

/// What a write needs that must be in replicas as well.
struct Safe {
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
    /// Connects; each answer may then take this long.
    async fn open(place: &Place, answered_within: Duration) -> Result<Self> {
        let to = tokio::time::timeout(TRIES_FOR * 2, Self::reach(place, answered_within)).await;
        let to = to.map_err(|_| StoreError(format!("no answer from {place}")))?;
        to.map_err(|error| StoreError(format!("can't connect to {place}: {error}")))
    }

    async fn reach(place: &Place, answered_within: Duration) -> RedisResult<Self> {
        if place.is_cluster {
            let client = ClusterClient::builder(place.nodes.clone())
                .connection_timeout(CONNECTED_WITHIN)
                .response_timeout(answered_within)
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
            .set_response_timeout(Some(answered_within))
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

    /// Sends a write, and asks right behind it how many replicas have it, for up to [`REPLICATED_WITHIN`].
    async fn send_safely(&self, cmd: &Cmd, replicas: u8) -> RedisResult<(Value, u8)> {
        let mut both = Pipeline::with_capacity(2);
        both.add_command(cmd.clone());
        both.cmd("WAIT").arg(replicas).arg(REPLICATED_WITHIN.as_millis());
        let answers = match self {
            Self::One(to) => to.clone().req_packed_commands(&both, 0, 2).await,
            Self::Cluster(to) => to.clone().req_packed_commands(&both, 0, 2).await,
        };
        let mut answers = answers?.into_iter();
        let mut next = || answers.next().unwrap_or(Value::Nil).extract_error();
        let (answer, have_it) = (next()?, next()?);
        Ok((answer, redis::from_redis_value(have_it)?))
    }
}

impl Link {
    /// Connects; with `replicas`, [`run_safely`](Self::run_safely) waits until so many have what was written.
    pub(super) async fn connect(place: &Place, replicas: u8) -> Result<Self> {
        let safe = (replicas > 0).then(|| {
            let (idle, room) = (Mutex::default(), Semaphore::new(SAFE_AT_ONCE));
            Safe { replicas, idle, room }
        });
        Ok(Self(Arc::new(Connections {
            place: place.clone(),
            to: Mutex::new((0, To::open(place, ANSWERED_WITHIN).await?)),
            is_mending: AtomicBool::default(),
            is_closed: AtomicBool::default(),
            safe,
        })))
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
        read(self.insist(|| self.send(cmd)).await?)
    }

    /// Carries a script out, in the slot of its keys.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        let [by_hash, whole] = calls(script, keys, args);
        let mut answer = self.insist(|| self.send(&by_hash)).await?;
        if is_unknown(&answer) {
            answer = self.insist(|| self.send(&whole)).await?;
        }
        read(answer)
    }

    /// Carries a script out, and waits until as many replicas as are wanted have what it wrote. If they don't, what it
    /// wrote is there nevertheless, and may yet be taken back.
    pub(super) async fn run_safely<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        let Some(safe) = &self.0.safe else { return self.run(script, keys, args).await };
        let place = tokio::time::timeout(TRIES_FOR, safe.room.acquire()).await;
        let _place = place.map_err(|_| StoreError("too many writes wait for replicas".into()))?;
        let idle = safe.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let to = match idle {
            Some(to) => to,
            None => To::open(&self.0.place, ANSWERED_WITHIN + REPLICATED_WITHIN).await?,
        };
        let [by_hash, whole] = calls(script, keys, args);
        let mut answer = self.insist(|| to.send_safely(&by_hash, safe.replicas)).await?;
        if is_unknown(&answer) {
            answer = self.insist(|| to.send_safely(&whole, safe.replicas)).await?;
        }
        let (answer, have_it) = answer.map_err(|error| StoreError(error.to_string()))?;
        // Dropped if anything went wrong: nobody knows what still comes over it.
        safe.idle.lock().unwrap_or_else(PoisonError::into_inner).push(to);
        if have_it < safe.replicas {
            return Err(StoreError(format!("{have_it} of {} replicas have a change", safe.replicas)));
        }
        read(Ok(answer))
    }

    /// Waits until as many replicas as are wanted have all that was written so far to the partition of a key. It takes
    /// a write: `WAIT` speaks of what came over its own connection.
    pub(super) async fn settle(&self, key: String) -> Result<()> {
        if self.0.safe.is_none() {
            return Ok(());
        }
        self.run_safely(&scripts::SETTLE, &[key], &[]).await
    }

    /// Whether any node answers: one of a cluster may be away, which is no reason to go to another server.
    pub(super) async fn ping(&self) -> Result<()> {
        if self.0.is_closed.load(Ordering::Acquire) {
            return Err(StoreError("it was closed".into()));
        }
        let (_, to) = self.0.to.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ping = redis::cmd("PING");
        let answer = match to {
            To::One(mut to) => to.req_packed_command(&ping).await,
            To::Cluster(mut to) => {
                let any = (MultipleNodeRoutingInfo::AllNodes, Some(ResponsePolicy::OneSucceeded));
                to.route_command(ping, RoutingInfo::MultiNode(any)).await
            }
        };
        answer.and_then(Value::extract_error).map(drop).map_err(|error| StoreError(error.to_string()))
    }

    /// Sends a command over the connection that all share.
    async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let (number, to) = self.0.to.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match tokio::time::timeout(ANSWERED_WITHIN, to.send(cmd)).await {
            Ok(answer) if !answer.as_ref().is_err_and(RedisError::is_timeout) => answer,
            _ => {
                self.mend(number, cmd);
                Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())
            }
        }
    }

    /// Sends until there is an answer. What Redis itself refuses, it would refuse again.
    async fn insist<T, F: Future<Output = RedisResult<T>>>(
        &self,
        send: impl Fn() -> F,
    ) -> Result<RedisResult<T>> {
        let tries = async {
            loop {
                if self.0.is_closed.load(Ordering::Acquire) {
                    return Err(StoreError("it was closed".into()));
                }
                match send().await {
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

    /// Tries a new connection, for a command to which nothing came back over the one with this number, and if that is
    /// answered, has it take the old one's place. One at a time; the command goes on asking meanwhile.
    fn mend(&self, number: u64, cmd: &Cmd) {
        let is_current = self.0.to.lock().unwrap_or_else(PoisonError::into_inner).0 == number;
        if !is_current || self.0.is_mending.swap(true, Ordering::AcqRel) {
            return;
        }
        let (link, cmd) = (self.0.clone(), cmd.clone());
        tokio::spawn(async move {
            if let Some(fresh) = link.reach(&cmd).await {
                tracing::warn!("a connection to Redis had gone silent; a new one takes its place");
                *link.to.lock().unwrap_or_else(PoisonError::into_inner) = (number + 1, fresh);
                if let Some(safe) = &link.safe {
                    // These are as old.
                    safe.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
            }
            link.is_mending.store(false, Ordering::Release);
        });
    }

    /// Takes no more commands.
    pub(super) fn close(&self) {
        self.0.is_closed.store(true, Ordering::Release);
    }
}

impl Connections {
    /// A new connection, if a command is answered over one, be it with a refusal.
    async fn reach(&self, cmd: &Cmd) -> Option<To> {
        let tried = To::open(&self.place, ANSWERED_WITHIN).await.ok()?;
        let answer = tokio::time::timeout(ANSWERED_WITHIN, tried.send(cmd)).await.ok()?;
        if answer.is_err_and(|error| passes(&error)) {
            return None;
        }
        // That one may have begun while the silent node was still in charge, and would go back to it as soon as it
        // wakes up, and believe what it says. Who begins now learns who is.
        To::open(&self.place, ANSWERED_WITHIN).await.ok()
    }
}

/// A script's call, by its hash and whole.
fn calls(script: &Script, keys: &[String], args: &[String]) -> [Cmd; 2] {
    let never = keys.first().and_then(|key| never_there(key));
    [("EVALSHA", script.hash.as_str()), ("EVAL", script.code)].map(|(name, script)| {
        let mut call = redis::cmd(name);
        call.arg(script).arg(keys.len() + usize::from(never.is_some()));
        call.arg(keys).arg(&never).arg(args);
        call
    })
}

/// A key that never is, beside one that stands in a partition. While a slot is moving to another node, some of its keys
/// are here and some there, and a script could find an index and not what it points to, or make a key where its slot is
/// not yet. A call that names a key which is missing is not begun then, on either side: it is told to try again.
fn never_there(beside: &str) -> Option<String> {
    let partition = beside.find('}')?;
    Some(format!("{}never", &beside[..=partition]))
}

/// Whether Redis does not know a script: it forgets them when it restarts. Sent whole, it knows this one again.
fn is_unknown<T>(answer: &RedisResult<T>) -> bool {
    answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
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
    error.is_timeout()
        || error.is_io_error()
        || !matches!(error.retry_method(), RetryMethod::NoRetry)
        || error.code() == Some(NO_REPLICAS)
        || error.detail().is_some_and(|detail| detail.contains(MOVING))
}
