//! Proofs of possession (RFC 9449): well signed, but for the part that the input changes.

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::header::HeaderValue;
use http::{Method, Request};
use http_body_util::Full;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};
use shared::dpop::{NONCE_HEADER, Proof, SCHEME, token_hash};
use url::Url;

use crate::answer::{Answer, ISSUE};
use crate::choice;
use crate::scene::{FORM, JSON, TOKEN, bearing, fill, redeem};
use crate::stage::{House, on_stage, request, with_body};

/// How far a proof's time may be off, in seconds.
const CLOCK_OFF: f64 = 60.0;
const ME: &str = "/v1/me";

/// A PC that proves a key, and is logged in.
pub(crate) struct Bound {
    keys: Keys,
    access_token: String,
    /// What the server wants to see in a proof that is not of now.
    nonce: String,
}

/// The key of the PC, and two that are somebody else's.
struct Keys {
    own: Ed25519KeyPair,
    other: Ed25519KeyPair,
    p256: EcdsaKeyPair,
}

#[derive(Clone, Copy)]
enum Signer {
    Own,
    Other,
    P256,
}

impl Keys {
    fn new() -> Self {
        let ed25519 = |seed: u8| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let file = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let p256 = EcdsaKeyPair::from_pkcs8(algorithm, file.as_ref(), &random).expect("a key");
        Self { own: ed25519(7), other: ed25519(8), p256 }
    }

    fn header(&self, signer: Signer) -> Value {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let okp = |key: &Ed25519KeyPair| json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())});
        let (algorithm, jwk) = match signer {
            Signer::Own => ("EdDSA", okp(&self.own)),
            Signer::Other => ("EdDSA", okp(&self.other)),
            Signer::P256 => {
                let (x, y) = self.p256.public_key().as_ref()[1..].split_at(32);
                ("ES256", json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}))
            }
        };
        json!({"typ": "dpop+jwt", "alg": algorithm, "jwk": jwk})
    }

    fn sign(&self, signer: Signer, text: &[u8]) -> Vec<u8> {
        match signer {
            Signer::Own => self.own.sign(text).as_ref().to_vec(),
            Signer::Other => self.other.sign(text).as_ref().to_vec(),
            Signer::P256 => {
                self.p256.sign(&SystemRandom::new(), text).expect("a signature").as_ref().to_vec()
            }
        }
    }
}

/// What a proof is asked to prove: a call, and the token that goes along.
struct Call<'a> {
    method: Method,
    url: &'a str,
    token: Option<&'a str>,
    /// By the server's clock, in Unix seconds.
    now: i64,
    /// The nonces that the server has given.
    nonces: &'a [&'a str],
}

impl Call<'_> {
    fn claims(&self, id: &str) -> Value {
        let mut claims = json!({"jti": id, "htm": self.method.as_str(), "htu": self.url, "iat": self.now});
        if let Some(token) = self.token {
            claims["ath"] = token_hash(token).into();
        }
        claims
    }

    /// Whether a proof is good for this call, as somebody else would judge; and the key's first coordinate.
    fn judge(&self, text: &str) -> Option<String> {
        let (key, claims) = signed_claims(text)?;
        let bare = |url: &str| {
            let mut url = Url::parse(url).ok()?;
            url.set_query(None);
            url.set_fragment(None);
            Some(url.to_string())
        };
        let id = claims["jti"].as_str()?;
        let is_for = claims["htm"] == self.method.as_str() && bare(claims["htu"].as_str()?) == bare(self.url);
        let is_with = self.token.is_none_or(|token| claims["ath"] == token_hash(token));
        #[expect(clippy::cast_precision_loss, reason = "the seconds of this century are exact")]
        let off = (claims["iat"].as_f64()?.trunc() - self.now as f64).abs();
        let is_of_now = match &claims["nonce"] {
            Value::Null => off <= CLOCK_OFF,
            nonce => nonce.as_str().is_some_and(|nonce| self.nonces.contains(&nonce)),
        };
        (is_for && is_with && is_of_now && (1..=512).contains(&id.len())).then_some(key)
    }
}

/// The claims of a proof that is signed by the key that it names, and that key's first coordinate.
fn signed_claims(text: &str) -> Option<(String, Value)> {
    let parts: Vec<_> = text.split('.').collect();
    let [header, claims, signature] = parts[..] else { return None };
    let bytes = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let json = |part| serde_json::from_slice::<Value>(&bytes(part)?).ok();
    let (header, signature) = (json(header)?, bytes(signature)?);
    let jwk = &header["jwk"];
    if header["typ"] != "dpop+jwt" || !header["crit"].is_null() || !jwk["d"].is_null() {
        return None;
    }
    let signed = text.rsplit_once('.')?.0.as_bytes();
    let part = |name: &str| jwk[name].as_str().and_then(bytes);
    let kind = [&header["alg"], &jwk["kty"], &jwk["crv"]].map(|word| word.as_str().unwrap_or_default());
    match kind {
        ["EdDSA", "OKP", "Ed25519"] => {
            UnparsedPublicKey::new(&ED25519, part("x")?).verify(signed, &signature).ok()?;
        }
        ["ES256", "EC", "P-256"] => {
            let point = [vec![4], part("x")?, part("y")?].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &signature).ok()?;
        }
        _ => return None,
    }
    Some((jwk["x"].as_str()?.to_owned(), json(claims)?))
}

