//! The planes of the protocol, a small file each, and what holds for every answer.
//!
//! | file | serves |
//! | --- | --- |
//! | `oauth` | the PC: RFC 8628, refresh, revocation |
//! | `introspection` | resource servers: RFC 7662 |
//! | `feed` | the PC: its login's status, three ways |
//! | `phone` | the phone: accounts, log-in, scan, confirm, deny |
//! | `sessions` | the phone: sessions and notifications |
//! | `pages` | people, and clients that look around |
//! | `guard` | every answer: panics, time-outs, overload, headers |
//!
//! Who asks is settled in `caller`, `proof` and `form`, what goes wrong is worded in `failure`.

mod caller;
mod failure;
mod feed;
mod form;
mod guard;
mod introspection;
mod oauth;
mod pages;
mod phone;
mod proof;
mod sessions;
mod socket;
mod waiting;

use std::sync::Arc;

use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::Peer;
pub(crate) use guard::answer;

use crate::App;

/// What the generated document says beside its routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Saoma", description = "Scan to log in: a logged-out PC shows a QR code, a logged-in phone scans and confirms it, and the PC is logged in.", license(name = "MIT OR Apache-2.0")),
    modifiers(&Schemes)
)]
struct Document;

/// How callers authenticate.
struct Schemes;

impl utoipa::Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_default();
        for name in ["device code", "phone token", "pc token"] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
        components.add_security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    }
}

/// All routes, and the document that describes them.
fn routes() -> (Router<Arc<App>>, OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(oauth::issue))
        .routes(routes!(oauth::token))
        .routes(routes!(oauth::revoke))
        .routes(routes!(introspection::introspect))
        .routes(routes!(feed::status, feed::cancel))
        .routes(routes!(feed::events))
        .routes(routes!(phone::register))
        .routes(routes!(phone::log_in))
        .routes(routes!(phone::log_out))
        .routes(routes!(phone::scan))
        .routes(routes!(phone::confirm))
        .routes(routes!(phone::deny))
        .routes(routes!(phone::change_password))
        .routes(routes!(phone::me))
        .routes(routes!(sessions::list, sessions::end_others))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::notifications))
        .routes(routes!(sessions::events))
        .routes(routes!(pages::scan_page))
        .routes(routes!(pages::device_page))
        .routes(routes!(pages::metadata))
        .routes(routes!(pages::openid_metadata))
        .split_for_parts()
}

/// The description of the API, as `/openapi.json` serves it.
#[must_use]
pub fn openapi() -> OpenApi {
    routes().1
}

/// Everything that is served, by its address. What holds for every answer is seen to by the guard.
pub fn router(app: Arc<App>) -> Router {
    let (router, document) = routes();
    router
        .route("/openapi.json", axum::routing::get(|| async move { Json(document) }))
        .fallback(guard::not_found)
        .method_not_allowed_fallback(guard::method_not_allowed)
        .with_state(app)
}
