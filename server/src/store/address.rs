//! Whom a limit on addresses counts.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address or an IPv6 /64: what one household, or one machine, has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// Where the server can't tell. All of these share one allowance, so that hiding gains nothing.
    Unknown,
    /// An IPv4 address, also one that came mapped into IPv6.
    V4(Ipv4Addr),
    /// The upper half of an IPv6 address.
    V6([u16; 4]),
}

impl From<Option<IpAddr>> for Address {
    fn from(ip: Option<IpAddr>) -> Self {
        match ip.map(|ip| ip.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(ip)) => Self::V4(ip),
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: &str) -> Address {
        Address::from(Some(ip.parse().unwrap()))
    }

    #[test]
    fn a_slash_64_is_one_address_and_an_ipv4_address_is_itself_however_it_comes() {
        assert_eq!(address("2001:db8:0:1::1"), address("2001:db8:0:1:ffff::2"));
        assert_ne!(address("2001:db8:0:1::1"), address("2001:db8:0:2::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_ne!(address("192.0.2.1"), Address::from(None));
    }
}
