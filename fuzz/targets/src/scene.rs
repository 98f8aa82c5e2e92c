//! Logins in each state, and the secrets to go on with them.

use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use http::{Method, Request, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::json;
use shared::api::GRANT_DEVICE_CODE;

use crate::answer::{Answer, ISSUE};
use crate::proofs::Bound;
use crate::stage::{House, RESOURCE_SERVER, request, with_body};

/// Everybody's password.
const PASSWORD: &str = "correct horse battery staple";
/// How long a scene lasts by the server's clock: past the 30 s in which a redeem may be repeated, and not to the
/// 60 s in which a confirmed login has to be redeemed.
const LASTS: Duration = Duration::from_secs(50);

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";
pub(crate) const TOKEN: &str = "/oauth/token";

/// What is on stage when an input comes in.
#[derive(Default)]
pub(crate) struct Scene {
    /// The device codes of a login in each state that goes on: unscanned, scanned, confirmed, logged in.
    pub(crate) device_codes: [String; 4],
    /// Of the unscanned one.
    pub(crate) scan_code: String,
    pub(crate) user_code: String,
    /// Of the scanned one.
    pub(crate) confirm_token: String,
    /// Of the one that is logged in.
    pub(crate) pc_token: String,
    refresh_token: String,
    /// Of a PC that proves a key, once somebody needs one.
    pub(crate) bound: Option<Bound>,
    /// How everything stood after the last input.
    standing: Option<Standing>,
    set_at: Option<Timestamp>,
    is_used_up: bool,
}

impl Scene {
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.is_used_up || self.set_at.is_none_or(|set_at| now > set_at + LASTS)
    }

    /// Something in it has changed: the next input gets another.
    pub(crate) fn use_up(&mut self) {
        self.is_used_up = true;
    }

    /// Makes an account, and logs its phone in.
    pub(crate) async fn phone(house: &mut House, username: &str) -> String {
        let person = json!({"username": username, "password": PASSWORD});
        house.json("/v1/accounts", "", &person).await;
        house.json("/v1/phones", "", &person).await.text("phone_token")
    }

    /// Sets a scene. What was left of the last one is cleared away: all other sessions end.
    pub(crate) async fn set(house: &mut House) -> Self {
        let phone = house.phones[0].clone();
        let others = bearing(request(&Method::DELETE, "/v1/sessions?others=true"), "Bearer", &phone);
        house.send(others).await;
        let mut scene = Self { set_at: Some(house.clock.now()), ..Self::default() };
        for state in 0..4 {
            let issued = house.form(ISSUE, "client_id=tests&scope=read").await;
            scene.device_codes[state] = issued.text("device_code");
            let url = issued.text("verification_uri_complete");
            let scan_code = url.rsplit('/').next().unwrap_or_default().to_owned();
            if state == 0 {
                (scene.scan_code, scene.user_code) = (scan_code, issued.text("user_code"));
                continue;
            }
            let scan_code = json!({"scan_code": scan_code});
            let confirm_token = house.json("/v1/scans", &phone, &scan_code).await.text("confirm_token");
            if state == 1 {
                scene.confirm_token = confirm_token;
                continue;
            }
            house.json("/v1/scans/confirm", &phone, &json!({"confirm_token": confirm_token})).await;
        }
        let tokens = house.form(TOKEN, &redeem(&scene.device_codes[3])).await;
        (scene.pc_token, scene.refresh_token) = (tokens.text("access_token"), tokens.text("refresh_token"));
        scene
    }

    /// An input with the scene's secrets in place of their names.
    pub(crate) fn filled(&self, input: &[u8], house: &House) -> Vec<u8> {
        let basic = BASE64.encode(format!("{RESOURCE_SERVER}:{}", house.client_secret).as_bytes());
        let [unscanned, scanned, confirmed, logged_in] = &self.device_codes;
        let names = [
            ("{unscanned}", unscanned.as_str()),
            ("{scanned}", scanned),
            ("{confirmed}", confirmed),
            ("{logged_in}", logged_in),
            ("{scan_code}", &self.scan_code),
            ("{user_code}", &self.user_code),
            ("{ct}", &self.confirm_token),
            ("{ph}", &house.phones[0]),
            ("{pc}", &self.pc_token),
            ("{rt}", &self.refresh_token),
            ("{basic}", &basic),
        ];
        fill(input, &names)
    }
}

/// The text with values in place of their names.
pub(crate) fn fill(input: &[u8], names: &[(&str, &str)]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some(&first) = rest.first() {
        if let Some((name, value)) = names.iter().find(|(name, _)| rest.starts_with(name.as_bytes())) {
            filled.extend_from_slice(value.as_bytes());
            rest = &rest[name.len()..];
        } else {
            filled.push(first);
            rest = &rest[1..];
        }
    }
    filled
}

/// A redeem's form.
pub(crate) fn redeem(device_code: &str) -> String {
    format!("grant_type={GRANT_DEVICE_CODE}&device_code={device_code}&client_id=tests")
}

/// A request with a token.
pub(crate) fn bearing(mut request: Request<Full<Bytes>>, scheme: &str, token: &str) -> Request<Full<Bytes>> {
    let line = format!("{scheme} {token}").parse().expect("a token has no control characters");
    request.headers_mut().append(header::AUTHORIZATION, line);
    request
}

