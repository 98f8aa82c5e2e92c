//! Follows a topic: keeps one transport going, and finds the way back when it is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use reqwest::RequestBuilder;
use tokio::time::{Instant, sleep_until};

use super::course::{Course, Loss, Pace, Turn};
use super::socket::Socket;
use super::{Topic, Transport, TransportChoice};
use crate::client::ClientError;
use crate::client::http::Http;
use crate::client::phone::prefer_wait;
use crate::problem::ProblemCode;
use crate::random::{OsRandom, Random};
use crate::to_say;

/// What happens on the way.
pub(in crate::client) enum Event<I> {
    /// Something new, and what carried it.
    Item(I, Transport),
    /// The server is there, by this transport, with nothing new.
    Back(Transport),
    /// The server is lost, for so long at least.
    Trouble(ClientError, Duration),
    /// It is over.
    Gone(ClientError),
}

/// Follows `topic`. The stream does its work only while it is polled, and holds all of it in between.
pub(in crate::client) fn follow<T: Topic>(
    http: Http,
    pace: Pace,
    topic: T,
    choice: TransportChoice,
) -> impl Stream<Item = Event<T::Item>> + Send {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let course = Course::new(choice, pace, Arc::clone(&random));
    let follower = Follower {
        // A first frame is the present; a wait for what is newer needs to know it.
        present_first: course.transport() != Transport::WebSocket,
        course,
        http,
        pace,
        topic,
        random,
        socket: None,
        arrived: VecDeque::new(),
        carried_by: None,
        troubled: false,
        resume_at: None,
        answered_by: None,
        over: false,
    };
    stream::unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) }).fuse()
}

struct Follower<T: Topic> {
    topic: T,
    http: Http,
    pace: Pace,
    course: Course,
    random: Arc<dyn Random>,
    socket: Option<Socket>,
    /// What has come and was not looked at yet.
    arrived: VecDeque<(T::Item, Transport)>,
    /// What carried the last that was told.
    carried_by: Option<Transport>,
    /// Whether trouble was the last that was told.
    troubled: bool,
    /// What carried an answer that was not told of yet.
    answered_by: Option<Transport>,
    /// Whether to read the present before anything else.
    present_first: bool,
    /// Nothing is tried before then.
    resume_at: Option<Instant>,
    over: bool,
}

impl<T: Topic> Follower<T> {
    async fn next(&mut self) -> Option<Event<T::Item>> {
        loop {
            if let Some(event) = self.deliver() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if let Some(resume_at) = self.resume_at.take() {
                sleep_until(resume_at).await;
            }
            if let Err(loss) = self.step().await
                && let Some(event) = self.turn(loss)
            {
                return Some(event);
            }
        }
    }

    /// What has come, and is worth telling.
    fn deliver(&mut self) -> Option<Event<T::Item>> {
        let answered_by = self.answered_by.take();
        while let Some((item, transport)) = self.arrived.pop_front() {
            if self.topic.is_news(&item) {
                self.topic.advance(&item);
                self.over = self.topic.is_last(&item);
                if self.over {
                    self.arrived.clear();
                    self.socket = None;
                }
                self.told(transport);
                return Some(Event::Item(item, transport));
            }
        }
        let transport = answered_by.filter(|by| self.troubled || self.carried_by != Some(*by))?;
        self.told(transport);
        Some(Event::Back(transport))
    }

    fn told(&mut self, transport: Transport) {
        self.carried_by = Some(transport);
        self.troubled = false;
    }

    /// Goes on by the transport whose turn it is, until something comes.
    async fn step(&mut self) -> Result<(), Loss> {
        match self.course.transport() {
            _ if self.present_first => self.read_present().await,
            Transport::WebSocket => self.hear().await,
            Transport::LongPoll => self.wait().await,
            Transport::Poll => self.read_present().await,
        }
    }

