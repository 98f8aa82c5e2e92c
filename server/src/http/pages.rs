//! Pages for people, and pictures of a QR. None of them looks anything up: they are the same for a good
//! code and for any other, and change nothing.

use std::io::Cursor;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::json;
use shared::api::{GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};
use shared::code::ScanCode;
use shared::lang::Lang;
use shared::problem::ProblemCode;
use shared::say;

use super::failure::{Answer, Failure};
use crate::App;

/// A QR's margin, in modules: the standard's quiet zone.
const QUIET_ZONE: u32 = 4;
/// A module's side in the PNG, in pixels.
const MODULE_PX: u32 = 8;

/// Where a QR leads whoever scans it with an ordinary camera; with `.svg` or `.png`, the QR itself.
#[utoipa::path(get, path = "/Q/{scan_code}", tag = "pages",
    params(("scan_code" = String, Path, description = "the scan code, perhaps with .svg or .png")),
    responses((status = 200, description = "A page, or the QR as a picture.")))]
pub(super) async fn scan_page(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    name: Result<Path<String>, PathRejection>,
) -> Answer<Response> {
    let Path(name) = name.map_err(|_| ProblemCode::NotFound)?;
    let picture = |code: &str| {
        ScanCode::parse(code)
            .map_err(|_| Failure::from(ProblemCode::NotFound))
            .and_then(|code| qr(&app, &code))
    };
    if let Some(code) = name.strip_suffix(".svg") {
        let svg = picture(code)?.render::<qrcode::render::svg::Color<'_>>().min_dimensions(256, 256).build();
        return Ok(typed("image/svg+xml", svg.into_bytes()));
    }
    if let Some(code) = name.strip_suffix(".png") {
        return Ok(typed("image/png", png(&picture(code)?)?));
    }
    let command = match ScanCode::parse(&name) {
        Ok(code) => format!(
            "mobile-cli --server {} scan --url {}",
            app.settings.public_url,
            app.settings.public_url.scan_url(&code)
        ),
        Err(_) => format!("mobile-cli --server {} scan --url …", app.settings.public_url),
    };
    let lang = language(&headers);
    Ok(page(lang, [say!(lang, scan_title()), say!(lang, scan_text()), say!(lang, only_scan())], &command))
}

/// Where a user code is typed: on the phone, not here.
#[utoipa::path(get, path = "/D", tag = "pages", responses((status = 200, description = "A page.")))]
pub(super) async fn device_page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let command = format!("mobile-cli --server {} scan --code WDJB-MJHT", app.settings.public_url);
    let lang = language(&headers);
    page(lang, [say!(lang, type_title()), say!(lang, type_text()), say!(lang, only_type())], &command)
}

/// The language that whoever asks reads.
fn language(headers: &HeaderMap) -> Lang {
    let wishes = headers.get_all(header::ACCEPT_LANGUAGE).iter();
    Lang::accepted(wishes.filter_map(|wish| wish.to_str().ok()))
}

/// A page: its title, its text, which codes are to be used at all, and the command for one.
fn page(lang: Lang, [title, text, only]: [String; 3], command: &str) -> Response {
    let html = include_str!("page.html")
        .replace("{lang}", lang.tag())
        .replace("{title}", &title)
        .replace("{text}", &text)
        .replace("{only}", &only)
        .replace("{if_sent_to_you}", &say!(lang, if_sent_to_you()))
        .replace("{command}", command);
    let mut response = Html(html).into_response();
    let headers = response.headers_mut();
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

fn qr(app: &App, code: &ScanCode) -> Answer<QrCode> {
    let url = app.settings.public_url.scan_url(code);
    // A server address that is too long for a QR is refused at the start, so this holds.
    QrCode::with_error_correction_level(url, EcLevel::M).map_err(|_| Failure::unavailable())
}

fn png(qr: &QrCode) -> Answer<Vec<u8>> {
    let modules = u32::try_from(qr.width()).unwrap_or_default();
    let side = (modules + 2 * QUIET_ZONE) * MODULE_PX;
    let colors = qr.to_colors();
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let module = |px: u32| (px / MODULE_PX).checked_sub(QUIET_ZONE).filter(|at| *at < modules);
        let dark = match (module(x), module(y)) {
            (Some(x), Some(y)) => colors[(y * modules + x) as usize] == Color::Dark,
            _ => false,
        };
        Luma([if dark { 0 } else { 255 }])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(|_| Failure::unavailable())?;
    Ok(bytes.into_inner())
}

fn typed(content_type: &'static str, bytes: Vec<u8>) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, content_type)], bytes).into_response()
}

/// What this server is, for OAuth clients (RFC 8414).
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "pages", responses((status = 200, description = "The server's metadata.")))]
pub(super) async fn metadata(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    let url = &app.settings.public_url;
    Json(json!({
        "issuer": url.as_str(),
        "device_authorization_endpoint": url.join("/oauth/device_authorization"),
        "token_endpoint": url.join("/oauth/token"),
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint": url.join("/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "introspection_endpoint": url.join("/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
        "dpop_signing_alg_values_supported": shared::dpop::ALGORITHMS,
        "grant_types_supported": [GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN],
        "response_types_supported": [],
    }))
}

/// The same document, where OpenID clients look for it.
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "pages", responses((status = 200, description = "The server's metadata.")))]
pub(super) async fn openid_metadata(app: State<Arc<App>>) -> Json<serde_json::Value> {
    metadata(app).await
}