/// What is compared to tell whether a request has changed anything.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    /// Of each login its status and version, in the order of [`Scene::device_codes`].
    logins: Vec<(String, u64)>,
    /// The ids of alice's sessions.
    sessions: Vec<String>,
}

impl Standing {
    /// Whether a request may have made this of `before`.
    fn may_follow(&self, before: &Self, answer: &Answer, reads: bool, replays: bool) -> bool {
        let is_new = |id: &&String| !before.sessions.contains(id);
        let new_sessions = self.sessions.iter().filter(is_new).count();
        if answer.is_good() && !reads {
            // One at most, and only where it is said.
            let may_begin = [TOKEN, "/v1/phones"].contains(&answer.path.as_str());
            return new_sessions <= usize::from(may_begin);
        }
        // A token that is used again costs its session; nothing else that is refused changes anything.
        let same_sessions = self.sessions == before.sessions || (replays && new_sessions == 0);
        self.logins == before.logins && same_sessions
    }
}

impl House {
    /// A call that must succeed.
    async fn json(&mut self, path: &str, token: &str, body: &serde_json::Value) -> Answer {
        let request = with_body(&Method::POST, path, JSON, body.to_string().into());
        let request = if token.is_empty() { request } else { bearing(request, "Bearer", token) };
        let answer = self.send(request).await;
        assert!(answer.is_good(), "{answer:?}");
        answer
    }

    async fn form(&mut self, path: &str, body: &str) -> Answer {
        let answer = self.send(with_body(&Method::POST, path, FORM, body.to_owned().into())).await;
        assert!(answer.is_good(), "{answer:?}");
        answer
    }

    /// Sends a request, and looks at what has become of the logins and sessions: nothing, unless the answer
    /// says so. `replays`: whether it may be taken for the second use of something.
    pub(crate) async fn attempt(&mut self, request: Request<Full<Bytes>>, replays: bool) -> Answer {
        let before = match self.scene.standing.take() {
            Some(standing) => standing,
            None => self.standing().await,
        };
        let begun_at = self.clock.now();
        let reads = request.method() == Method::GET;
        let may_wait = reads && request.headers().contains_key("prefer");
        let answer = if may_wait { self.send_and_wait(request).await } else { self.send(request).await };
        if self.clock.now() != begun_at {
            // It was waited for, and time changes logins too.
            self.scene.use_up();
            return answer;
        }
        let after = self.standing().await;
        assert!(
            after.may_follow(&before, &answer, reads, replays),
            "{before:?} became {after:?} by {answer:?}"
        );
        if after == before && (reads || !answer.is_good() || answer.path == ISSUE) {
            self.scene.standing = Some(after);
        } else {
            self.scene.use_up();
        }
        answer
    }

    /// How everything stands, as anybody could find out.
    async fn standing(&mut self) -> Standing {
        let mut logins = Vec::new();
        for device_code in self.scene.device_codes.clone() {
            let answer = self.send(bearing(request(&Method::GET, "/v1/login"), "Bearer", &device_code)).await;
            assert!(answer.is_good(), "the server no longer answers: {answer:?}");
            logins.push((answer.text("status"), answer.json()["version"].as_u64().unwrap_or_default()));
        }
        let phone = self.phones[0].clone();
        let answer = self.send(bearing(request(&Method::GET, "/v1/sessions"), "Bearer", &phone)).await;
        assert!(answer.is_good(), "the server no longer answers: {answer:?}");
        let sessions = answer.json()["sessions"].as_array().cloned().unwrap_or_default();
        let id = |session: &serde_json::Value| session["id"].as_str().unwrap_or_default().to_owned();
        let mut sessions: Vec<_> = sessions.iter().map(id).collect();
        sessions.sort_unstable();
        Standing { logins, sessions }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn answer(status: StatusCode, path: &str) -> Answer {
        Answer { path: path.to_owned(), status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// That the comparison can fail: changes that no answer admits.
    #[test]
    fn what_has_changed_without_a_word_is_noticed() {
        let standing = |version, sessions: &[&str]| Standing {
            logins: vec![("unscanned".to_owned(), version)],
            sessions: sessions.iter().map(|&id| id.to_owned()).collect(),
        };
        let before = standing(1, &["phone"]);
        let (scanned, begun, ended) =
            (standing(2, &["phone"]), standing(1, &["phone", "pc"]), standing(1, &[]));
        let (good, bad) = (StatusCode::OK, StatusCode::BAD_REQUEST);
        for (after, status, path, reads, replays, may) in [
            (&before, bad, TOKEN, false, false, true),
            (&scanned, bad, TOKEN, false, false, false),
            (&scanned, good, "/v1/scans", false, false, true),
            (&scanned, good, "/v1/login", true, false, false),
            (&begun, bad, TOKEN, false, true, false),
            (&begun, good, TOKEN, false, false, true),
            (&begun, good, "/v1/scans", false, false, false),
            (&ended, bad, TOKEN, false, false, false),
            (&ended, bad, TOKEN, false, true, true),
        ] {
            let answer = answer(status, path);
            assert_eq!(after.may_follow(&before, &answer, reads, replays), may, "{after:?} {answer:?}");
        }
    }

    #[test]
    fn names_become_values_and_all_else_stays() {
        let filled = fill(b"{\"a\":\"{ct}\"}{c}{ct", &[("{ct}", "ct_x")]);
        assert_eq!(filled, b"{\"a\":\"ct_x\"}{c}{ct");
    }
}
