//! The phone's notification feed: what carries the PC's feed carries this one too.

use std::fmt;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::{Method, RequestBuilder};

use super::feed::{Event, Topic, TransportChoice, follow};
use super::http::{Answer, Http};
use super::{Client, ClientError};
use crate::api::{Notification, Notifications};
use crate::problem::ProblemCode;
use crate::secret::{PhoneToken, Token};

/// What happens to an account, as it happens.
pub struct NotificationFeed {
    events: BoxStream<'static, Event<Notification>>,
    ended_by: Option<ClientError>,
}

impl NotificationFeed {
    pub(super) fn new(client: &Client, token: Token<PhoneToken>, after: u64) -> Self {
        let topic = NotificationTopic { token, after };
        let events = follow(client.http.clone(), client.pace, topic, TransportChoice::Auto);
        Self { events: events.boxed(), ended_by: None }
    }

    /// The next notification. Cancel-safe: a dropped call loses nothing.
    ///
    /// # Errors
    /// When the server is lost: call again, and the feed goes on, after a pause that grows with each
    /// failure. When [`is_over`](Self::is_over) says so the error is the last word, such as that the
    /// phone's session has ended, and every later call gives the same one.
    pub async fn next(&mut self) -> Result<Notification, ClientError> {
        loop {
            match self.events.next().await {
                Some(Event::Item(notification, _)) => return Ok(notification),
                Some(Event::Back(_)) => {}
                Some(Event::Trouble(error, _)) => return Err(error),
                Some(Event::Gone(error)) => {
                    self.ended_by = Some(error.clone());
                    return Err(error);
                }
                None => {
                    let unknown = || ProblemCode::Unauthenticated.into();
                    return Err(self.ended_by.clone().unwrap_or_else(unknown));
                }
            }
        }
    }

    /// Whether the last error was the last word.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended_by.is_some()
    }
}

impl fmt::Debug for NotificationFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationFeed").field("ended_by", &self.ended_by).finish_non_exhaustive()
    }
}

/// An account's notifications, read up to one of them.
struct NotificationTopic {
    token: Token<PhoneToken>,
    after: u64,
}

impl NotificationTopic {
    fn read(&self, http: &Http, path: &str) -> RequestBuilder {
        http.request(Method::GET, &format!("{path}?after={}", self.after)).bearer_auth(self.token.expose())
    }
}

impl Topic for NotificationTopic {
    type Item = Notification;

    const GREETS: bool = false;

    fn present(&self, http: &Http) -> RequestBuilder {
        self.read(http, "/v1/notifications")
    }

    fn newer(&self, http: &Http) -> RequestBuilder {
        self.present(http)
    }

    fn socket(&self, http: &Http) -> RequestBuilder {
        self.read(http, "/v1/notifications/events")
    }

    fn in_answer(&self, answer: Answer<'_>) -> Result<Vec<Notification>, ClientError> {
        if answer.is_not_modified() {
            return Ok(Vec::new());
        }
        answer.json::<Notifications>().map(|page| page.notifications)
    }

    fn in_frame(&self, frame: &str) -> Option<Vec<Notification>> {
        serde_json::from_str(frame).ok().map(|notification| vec![notification])
    }

    fn is_news(&self, notification: &Notification) -> bool {
        notification.id > self.after
    }

    fn advance(&mut self, notification: &Notification) {
        self.after = notification.id;
    }

    fn is_last(&self, _: &Notification) -> bool {
        false
    }
}
