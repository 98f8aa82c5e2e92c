//! Where a request comes from, as limits and people see it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// What a limit counts by: an IPv4 address, or an IPv6 /64, which is what one household or office gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(IpAddr);

impl Address {
    /// The address that `ip` counts for.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Self(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into()),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }

    /// Whether two machines are in the same network, as far as their addresses tell: they can't, if one
    /// speaks IPv4 and the other IPv6.
    #[must_use]
    pub fn same_network(a: Option<IpAddr>, b: Option<IpAddr>) -> Option<bool> {
        let (a, b) = (Self::of(a?), Self::of(b?));
        (a.0.is_ipv4() == b.0.is_ipv4()).then_some(a == b)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The client's own address, if the server can tell.
    pub ip: Option<IpAddr>,
    /// What limits count it by: where the client can't be told, the proxy that sent it.
    pub address: Address,
}

impl Origin {
    /// Judges a request by its connection and, where that comes from a trusted proxy, by the rightmost
    /// address in `X-Forwarded-For` that is not itself a trusted proxy: everything left of it is hearsay.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.contains(&ip));
        let peer = peer.to_canonical();
        if !is_trusted(peer) {
            return Self { ip: Some(peer), address: Address::of(peer) };
        }
        let hops = headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|line| line.to_str().unwrap_or("?").split(','));
        let ip = hops
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|hop| hop.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
            .find(|hop| hop.is_none_or(|ip| !is_trusted(ip)))
            .flatten();
        Self { ip, address: Address::of(ip.unwrap_or(peer)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(peer: &str, forwarded: &[&str]) -> Origin {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        Origin::of(peer.parse().unwrap(), &headers, &["10.0.0.0/8".parse().unwrap()])
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(origin("192.0.2.1", &["198.51.100.7"]).ip, Some(ip("192.0.2.1")));
        assert_eq!(origin("10.0.0.1", &["198.51.100.7"]).ip, Some(ip("198.51.100.7")));
        assert_eq!(origin("::ffff:10.0.0.1", &["198.51.100.7"]).ip, Some(ip("198.51.100.7")));
    }

    #[test]
    fn what_the_client_wrote_itself_is_hearsay() {
        assert_eq!(origin("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.2.3.4"]).ip, Some(ip("198.51.100.7")));
        assert_eq!(origin("10.0.0.1", &["203.0.113.9", "198.51.100.7"]).ip, Some(ip("198.51.100.7")));
    }

    #[test]
    fn where_nobody_can_tell_the_proxy_is_counted() {
        for forwarded in [&[][..], &["unknown"], &["198.51.100.7, nonsense"], &["10.9.9.9"]] {
            let origin = origin("10.0.0.1", forwarded);
            assert_eq!((origin.ip, origin.address), (None, Address::of(ip("10.0.0.1"))), "{forwarded:?}");
        }
    }

    #[test]
    fn networks_are_compared_by_ipv4_address_or_ipv6_64() {
        let same = |a: &str, b: &str| Address::same_network(a.parse().ok(), b.parse().ok());
        assert_eq!(same("192.0.2.1", "::ffff:192.0.2.1"), Some(true));
        assert_eq!(same("192.0.2.1", "192.0.2.2"), Some(false));
        assert_eq!(same("2001:db8:1:2::1", "2001:db8:1:2:3::9"), Some(true));
        assert_eq!(same("2001:db8:1:2::1", "2001:db8:1:3::1"), Some(false));
        assert_eq!(same("2001:db8::1", "192.0.2.1"), None);
        assert_eq!(same("?", "192.0.2.1"), None);
    }
}
