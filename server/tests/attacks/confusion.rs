//! Secrets of one kind, where another kind belongs.
//!
//! ```text
//!             device  confirm  phone  pc  refresh  client  scan code  user code     each: good, dead, unknown
//! call 1         +       -       -    -      -       -         -          -
//! call 2         -       -       +    +      -       -         -          -
//! ```
//!
//! First everything that must be refused is tried everywhere, and must have changed nothing; then what must
//! be let in. A call that the server takes fails here until it is described and in the matrix.

mod doors;
mod matrix;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::store::ResourceServer;
use shared::api::DeviceAuthorization;
use shared::id::LoginId;
use shared::random::OsRandom;
use shared::secret::{ClientSecret, Token};

use crate::Backend;
use crate::scene::{is_good, said, status, text};
use crate::support::Server;

pub(crate) use doors::call_what_nobody_describes;
use doors::described;
use matrix::*;

/// A server with one good and one dead secret of each kind.
struct Scene {
    server: Server,
    secrets: Vec<(Kind, Life, String)>,
    unscanned: DeviceAuthorization,
    scanned: DeviceAuthorization,
}

impl Scene {
    async fn set(on: Backend) -> Self {
        let server = on
            .server_with(|settings| {
                settings.limits.scan.count = 1000;
                settings.limits.user_code.count = 1000;
                settings.limits.user_code_per_ip.count = 1000;
                settings.limits.device_code.count = 1000;
            })
            .await;
        let (phone, dead_phone) = (server.phone_token("alice").await, server.log_in("alice").await);
        let (tokens, dead_tokens) = (server.log_pc_in(&phone).await, server.log_pc_in(&dead_phone).await);
        server.call(Method::DELETE, "/v1/phones/current", &dead_phone, Value::Null).await;
        let [unscanned, scanned, cancelled] =
            [server.issue().await, server.issue().await, server.issue().await];
        let replaced = server.scan(&phone, &scanned).await;
        let confirm_token = server.scan(&phone, &scanned).await;
        server.client().cancel(&cancelled.device_code).await.unwrap();
        let client = client_secret(&server, "files").await;
        let removed = client_secret(&server, "removed").await;
        assert!(server.store.remove_client("removed").await.unwrap());
        let of_pc = |tokens: &Value, member: &str| text(tokens, member).to_owned();
        let mut secrets = Vec::new();
        for (kind, good, dead) in [
            (Device, unscanned.device_code.expose().to_owned(), cancelled.device_code.expose().to_owned()),
            (Confirm, confirm_token, replaced),
            (Phone, phone, dead_phone),
            (Pc, of_pc(&tokens, "access_token"), of_pc(&dead_tokens, "access_token")),
            (Refresh, of_pc(&tokens, "refresh_token"), of_pc(&dead_tokens, "refresh_token")),
            (Client, client, removed),
            (Scan, server.scan_code(&unscanned), server.scan_code(&cancelled)),
            (User, unscanned.user_code.dashed(), cancelled.user_code.dashed()),
        ] {
            let unknown = match kind {
                Scan => "00000000000000000000000000".to_owned(),
                User => "BBBB-BBBB".to_owned(),
                _ => format!("{}{}", &good[..5], "A".repeat(43)),
            };
            secrets.extend([
                (kind, Life::Good, good),
                (kind, Life::Dead, dead),
                (kind, Life::Unknown, unknown),
            ]);
        }
        Self { server, secrets, unscanned, scanned }
    }

    fn good(&self, kind: Kind) -> &str {
        &self.secrets.iter().find(|(of, life, _)| *of == kind && *life == Life::Good).unwrap().2
    }

    fn request(&self, row: &Row, secret: &str) -> RequestBuilder {
        let (method, path, place, ..) = row;
        let last = if *place == Place::Path { secret } else { "x" };
        let path = path.replace("{id}", last).replace("{scan_code}", last);
        let request = self.server.request(method.parse().unwrap(), &path);
        let is_form = path.starts_with("/oauth/");
        match place {
            Place::Bearer if is_form => request.bearer_auth(secret).form(AS_CLIENT),
            Place::Bearer => request.bearer_auth(secret).json(&json!({})),
            Place::Basic => request.basic_auth("files", Some(secret)).form(&[("token", "x")]),
            Place::Form(field, beside) => request.form(&[&[(*field, secret)], *beside].concat()),
            Place::Json(member) => request.bearer_auth(self.good(Phone)).json(&json!({ *member: secret })),
            Place::Path => request.bearer_auth(self.good(Phone)),
        }
    }

