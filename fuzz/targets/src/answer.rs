//! What holds of every answer, whatever was asked.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use shared::problem::{OTHER_ADDRESS, OauthCode, OauthError, Problem, ProblemCode};

/// The most that an answer may have, in bytes: a hundred notifications have less.
const MAX_BODY: usize = 64 * 1024;
/// Where logins are issued, which alone may say 429 below `/oauth/`.
pub(crate) const ISSUE: &str = "/oauth/device_authorization";

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What was asked, without its query.
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A member of a JSON body that is a text; empty if there is none.
    pub(crate) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn is_good(&self) -> bool {
        self.status.is_success() || self.status == StatusCode::SWITCHING_PROTOCOLS
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// It is no fault of the server's, no cache keeps it, it is bounded; a refusal is in its plane's own format
    /// and says nothing but what its code says, so that nothing of the request is in it.
    pub(crate) fn check(&self) {
        let status = self.status.as_u16();
        assert!(status < 500, "the server's fault: {self:?}");
        assert_eq!(self.header(header::CACHE_CONTROL), "no-store", "{self:?}");
        assert_eq!(self.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{self:?}");
        assert!(self.body.len() <= MAX_BODY, "{} bytes from {}", self.body.len(), self.path);
        let bare = matches!(status, 101 | 204 | 304);
        assert!(!bare || self.body.is_empty(), "{self:?}");
        if status < 400 {
            return;
        }
        assert_eq!(status == 401, self.headers.contains_key(header::WWW_AUTHENTICATE), "{self:?}");
        assert_eq!(status == 429, self.headers.contains_key(header::RETRY_AFTER), "{self:?}");
        assert_eq!(status == 405, self.headers.contains_key(header::ALLOW), "{self:?}");
        if self.path.starts_with("/oauth/") { self.check_oauth() } else { self.check_problem() }
    }

    fn check_oauth(&self) {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/json", "{self:?}");
        assert!(self.status != StatusCode::TOO_MANY_REQUESTS || self.path == ISSUE, "{self:?}");
        let said: OauthError = serde_json::from_slice(&self.body).expect("an OAuth error");
        let mut words = OauthError::from(said.error);
        (words.status, words.tries_left) = (said.status, said.tries_left);
        if said.tries_left.is_some() {
            words.error_description.clone_from(&said.error_description);
        }
        if is_other_address(said.error == OauthCode::InvalidDpopProof, said.error_description.as_deref()) {
            words.error_description = Some(OTHER_ADDRESS.into());
        }
        self.check_words(&serde_json::to_value(words));
    }

    fn check_problem(&self) {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{self:?}");
        let said: Problem = serde_json::from_slice(&self.body).expect("problem details");
        assert_eq!(said.status, self.status.as_u16(), "{self:?}");
        let mut words = Problem::from(said.code);
        (words.retry_after, words.login_status) = (said.retry_after, said.login_status);
        words.check_code = said.check_code;
        if is_other_address(said.code == ProblemCode::InvalidDpopProof, said.detail.as_deref()) {
            words.detail = Some(OTHER_ADDRESS.into());
        }
        self.check_words(&serde_json::to_value(words));
    }

    fn check_words(&self, words: &serde_json::Result<Value>) {
        let words = words.as_ref().expect("words");
        assert_eq!(&self.json(), words, "more than its code says: {self:?}");
    }
}

/// The one thing more that is ever said of a bad proof, in words that are always the same.
fn is_other_address(of_proof: bool, said: Option<&str>) -> bool {
    of_proof && said == Some(OTHER_ADDRESS)
}

/// That the checks can fail: answers with one flaw each.
#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: ProblemCode) -> Answer {
        let mut answer = Answer {
            path: "/v1/scans".to_owned(),
            status: StatusCode::from_u16(code.status()).unwrap(),
            headers: HeaderMap::new(),
            body: serde_json::to_vec(&Problem::from(code)).unwrap().into(),
        };
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_TYPE, "application/problem+json"),
        ] {
            answer.headers.insert(name, value.parse().unwrap());
        }
        answer
    }

    #[test]
    fn a_good_answer_passes() {
        problem(ProblemCode::CodeNotFound).check();
    }

    #[test]
    #[should_panic(expected = "the server's fault")]
    fn a_fault_of_the_server_is_noticed() {
        problem(ProblemCode::Unavailable).check();
    }

    #[test]
    #[should_panic(expected = "no-store")]
    fn an_answer_for_caches_is_noticed() {
        let mut answer = problem(ProblemCode::CodeNotFound);
        answer.headers.remove(header::CACHE_CONTROL);
        answer.check();
    }

    #[test]
    #[should_panic(expected = "more than its code says")]
    fn an_error_that_repeats_its_input_is_noticed() {
        let mut answer = problem(ProblemCode::CodeNotFound);
        let mut body = answer.json();
        body["detail"] = "no code WDJB-MJHT".into();
        answer.body = body.to_string().into();
        answer.check();
    }

    #[test]
    #[should_panic(expected = "application/json")]
    fn an_error_in_the_other_planes_format_is_noticed() {
        let mut answer = problem(ProblemCode::BadRequest);
        answer.path = "/oauth/token".to_owned();
        answer.check();
    }

    #[test]
    #[should_panic(expected = "429")]
    fn a_429_for_a_stock_client_is_noticed() {
        let mut answer = problem(ProblemCode::RateLimited);
        answer.path = "/oauth/token".to_owned();
        answer.headers.insert(header::RETRY_AFTER, "1".parse().unwrap());
        answer.headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        answer.body = serde_json::to_vec(&OauthError::from(OauthCode::SlowDown)).unwrap().into();
        answer.check();
    }
}
