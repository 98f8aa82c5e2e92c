//! What a feed follows: where it is read, and what of it is news.

use reqwest::header::IF_NONE_MATCH;
use reqwest::{Method, RequestBuilder};

use crate::api::Snapshot;
use crate::client::ClientError;
use crate::client::http::{Answer, Http};
use crate::secret::{DeviceCode, Token};

/// Something that can be followed, and how far it has been.
pub(in crate::client) trait Topic: Send + Sync + 'static {
    /// One piece of news.
    type Item: Send + 'static;

    /// Whether the server sends a first frame as soon as a socket is open.
    const GREETS: bool;

    /// Reads the present.
    fn present(&self, http: &Http) -> RequestBuilder;

    /// Reads what is newer than all that was taken; to be sent with a wish to wait for it.
    fn newer(&self, http: &Http) -> RequestBuilder;

    /// Opens the socket, but for the headers that all sockets have.
    fn socket(&self, http: &Http) -> RequestBuilder;

    /// The items in an answer to one of the first two.
    fn in_answer(&self, answer: Answer<'_>) -> Result<Vec<Self::Item>, ClientError>;

    /// The items in a socket's frame, if it is well formed.
    fn in_frame(&self, frame: &str) -> Option<Vec<Self::Item>>;

    /// Whether an item is newer than all that was taken.
    fn is_news(&self, item: &Self::Item) -> bool;

    /// Takes an item: what is not newer is news no more.
    fn advance(&mut self, item: &Self::Item);

    /// Whether nothing can follow an item.
    fn is_last(&self, item: &Self::Item) -> bool;
}

/// A PC's login.
pub(super) struct LoginTopic {
    device_code: Token<DeviceCode>,
    version: Option<u64>,
}

impl LoginTopic {
    pub(super) fn new(device_code: Token<DeviceCode>) -> Self {
        Self { device_code, version: None }
    }

    fn read(&self, http: &Http, path: &str) -> RequestBuilder {
        http.show(http.request(Method::GET, path), self.device_code.expose())
    }
}

impl Topic for LoginTopic {
    type Item = Snapshot;

    const GREETS: bool = true;

    fn present(&self, http: &Http) -> RequestBuilder {
        self.read(http, "/v1/login")
    }

    fn newer(&self, http: &Http) -> RequestBuilder {
        let request = self.present(http);
        match self.version {
            Some(version) => request.header(IF_NONE_MATCH, format!("\"{version}\"")),
            None => request,
        }
    }

    fn socket(&self, http: &Http) -> RequestBuilder {
        self.read(http, "/v1/login/events")
    }

    fn in_answer(&self, answer: Answer<'_>) -> Result<Vec<Snapshot>, ClientError> {
        if answer.is_not_modified() { Ok(Vec::new()) } else { answer.json().map(|snapshot| vec![snapshot]) }
    }

    fn in_frame(&self, frame: &str) -> Option<Vec<Snapshot>> {
        serde_json::from_str(frame).ok().map(|snapshot| vec![snapshot])
    }

    fn is_news(&self, snapshot: &Snapshot) -> bool {
        self.version.is_none_or(|version| snapshot.version > version)
    }

    fn advance(&mut self, snapshot: &Snapshot) {
        self.version = Some(snapshot.version);
    }

    fn is_last(&self, snapshot: &Snapshot) -> bool {
        snapshot.status.is_terminal()
    }
}
