//! Which calls there are: as the server describes them, and as it routes them.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::{App, Settings};
use shared::random::OsRandom;
use shared::secret::ServerSecret;

use super::matrix::DESCRIPTION;
use super::said_of;
use crate::Backend;
use crate::support::Server;

/// The calls that the server describes, and the description itself.
pub(super) async fn described(server: &Server) -> Vec<(String, String)> {
    let document = server.request(Method::GET, DESCRIPTION).send().await.unwrap();
    assert_eq!(document.status(), StatusCode::OK);
    let document: Value = document.json().await.unwrap();
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
    });
    described.chain([("GET".to_owned(), DESCRIPTION.to_owned())]).collect()
}

/// The paths that the server routes, as its router prints them: it has no list of them to be asked for.
fn routed(server: &Server) -> Vec<String> {
    let (settings, secret) = (Settings::new(server.url.clone()), ServerSecret::generate(&OsRandom));
    let (store, clock) = (server.store.clone(), server.clock.clone());
    let app = App::new(settings, store, clock, Arc::new(OsRandom), secret);
    let printed = format!("{:?}", server::http::router(app));
    // Before what is behind all paths.
    let printed = printed.split("fallback_router").next().unwrap();
    printed.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/')).map(str::to_owned).collect()
}

/// Doors beside the ones that are described, and so beside the matrix: other paths, and other methods.
pub(crate) async fn call_what_nobody_describes(on: Backend) {
    let server = on.server().await;
    let described = described(&server).await;
    let mut paths = described.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>();
    let mut routed = routed(&server);
    paths.sort();
    paths.dedup();
    routed.sort();
    assert_eq!(routed, paths);
    for path in &paths {
        let takes = |method: &str| described.contains(&(method.to_owned(), path.clone()));
        let address = path.replace("{id}", "x").replace("{scan_code}", "x");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNEKT"] {
            // What answers a GET answers a HEAD, which is a GET whose body is not sent.
            if takes(method) || (method == "HEAD" && takes("GET")) {
                continue;
            }
            let request = server.request(method.parse().unwrap(), &address);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            let allowed = response.headers()["allow"].to_str().unwrap().split(',').map(str::to_owned);
            let mut allowed = allowed.filter(|method| method != "HEAD").collect::<Vec<_>>();
            let mut expected = described
                .iter()
                .filter(|call| call.1 == *path)
                .map(|call| call.0.clone())
                .collect::<Vec<_>>();
            allowed.sort();
            expected.sort();
            assert_eq!(allowed, expected, "{path}");
        }
    }
    for path in [
        "/",
        "/v1",
        "/v2/me",
        "/v1/me/",
        "//v1/me",
        "/oauth",
        "/oauth/token/",
        "/Q",
        "/Q/",
        "/metrics",
        "/v1%2fme",
    ] {
        assert_eq!(said_of(server.request(Method::GET, path)).await.0, 404, "{path}");
    }
}
