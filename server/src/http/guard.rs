//! What holds for every answer, whatever a handler does: it comes in time, in its plane's own format, and
//! no cache keeps it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use shared::api::MAX_WAIT_SECS;
use shared::problem::{OauthCode, ProblemCode};
use tower::Service as _;

use super::failure::{Failure, OauthFailure};
use super::waiting;
use crate::App;

/// How long a request's body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long an answer may take to a request that does not ask to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Where a request may ask to wait.
const WAITING_ROOMS: [&str; 2] = ["/v1/login", "/v1/notifications"];

/// Answers a request: by the router, or for it.
pub(crate) async fn answer(app: Arc<App>, router: Router, request: Request<Incoming>) -> Response {
    let plane = Plane::of(request.uri().path());
    let mut response = match whole(request, app.settings.body_limit).await {
        Ok(request) => in_time(&app, plane, request, router).await,
        Err(code) => {
            if code == ProblemCode::PayloadTooLarge {
                app.metrics.refused("body");
            }
            plane.refuse(code)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Waits for the whole body, before the request takes any room: whoever sends slowly keeps nobody else out.
async fn whole(request: Request<Incoming>, limit: usize) -> Result<Request<Body>, ProblemCode> {
    let (parts, body) = request.into_parts();
    let body = if body.is_end_stream() { Body::empty() } else { Box::pin(collected(body, limit)).await? };
    Ok(Request::from_parts(parts, body))
}

async fn collected(body: Incoming, limit: usize) -> Result<Body, ProblemCode> {
    match tokio::time::timeout(BODY_WITHIN, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(Body::from(body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ProblemCode::PayloadTooLarge),
        Ok(Err(_)) | Err(_) => Err(ProblemCode::BadRequest),
    }
}

async fn in_time(app: &App, plane: Plane, request: Request<Body>, mut router: Router) -> Response {
    // What can be waited for is read. Whoever says so of a call that does something gets no more time for it.
    let waits = request.method() == Method::GET
        && WAITING_ROOMS.contains(&request.uri().path())
        && waiting::wait(request.headers()).is_some();
    let within = if waits { ANSWER_WITHIN + Duration::from_secs(MAX_WAIT_SECS) } else { ANSWER_WITHIN };
    // Whoever only waits takes no room from those who work; connections are limited too.
    let room = if waits { Ok(None) } else { app.in_hand.try_acquire().map(Some) };
    let Ok(room) = room else {
        app.metrics.refused("in-hand");
        return plane.unavailable();
    };
    let _in_hand = room.map(|room| (room, app.metrics.in_hand()));
    match tokio::time::timeout(within, AssertUnwindSafe(router.call(request)).catch_unwind()).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(_panic)) => {
            tracing::error!("a handler panicked");
            plane.unavailable()
        }
        Err(_late) => plane.unavailable(),
    }
}

/// For addresses that don't exist.
pub(super) async fn not_found(request: Request<Body>) -> Response {
    Plane::of(request.uri().path()).refuse(ProblemCode::NotFound)
}

/// For methods that an address does not take; the `Allow` header is added on the way out.
pub(super) async fn method_not_allowed(request: Request<Body>) -> Response {
    Plane::of(request.uri().path()).refuse(ProblemCode::MethodNotAllowed)
}

/// Which format failures have.
#[derive(Clone, Copy)]
enum Plane {
    /// `/oauth/token`, where stock clients give up on anything but `slow_down`.
    Token,
    Oauth,
    Other,
}

impl Plane {
    fn of(path: &str) -> Self {
        match path {
            "/oauth/token" => Self::Token,
            path if path.starts_with("/oauth/") => Self::Oauth,
            _ => Self::Other,
        }
    }

    fn unavailable(self) -> Response {
        match self {
            Self::Token => OauthFailure::from(OauthCode::SlowDown).into_response(),
            Self::Oauth => OauthFailure::unavailable().into_response(),
            Self::Other => Failure::unavailable().into_response(),
        }
    }

    fn refuse(self, code: ProblemCode) -> Response {
        match self {
            Self::Token | Self::Oauth => {
                let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
                OauthFailure::from(OauthCode::InvalidRequest).with_status(status).into_response()
            }
            Self::Other => Failure::from(code).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overload_is_worded_for_whoever_asks() {
        for (path, status) in [("/oauth/token", 400), ("/oauth/revoke", 503), ("/v1/me", 503)] {
            let answer = Plane::of(path).unavailable();
            assert_eq!(answer.status().as_u16(), status, "{path}");
            assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), status == 503, "{path}");
        }
    }
}
