//! A server's address, and the QR's URL: what a QR of this server is, and what is anybody else's.

use std::fmt;

use super::ScanCode;

/// Why a text is not a server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not a URL at all, or not of the form `http(s)://host[:port]`.
    #[error("it must be http:// or https://, a host and perhaps a port, and nothing after that")]
    Form,
    /// Plain http to another machine.
    #[error(
        "plain http would send secrets over the network for all to read; use https, or --insecure-http if you must"
    )]
    Plain,
}

#[cfg(feature = "client")]
impl BadUrl {
    /// The same in every language.
    #[must_use]
    pub fn text(self) -> crate::words::Text {
        crate::to_say!(bad_url(self))
    }
}

/// Where a server is reached: scheme, host, port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(url::Url);

impl PublicUrl {
    /// Reads `http(s)://host[:port]`, with or without a slash at the end.
    ///
    /// # Errors
    /// [`BadUrl::Form`] for anything else: a path, a query, a user name.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let url = url::Url::parse(text).map_err(|_| BadUrl::Form)?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        bare.then_some(Self(url)).ok_or(BadUrl::Form)
    }

    /// Refuses plain http off this machine, where anybody on the way can read along.
    ///
    /// # Errors
    /// [`BadUrl::Plain`].
    pub fn require_secure(self) -> Result<Self, BadUrl> {
        (self.is_https() || self.is_loopback()).then_some(self).ok_or(BadUrl::Plain)
    }

    /// Whether it is encrypted on the way.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it can only be this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// Without the slash at the end, as it is compared and shown: `https://login.example.com`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL of a path below it, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// What the QR holds for a scan code. Upper case, so that a QR code packs two characters in 11 bits.
    #[must_use]
    pub fn scan_url(&self, code: &ScanCode) -> String {
        format!("{}/Q/{}", self.as_str().to_ascii_uppercase(), code.as_str())
    }

    /// Finds the scan code in a QR's text, if it is one of this server and nothing else: scheme, host and
    /// port must be the same, the path exactly `/Q/` and a code. No request is needed to tell.
    ///
    /// # Errors
    /// [`NotOurs`] for the QR of anybody else.
    pub fn scan_code_in(&self, text: &str) -> Result<ScanCode, NotOurs> {
        let default_port = if self.is_https() { 443 } else { 80 };
        let with_port = self.0.port().is_none().then(|| format!("{self}:{default_port}"));
        let code_below = |base: &str| {
            let (head, rest) = text.split_at_checked(base.len())?;
            let code = rest.strip_prefix("/Q/").filter(|_| head.eq_ignore_ascii_case(base))?;
            ScanCode::parse(code).ok()
        };
        code_below(self.as_str()).or_else(|| code_below(&with_port?)).ok_or(NotOurs)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// That a QR's text is not a login of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this QR code is not a login of this server")]
pub struct NotOurs;
