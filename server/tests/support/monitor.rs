//! The admin plane, as a monitor sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpListener;

use super::Server;

/// Somebody who watches a server.
pub(crate) struct Monitor {
    pub(crate) addr: SocketAddr,
    pub(crate) http: reqwest::Client,
}

impl Server {
    /// Opens the admin plane.
    pub(crate) async fn monitor(&self) -> Monitor {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let app = self.app.clone().expect("each of several has a plane of its own");
        tokio::spawn(server::monitor::serve(socket, app));
        Monitor { addr, http: super::http() }
    }
}

impl Monitor {
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.addr))
    }

    /// An answer's status and text.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn metrics(&self) -> Metrics {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        Metrics::read(text)
    }

    /// Waits until a series has a value: what it counts takes its time to begin, and to end.
    pub(crate) async fn until(&self, series: &str, count: u64) {
        let reached = async {
            while self.metrics().await.count(series) != count {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
        assert!(reached.is_ok(), "{series} never was {count}");
    }
}

/// What was measured, at some moment.
pub(crate) struct Metrics {
    pub(crate) text: String,
    /// Values by names and labels, all as they are written.
    pub(crate) series: BTreeMap<String, String>,
}

impl Metrics {
    fn read(text: String) -> Self {
        let lines = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("it has no end: {text}"));
        let samples = lines.lines().filter(|line| !line.starts_with('#'));
        let series = samples.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.to_owned())
        });
        Self { series: series.collect(), text }
    }

    /// How many there are, or were.
    pub(crate) fn count(&self, series: &str) -> u64 {
        let count = self.series.get(series).unwrap_or_else(|| panic!("no {series} in {}", self.text));
        count.parse().unwrap()
    }

    /// What has risen since, and by how much, of the series of one metric: by the value of their one label.
    pub(crate) fn risen(&self, since: &Self, metric: &str) -> Vec<(String, u64)> {
        let begin = format!("{metric}{{");
        let all = self.series.keys().filter(|series| series.starts_with(&begin));
        let risen = all.filter_map(|series| {
            let by = self.count(series) - since.count(series);
            let label = series.split('"').nth(1).unwrap();
            (by > 0).then(|| (label.to_owned(), by))
        });
        risen.collect()
    }
}
