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

use std::sync::Arc;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use server::store::ResourceServer;
use server::{App, Settings};
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE};
use shared::id::LoginId;
use shared::random::OsRandom;
use shared::secret::{ClientSecret, ServerSecret, Token};

use crate::Backend;
use crate::scene::{is_good, said, status, text};
use crate::support::Server;

/// The kinds of secrets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Device,
    Confirm,
    Phone,
    Pc,
    Refresh,
    Client,
    Scan,
    User,
}

use Kind::{Client, Confirm, Device, Pc, Phone, Refresh, Scan, User};

/// What has become of a secret.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Good,
    /// It was good once.
    Dead,
    /// It is well formed, and never was.
    Unknown,
}

/// Where in a call a secret is put.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Bearer,
    /// The password of HTTP Basic, as the resource server `files`.
    Basic,
    /// A field of a form, beside these.
    Form(&'static str, &'static [(&'static str, &'static str)]),
    /// A member of a JSON body, in the name of alice's phone.
    Json(&'static str),
    /// The last part of the path, in the name of alice's phone.
    Path,
}

/// What becomes of a secret that a call does not take.
#[derive(Clone, Copy, Debug)]
enum Else {
    /// The same, whatever it is.
    Always(u16, &'static str),
    /// As PROTOCOL §6 says of bearer tokens: another kind of token is told so, all else is no credential.
    Bearer,
    /// One that was good once is told so.
    Dead(Kind, (u16, &'static str), (u16, &'static str)),
}

/// A place of a call, the kinds that it takes, what these are answered, and what all others are.
type Row = (&'static str, &'static str, Place, &'static [(Kind, u16)], Else);

const NO_CLIENT: Else = Else::Always(401, "invalid_client");
const NO_GRANT: Else = Else::Always(400, "invalid_grant");
const NO_CONFIRM: Else = Else::Dead(Confirm, (410, "confirm_token_used"), (401, "confirm_token_invalid"));
const AS_CLIENT: &[(&str, &str)] = &[("client_id", "tests")];

/// Where the server describes all but this itself.
const DESCRIPTION: &str = "/openapi.json";

/// In the order in which they are let in: what ends something comes last.
const MATRIX: &[Row] = &[
    // Open to all: what they are sent beside is ignored.
    ("POST", "/v1/accounts", Place::Bearer, &[], Else::Always(422, "unprocessable")),
    ("POST", "/v1/phones", Place::Bearer, &[], Else::Always(422, "unprocessable")),
    ("GET", "/Q/{scan_code}", Place::Path, &[], Else::Always(200, "-")),
    ("GET", "/D", Place::Bearer, &[], Else::Always(200, "-")),
    ("GET", "/.well-known/oauth-authorization-server", Place::Bearer, &[], Else::Always(200, "-")),
    ("GET", "/.well-known/openid-configuration", Place::Bearer, &[], Else::Always(200, "-")),
    ("GET", DESCRIPTION, Place::Bearer, &[], Else::Always(200, "-")),
    // The PC's plane.
    ("POST", "/oauth/device_authorization", Place::Bearer, &[], NO_CLIENT),
    ("POST", "/oauth/device_authorization", Place::Basic, &[], NO_CLIENT),
    ("POST", "/oauth/token", Place::Bearer, &[], NO_CLIENT),
    ("POST", "/oauth/token", Place::Basic, &[], NO_CLIENT),
    (
        "POST",
        "/oauth/token",
        Place::Form("device_code", &[("client_id", "tests"), ("grant_type", GRANT_DEVICE_CODE)]),
        &[(Device, 400)],
        NO_GRANT,
    ),
    ("POST", "/oauth/introspect", Place::Bearer, &[], NO_CLIENT),
    ("POST", "/oauth/introspect", Place::Basic, &[(Client, 200)], NO_CLIENT),
    ("POST", "/oauth/introspect", Place::Form("token", AS_CLIENT), &[], NO_CLIENT),
    ("POST", "/oauth/revoke", Place::Bearer, &[], NO_CLIENT),
    ("POST", "/oauth/revoke", Place::Basic, &[], NO_CLIENT),
    ("GET", "/v1/login", Place::Bearer, &[(Device, 200)], Else::Bearer),
    ("GET", "/v1/login/events", Place::Bearer, &[(Device, 400)], Else::Bearer),
    // The phone's plane. Who is let in has sent nothing that makes sense.
    ("GET", "/v1/me", Place::Bearer, &[(Phone, 200), (Pc, 200)], Else::Bearer),
    ("GET", "/v1/sessions", Place::Bearer, &[(Phone, 200)], Else::Bearer),
    ("DELETE", "/v1/sessions", Place::Bearer, &[(Phone, 400)], Else::Bearer),
    ("DELETE", "/v1/sessions/{id}", Place::Bearer, &[(Phone, 404)], Else::Bearer),
    ("DELETE", "/v1/sessions/{id}", Place::Path, &[], Else::Always(404, "not_found")),
    ("GET", "/v1/notifications", Place::Bearer, &[(Phone, 200)], Else::Bearer),
    ("GET", "/v1/notifications/events", Place::Bearer, &[(Phone, 400)], Else::Bearer),
    ("PUT", "/v1/account/password", Place::Bearer, &[(Phone, 422)], Else::Bearer),
    ("POST", "/v1/scans", Place::Bearer, &[(Phone, 422)], Else::Bearer),
    ("POST", "/v1/scans/confirm", Place::Bearer, &[(Phone, 422)], Else::Bearer),
    ("POST", "/v1/scans/deny", Place::Bearer, &[(Phone, 422)], Else::Bearer),
    (
        "POST",
        "/v1/scans",
        Place::Json("scan_code"),
        &[(Scan, 200)],
        Else::Dead(Scan, (409, "login_closed"), (404, "code_not_found")),
    ),
    ("POST", "/v1/scans", Place::Json("user_code"), &[(User, 200)], Else::Always(404, "code_not_found")),
    ("POST", "/v1/scans/confirm", Place::Json("confirm_token"), &[(Confirm, 200)], NO_CONFIRM),
    // Used by now, and known as such.
    ("POST", "/v1/scans/deny", Place::Json("confirm_token"), &[(Confirm, 410)], NO_CONFIRM),
    // These end what they are let in with.
    (
        "POST",
        "/oauth/token",
        Place::Form("refresh_token", &[("client_id", "tests"), ("grant_type", "refresh_token")]),
        &[(Refresh, 200)],
        NO_GRANT,
    ),
    ("DELETE", "/v1/login", Place::Bearer, &[(Device, 204)], Else::Bearer),
    ("DELETE", "/v1/phones/current", Place::Bearer, &[(Phone, 204)], Else::Bearer),
    // Whatever is no token of a PC needs no revoking. What is, ends: the zombies see to that.
    (
        "POST",
        "/oauth/revoke",
        Place::Form("token", AS_CLIENT),
        &[(Pc, 200), (Refresh, 200)],
        Else::Always(200, "-"),
    ),
];

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

/// The calls that the server describes, and the description itself.
async fn described(server: &Server) -> Vec<(String, String)> {
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