/// A proof, or what is meant to pass as one.
///
/// The first byte says what of a good proof is replaced by the rest (see `Draft::replace`), the second by which
/// key it is signed, the third for which call: with a token, or to issue a login.
///
/// A proof is taken only if somebody else would take it as well, who reads it anew; each is taken once where it
/// does something; and a good one is taken.
///
/// # Panics
/// When that does not hold.
pub fn dpop_proof(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if Proof::read(&text).is_ok() {
        assert!(signed_claims(&text).is_some(), "nobody signed {text}");
    }
    let Some((&[part, signer, call], rest)) = data.split_first_chunk() else { return };
    on_stage(async |house| {
        let bound = match house.scene.bound.take() {
            Some(bound) => bound,
            None => Bound::log_in(house).await,
        };
        let signer = [Signer::Own, Signer::Other, Signer::P256][choice(signer, 3)];
        let (method, path, token) = match choice(call, 2) {
            0 => (Method::GET, ME, Some(bound.access_token.as_str())),
            _ => (Method::POST, ISSUE, None),
        };
        let (url, now) = (house.url.join(path), house.clock.now().as_second());
        let call = Call { method, url: &url, token, now, nonces: &[&bound.nonce] };
        let (proof, is_whole) = Draft::good(&bound.keys, signer, &call, now).replace(part, rest, &call);
        if let Ok(value) = HeaderValue::from_bytes(&proof) {
            try_proof(
                house,
                &bound,
                &call,
                &value,
                is_whole && (token.is_none() || matches!(signer, Signer::Own)),
            )
            .await;
        }
        house.scene.bound = Some(bound);
    });
}

async fn try_proof(house: &mut House, bound: &Bound, call: &Call<'_>, value: &HeaderValue, is_good: bool) {
    let request = || {
        let mut request = match call.token {
            Some(token) => bearing(request(&call.method, ME), SCHEME, token),
            None => with_body(&call.method, ISSUE, FORM, Bytes::from_static(b"client_id=tests")),
        };
        request.headers_mut().insert(SCHEME_HEADER, value.clone());
        request
    };
    let answer = house.send(request()).await;
    // A header's value is text between the blanks around it.
    let text = value.to_str().unwrap_or_default().trim();
    let judged = call.judge(text);
    let own = bound.keys.header(Signer::Own);
    let is_right = judged.is_some_and(|key| call.token.is_none() || own["jwk"]["x"] == key);
    assert!(!answer.is_good() || is_right, "taken: {text} {answer:?}");
    assert!(answer.is_good() || !is_good, "a good proof is refused: {text} {answer:?}");
    if answer.is_good() && call.token.is_none() {
        let again = house.send(request()).await;
        assert_eq!(again.json()["error"], "invalid_dpop_proof", "taken twice: {text}");
    }
}

/// The name of the header, as names are written in requests.
const SCHEME_HEADER: &str = "dpop";

impl Bound {
    async fn log_in(house: &mut House) -> Self {
        let keys = Keys::new();
        let proof = |house: &House, path: &str, age: i64| {
            let (url, now) = (house.url.join(path), house.clock.now().as_second());
            let call = Call { method: Method::POST, url: &url, token: None, now: now - age, nonces: &[] };
            let (proof, _) = Draft::good(&keys, Signer::Own, &call, now).replace(b'0', b"", &call);
            HeaderValue::from_bytes(&proof).expect("a header's value")
        };
        let stale = proof(house, ISSUE, 3600);
        let asked_back = post(house, ISSUE, "client_id=tests", &stale).await;
        let nonce = asked_back.headers.get(NONCE_HEADER).expect("a nonce").to_str().expect("text").to_owned();
        let first = proof(house, ISSUE, 0);
        let issued = post(house, ISSUE, "client_id=tests", &first).await;
        let url = issued.text("verification_uri_complete");
        let scan = json!({"scan_code": url.rsplit('/').next()});
        let scanned = phone_call(house, "/v1/scans", &scan).await;
        let confirm = json!({"confirm_token": scanned.text("confirm_token")});
        phone_call(house, "/v1/scans/confirm", &confirm).await;
        let second = proof(house, TOKEN, 0);
        let tokens = post(house, TOKEN, &redeem(&issued.text("device_code")), &second).await;
        assert_eq!(tokens.text("token_type"), SCHEME, "{tokens:?}");
        Self { access_token: tokens.text("access_token"), keys, nonce }
    }
}

async fn post(house: &mut House, path: &str, body: &str, proof: &HeaderValue) -> Answer {
    let mut request: Request<Full<Bytes>> = with_body(&Method::POST, path, FORM, body.to_owned().into());
    request.headers_mut().insert(SCHEME_HEADER, proof.clone());
    house.send(request).await
}

async fn phone_call(house: &mut House, path: &str, body: &Value) -> Answer {
    let phone = house.phones[0].clone();
    let request = with_body(&Method::POST, path, JSON, body.to_string().into());
    house.send(bearing(request, "Bearer", &phone)).await
}

