//! The matrix: every call, every place for a secret in it, and what each kind is answered there.

use shared::api::GRANT_DEVICE_CODE;

/// The kinds of secrets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Device,
    Confirm,
    Phone,
    Pc,
    Refresh,
    Client,
    Scan,
    User,
}

pub(super) use Kind::{Client, Confirm, Device, Pc, Phone, Refresh, Scan, User};

/// What has become of a secret.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Life {
    Good,
    /// It was good once.
    Dead,
    /// It is well formed, and never was.
    Unknown,
}

/// Where in a call a secret is put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
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
pub(super) enum Else {
    /// The same, whatever it is.
    Always(u16, &'static str),
    /// As PROTOCOL §6 says of bearer tokens: another kind of token is told so, all else is no credential.
    Bearer,
    /// One that was good once is told so.
    Dead(Kind, (u16, &'static str), (u16, &'static str)),
}

/// A place of a call, the kinds that it takes, what these are answered, and what all others are.
pub(super) type Row = (&'static str, &'static str, Place, &'static [(Kind, u16)], Else);

pub(super) const NO_CLIENT: Else = Else::Always(401, "invalid_client");
pub(super) const NO_GRANT: Else = Else::Always(400, "invalid_grant");
pub(super) const NO_CONFIRM: Else =
    Else::Dead(Confirm, (410, "confirm_token_used"), (401, "confirm_token_invalid"));
pub(super) const AS_CLIENT: &[(&str, &str)] = &[("client_id", "tests")];

/// Where the server describes all but this itself.
pub(super) const DESCRIPTION: &str = "/openapi.json";

/// In the order in which they are let in: what ends something comes last.
pub(super) const MATRIX: &[Row] = &[
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
