//! The connections that commands go through.
//!
//! A command whose answer was lost is sent again, until Redis has been away
//! for too long: during a failover callers wait for it. Every command that
//! comes here bears being carried out twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, RetryMethod, ServerErrorKind, Value};

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

/// The connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    to: To,
    is_closed: Arc<AtomicBool>,
}

#[derive(Clone)]
enum To {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Link {
    pub(super) async fn connect(place: &Place) -> Result<Self> {
        let to = tokio::time::timeout(TRIES_FOR * 2, Self::reach(place)).await;
        let to = to.map_err(|_| StoreError(format!("no answer from {place}")))?;
        let to = to.map_err(|error| StoreError(format!("can't connect to {place}: {error}")))?;
        Ok(Self { to, is_closed: Arc::default() })
    }

    async fn reach(place: &Place) -> RedisResult<To> {
        if place.is_cluster {
            let client = ClusterClient::builder(place.nodes.clone())
                .connection_timeout(CONNECTED_WITHIN)
                .response_timeout(ANSWERED_WITHIN)
                // Redirections are followed; everything else is tried again here.
                .retries(3)
                .min_retry_wait(10)
                .max_retry_wait(100)
                .build()?;
            return Ok(To::Cluster(client.get_async_connection().await?));
        }
        let client = redis::Client::open(place.nodes[0].as_str())?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECTED_WITHIN))
            .set_response_timeout(Some(ANSWERED_WITHIN))
            .set_max_delay(TRIES_EVERY);
        Ok(To::One(ConnectionManager::new_with_config(client, config).await?))
    }

    /// Carries a command out.
    pub(super) async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T> {
        let value = self.insist(cmd).await?.map_err(|error| StoreError(error.to_string()))?;
        redis::from_redis_value(value).map_err(|error| StoreError(error.to_string()))
    }

    /// Carries a script out, in the slot of its keys.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        args: &[String],
    ) -> Result<T> {
        let mut by_hash = redis::cmd("EVALSHA");
        by_hash.arg(&script.hash).arg(keys.len()).arg(keys).arg(args);
        match self.insist(&by_hash).await? {
            Ok(value) => redis::from_redis_value(value).map_err(|error| StoreError(error.to_string())),
            // Redis forgets scripts when it restarts. Sent whole, it knows this one again.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let mut whole = redis::cmd("EVAL");
                whole.arg(script.code).arg(keys.len()).arg(keys).arg(args);
                self.ask(&whole).await
            }
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    /// Sends a command until there is an answer. What Redis itself refuses, it would refuse again.
    async fn insist(&self, cmd: &Cmd) -> Result<RedisResult<Value>> {
        let tries = async {
            loop {
                if self.is_closed.load(Ordering::Acquire) {
                    return Err(StoreError("it was closed".into()));
                }
                let answer = match &self.to {
                    To::One(to) => to.clone().req_packed_command(cmd).await,
                    To::Cluster(to) => to.clone().req_packed_command(cmd).await,
                };
                match answer.and_then(Value::extract_error) {
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

/// Whether an error may be gone at the next try.
fn passes(error: &RedisError) -> bool {
    error.is_timeout() || error.is_io_error() || !matches!(error.retry_method(), RetryMethod::NoRetry)
}