/// The parts of a proof before it is signed.
struct Draft<'a> {
    keys: &'a Keys,
    signer: Signer,
    header: Vec<u8>,
    claims: Value,
    /// The id that no other proof has.
    id: String,
}

impl<'a> Draft<'a> {
    fn good(keys: &'a Keys, signer: Signer, call: &Call<'_>, now: i64) -> Self {
        // Within a second of the held clock, the id tells proofs apart.
        thread_local! {
            static NEXT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
        }
        let id = format!("{now}-{}", NEXT.replace(NEXT.get() + 1));
        Self { keys, signer, header: keys.header(signer).to_string().into(), claims: call.claims(&id), id }
    }

    /// The signed proof with one part replaced, and whether it is still whole.
    fn replace(mut self, part: u8, rest: &[u8], call: &Call<'_>) -> (Vec<u8>, bool) {
        let now = call.now.to_string();
        let hash = call.token.map(token_hash).unwrap_or_default();
        let nonce = call.nonces.first().copied().unwrap_or_default();
        let names =
            [("{url}", call.url), ("{now}", &now), ("{ath}", &hash), ("{nonce}", nonce), ("{jti}", &self.id)];
        let filled = fill(rest, &names);
        let text = String::from_utf8_lossy(&filled);
        // A claim is what JSON the text is, or else the text itself.
        let claim: Value = serde_json::from_str(&text).unwrap_or_else(|_| text.clone().into());
        let claims_of = |claims: &Value| claims.to_string().into_bytes();
        match choice(part, 13) {
            0 => (self.signed(&claims_of(&self.claims), None), true),
            1 => {
                self.header.clone_from(&filled);
                (self.signed(&claims_of(&self.claims), None), false)
            }
            2 => (self.signed(&filled, None), false),
            at @ 3..=8 => {
                self.claims[["htm", "htu", "iat", "jti", "ath", "nonce"][at - 3]] = claim;
                (self.signed(&claims_of(&self.claims), None), false)
            }
            9 => (self.signed(&claims_of(&self.claims), Some(&filled)), false),
            // One more member of the header.
            10 => {
                self.header.pop();
                self.header.push(b',');
                self.header.extend_from_slice(&filled);
                self.header.push(b'}');
                (self.signed(&claims_of(&self.claims), None), false)
            }
            // Signed, and changed afterwards: some bytes at some place.
            11 => {
                let mut proof = self.signed(&claims_of(&self.claims), None);
                let Some((&[high, low], bytes)) = filled.split_first_chunk() else { return (proof, true) };
                let at = usize::from(u16::from_be_bytes([high, low])) % proof.len();
                for (byte, change) in proof[at..].iter_mut().zip(bytes) {
                    *byte ^= change;
                }
                (proof, false)
            }
            // All of it.
            _ => (filled, false),
        }
    }

    fn signed(&self, claims: &[u8], signature: Option<&[u8]>) -> Vec<u8> {
        let text = format!("{}.{}", BASE64URL_NOPAD.encode(&self.header), BASE64URL_NOPAD.encode(claims));
        let made = self.keys.sign(self.signer, text.as_bytes());
        format!("{text}.{}", BASE64URL_NOPAD.encode(signature.unwrap_or(&made))).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/oauth/token";

    fn judged(part: u8, rest: &[u8]) -> bool {
        let keys = Keys::new();
        let (method, token, nonces) = (Method::POST, Some("pc_x"), &["n"][..]);
        let call = Call { method, url: URL, token, now: 1_800_000_000, nonces };
        let (proof, _) = Draft::good(&keys, Signer::P256, &call, call.now).replace(part, rest, &call);
        call.judge(&String::from_utf8(proof).unwrap()).is_some()
    }

    /// That the target can fail: its judge takes a good proof, and none that is wrong in one part.
    #[test]
    fn the_judge_takes_good_proofs_only() {
        for (part, rest) in [
            (b'0', &b""[..]),
            (b'2', br#"{"htm":"POST","htu":"{url}?x","iat":{now},"jti":"x","ath":"{ath}"}"#),
            (b'4', b"HTTPS://A.EXAMPLE:443/oauth/token#x"),
            (b'5', b"1800000060.9"),
            (b'6', b"x"),
            (b'8', b"n"),
            (b':', b"\"kid\":1"),
        ] {
            assert!(judged(part, rest), "{} {}", char::from(part), String::from_utf8_lossy(rest));
        }
        for (part, rest) in [
            (b'1', &b"{}"[..]),
            (b'2', b"{}"),
            (b'3', b"GET"),
            (b'4', b"https://b.example/oauth/token"),
            (b'5', b"1800000061"),
            (b'6', b""),
            (b'7', b"x"),
            (b'8', b"m"),
            (b'9', b"x"),
            (b':', b"\"crit\":[]"),
            (b';', b"\0\x20\x01"),
            (b'<', b"a.b.c"),
        ] {
            assert!(!judged(part, rest), "{} {}", char::from(part), String::from_utf8_lossy(rest));
        }
    }
}
