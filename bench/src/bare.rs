//! The yardstick: axum as it is, with answers of the size of ours, and nothing behind them.

use std::future::pending;
use std::io::Write as _;

use axum::extract::ws::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// A body as large as a scan's.
#[derive(Deserialize)]
struct Asked {
    text: String,
}

/// An answer as large as a snapshot.
#[derive(Serialize)]
struct Answer {
    status: &'static str,
    version: u64,
    expires_in: u64,
    scanned_by: Option<&'static str>,
}

/// Serves on a free port until it is killed; says on standard output where.
pub(crate) fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = Router::new()
            .route("/get", get(snapshot))
            .route("/post", post(length))
            .route("/wait", get(wait))
            .route("/events", get(events));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout();
        writeln!(out, "listening on http://{}", listener.local_addr()?)?;
        out.flush()?;
        axum::serve(listener, app).await?;
        Ok(())
    })
}

async fn snapshot() -> Json<Answer> {
    Json(Answer { status: "unscanned", version: 1, expires_in: 120, scanned_by: None })
}

async fn length(Json(asked): Json<Asked>) -> Json<Answer> {
    Json(Answer { status: "unscanned", version: asked.text.len() as u64, expires_in: 120, scanned_by: None })
}

/// Never answers whoever says that it may take long.
async fn wait(headers: HeaderMap) -> StatusCode {
    if headers.contains_key("prefer") {
        pending::<()>().await;
    }
    StatusCode::NO_CONTENT
}

/// A socket that nothing is ever sent over.
async fn events(upgrade: WebSocketUpgrade) -> Response {
    let small = upgrade.read_buffer_size(1024).write_buffer_size(0);
    small
        .on_upgrade(|mut socket| async move { while let Some(Ok(_)) = socket.recv().await {} })
        .into_response()
}