    async fn answer(&self, row: &Row, secret: &str) -> (u16, String) {
        said_of(self.request(row, secret)).await
    }

    /// The status of a HEAD where a row has a GET.
    async fn head(&self, row: &Row, secret: &str) -> u16 {
        let mut request = self.request(row, secret).build().unwrap();
        *request.method_mut() = Method::HEAD;
        self.server.http.execute(request).await.unwrap().status().as_u16()
    }

    async fn assert_untouched(&self) {
        assert!(is_good(&self.server, self.good(Phone)).await);
        assert!(is_good(&self.server, self.good(Pc)).await);
        assert_eq!(status(&self.server, &self.unscanned).await, ("unscanned".to_owned(), 1));
        assert_eq!(status(&self.server, &self.scanned).await, ("scanned".to_owned(), 2));
    }
}

async fn said_of(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let http = response.status();
    said((http, response.json().await.unwrap_or(Value::Null)))
}

pub(crate) async fn client_secret(server: &Server, name: &str) -> String {
    let now = server.clock.now();
    let secret = Token::<ClientSecret>::generate(LoginId::generate(now, &OsRandom).tag(), &OsRandom);
    let client = ResourceServer { name: name.to_owned(), secret: secret.digest(), created_at: now };
    assert!(server.store.add_client(client).await.unwrap());
    secret.expose().to_owned()
}

/// What a secret is answered that is not let in. A dead device code still tells its PC how the login ended.
fn refusal(row: &Row, kind: Kind, life: Life) -> (u16, &'static str) {
    let (method, path, place, takes, otherwise) = *row;
    let is_taken = takes.iter().any(|(taken, _)| *taken == kind);
    match (otherwise, kind, life) {
        (_, Device, Life::Dead) if is_taken => match (place, method, path) {
            (Place::Form(..), ..) => (400, "access_denied"),
            (_, "DELETE", _) => (204, "-"),
            (_, _, "/v1/login/events") => (400, "bad_request"),
            _ => (200, "-"),
        },
        (Else::Always(http, code), ..) => (http, code),
        (Else::Dead(of, dead, _), ..) if of == kind && life == Life::Dead => dead,
        (Else::Dead(_, _, other), ..) => other,
        (Else::Bearer, Client | Scan | User, _) => (401, "unauthenticated"),
        (Else::Bearer, ..) if is_taken => (401, "unauthenticated"),
        (Else::Bearer, ..) => (403, "wrong_token_kind"),
    }
}

pub(crate) async fn use_a_secret_where_another_kind_belongs(on: Backend) {
    let scene = Scene::set(on).await;
    assert_covered(&scene.server).await;
    for row in MATRIX {
        for (kind, life, secret) in &scene.secrets {
            let taken = row.3.iter().any(|(taken, _)| taken == kind) && *life == Life::Good;
            // What is ignored is still good: it is the one that a phone or a PC happens to send.
            if !taken {
                let (http, code) = scene.answer(row, secret).await;
                assert_eq!((http, code.as_str()), refusal(row, *kind, *life), "{row:?} {kind:?} {life:?}");
                if row.0 == "GET" {
                    assert_eq!(scene.head(row, secret).await, http, "HEAD {row:?} {kind:?} {life:?}");
                }
            }
        }
        scene.assert_untouched().await;
    }
    for row in MATRIX {
        for (kind, http) in row.3 {
            let (heard, code) = scene.answer(row, scene.good(*kind)).await;
            assert_eq!(heard, *http, "{row:?} {kind:?}: {code}");
            assert!(
                !["unauthenticated", "wrong_token_kind", "invalid_grant"].contains(&code.as_str()),
                "{row:?}"
            );
        }
    }
}

/// Every call that the server describes has a row, and every row is of such a call.
async fn assert_covered(server: &Server) {
    let described = described(server).await;
    let has_row =
        |(method, path): &(String, String)| MATRIX.iter().any(|row| row.0 == method && row.1 == path);
    let missing = described.iter().filter(|call| !has_row(call)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "not in the matrix: {missing:?}");
    for (method, path, ..) in MATRIX {
        assert!(described.contains(&((*method).to_owned(), (*path).to_owned())), "{method} {path}");
    }
}