    /// The present, by a plain read: a short poll, or what comes before anything else after a loss.
    async fn read_present(&mut self) -> Result<(), Loss> {
        let begun_at = Instant::now();
        let request = self.topic.present(&self.http);
        let items = ask(&self.topic, &self.http, request).await.map_err(|error| lost(error, Loss::Away))?;
        self.present_first = false;
        self.course.answered();
        match self.course.transport() {
            // Only a look before the socket's next try: worth telling if it found something, or ends trouble.
            Transport::WebSocket => self.arrive(items, Transport::Poll, self.troubled),
            Transport::LongPoll => self.arrive(items, Transport::LongPoll, true),
            Transport::Poll => {
                self.resume_at = Some(begun_at + self.pace.poll_interval);
                self.arrive(items, Transport::Poll, true);
            }
        }
        Ok(())
    }

    /// A long poll.
    async fn wait(&mut self) -> Result<(), Loss> {
        let begun_at = Instant::now();
        let request = prefer_wait(self.topic.newer(&self.http), self.pace.wait)
            .timeout(self.pace.wait + self.pace.wait_margin);
        let items = ask(&self.topic, &self.http, request).await.map_err(|error| {
            // A network that holds an answer back beyond the wait would do so again, for as long.
            let held_back = begun_at.elapsed() >= self.pace.wait + self.pace.wait_margin;
            lost(error, if held_back { Loss::Refused } else { Loss::Cut })
        })?;
        self.course.answered();
        let has_news = items.iter().any(|item| self.topic.is_news(item));
        if begun_at.elapsed() >= self.pace.wait / 2 {
            self.course.waited();
        } else if !has_news {
            // Something on the way does not let the server wait, so this is only a costly short poll.
            self.course.strike();
            self.resume_at = Some(begun_at + self.pace.poll_interval);
        }
        self.arrive(items, Transport::LongPoll, true);
        Ok(())
    }

    /// The socket's next frame, on a socket that is opened if there is none.
    async fn hear(&mut self) -> Result<(), Loss> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => {
                let request = self.topic.socket(&self.http);
                let socket = Socket::open(&self.http, request, &self.pace, self.random.as_ref()).await?;
                none.insert(socket)
            }
        };
        let Some(frame) = socket.next(&self.http, &self.pace, T::GREETS).await? else {
            return Ok(());
        };
        let items = self.topic.in_frame(&frame);
        let items = items.ok_or_else(|| Loss::Cut(self.http.unexpected(&to_say!(strange_frame()))))?;
        self.arrive(items, Transport::WebSocket, true);
        Ok(())
    }

    fn arrive(&mut self, items: Vec<T::Item>, transport: Transport, is_answer: bool) {
        self.arrived.extend(items.into_iter().map(|item| (item, transport)));
        self.answered_by = is_answer.then_some(transport);
    }

    /// Turns a loss into what is to be done about it, and what is to be told.
    fn turn(&mut self, loss: Loss) -> Option<Event<T::Item>> {
        let lived = self.socket.take().map_or(Duration::ZERO, |socket| socket.lived());
        match self.course.after(loss, lived) {
            Turn::Over(error) => {
                self.over = true;
                Some(Event::Gone(error))
            }
            Turn::Retry { pause, present_first, tell } => {
                self.present_first = present_first;
                self.resume_at = Some(Instant::now() + pause);
                let error = tell?;
                self.troubled = true;
                Some(Event::Trouble(error, pause))
            }
        }
    }
}

async fn ask<T: Topic>(topic: &T, http: &Http, request: RequestBuilder) -> Result<Vec<T::Item>, ClientError> {
    topic.in_answer(http.send(request).await?)
}

/// The loss that an error of a request is. When the server itself says that the request is no good, no
/// later try will fare better; any other error is a loss `otherwise`.
fn lost(error: ClientError, otherwise: fn(ClientError) -> Loss) -> Loss {
    let is_final = error.problem().is_some_and(|problem| {
        (400..500).contains(&problem.status) && problem.code != ProblemCode::RateLimited
    });
    if is_final { Loss::Gone(error) } else { otherwise(error) }
}
