//! Where a Redis is.

use std::fmt;
use std::str::FromStr;

/// Where the store is: `redis://HOST:PORT`, or `redis-cluster://HOST:PORT,HOST:PORT,…` with some of its nodes, from
/// which the others are learnt. A user and a password may stand before the first host: `redis://USER:PASSWORD@HOST`.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) is_cluster: bool,
    /// A URL for each node that was named.
    pub(super) nodes: Vec<String>,
}

/// That a text names no Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use redis://HOST:PORT or redis-cluster://HOST:PORT,HOST:PORT,…")]
pub struct BadPlace;

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Self, BadPlace> {
        let (scheme, rest) = text.split_once("://").ok_or(BadPlace)?;
        let is_cluster = match scheme {
            "redis" => false,
            "redis-cluster" => true,
            _ => return Err(BadPlace),
        };
        let (credentials, hosts) = match rest.rsplit_once('@') {
            Some((credentials, hosts)) => (format!("{credentials}@"), hosts),
            None => (String::new(), rest),
        };
        let hosts: Vec<&str> = hosts.trim_end_matches('/').split(',').collect();
        if hosts.len() > 1 && !is_cluster {
            return Err(BadPlace);
        }
        let node = |host: &&str| {
            let url = url::Url::parse(&format!("redis://{credentials}{host}")).ok()?;
            let is_bare = url.has_host() && matches!(url.path(), "" | "/") && url.query().is_none();
            is_bare.then(|| url.to_string())
        };
        let nodes: Option<Vec<String>> = hosts.iter().map(node).collect();
        Ok(Self { is_cluster, nodes: nodes.ok_or(BadPlace)? })
    }
}

/// Without the password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_cluster { "redis-cluster://" } else { "redis://" })?;
        for (number, node) in self.nodes.iter().enumerate() {
            let host = node.trim_start_matches("redis://").trim_end_matches('/');
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            write!(f, "{}{host}", if number == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_instance_or_some_nodes_of_a_cluster() {
        let place: Place = "redis-cluster://127.0.0.1:7001,127.0.0.1:7002".parse().unwrap();
        assert_eq!(place.nodes, ["redis://127.0.0.1:7001", "redis://127.0.0.1:7002"]);
        assert!(place.is_cluster);
        assert_eq!("redis://localhost".parse::<Place>().unwrap().nodes, ["redis://localhost"]);
        for bad in [
            "",
            "redis:",
            "redis://",
            "rediss://localhost",
            "redis://a:1,b:2",
            "redis://localhost/1",
            "redis://localhost?x=1",
            "redis-cluster://a:1,,b:2",
            "redis://localhost:99999",
        ] {
            assert_eq!(bad.parse::<Place>(), Err(BadPlace), "{bad}");
        }
    }

    #[test]
    fn a_password_is_used_and_not_shown() {
        let place: Place = "redis-cluster://saoma:s3cret@a:1,b:2".parse().unwrap();
        assert_eq!(place.nodes, ["redis://saoma:s3cret@a:1", "redis://saoma:s3cret@b:2"]);
        assert_eq!(format!("{place} {place:?}"), "redis-cluster://a:1,b:2 redis-cluster://a:1,b:2");
    }
}
