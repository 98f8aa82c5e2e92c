//! Codes that could be guessed from other codes.

use std::collections::HashSet;

use shared::code::{ScanCode, UserCode};
use shared::id::LoginId;
use shared::random::OsRandom;
use shared::secret::{
    ClientSecret, ConfirmToken, DeviceCode, PcToken, PhoneToken, RefreshToken, Token, TokenKind,
};

const MANY: u32 = 1_000_000;
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How often each character came at each position.
struct Counts<const LEN: usize> {
    alphabet: &'static [u8],
    counts: Box<[[u32; 256]; LEN]>,
}

impl<const LEN: usize> Counts<LEN> {
    fn of(alphabet: &'static [u8]) -> Self {
        Self { alphabet, counts: Box::new([[0; 256]; LEN]) }
    }

    fn add(&mut self, code: &[u8; LEN]) {
        for (count, c) in self.counts.iter_mut().zip(code) {
            count[usize::from(*c)] += 1;
        }
    }

    /// Chi-square per position, against a bound that an even generator passes but once in a billion.
    fn assert_even(&self) {
        let letters = f64::from(u8::try_from(self.alphabet.len()).unwrap());
        let (expected, freedom) = (f64::from(MANY) / letters, letters - 1.0);
        // Wilson and Hilferty, at z = 6.36: one in ten billion for each of at most 26 positions, over two
        // kinds of code.
        let spread = 2.0 / (9.0 * freedom);
        let bound = freedom * (1.0 - spread + 6.36 * spread.sqrt()).powi(3);
        for (position, counts) in self.counts.iter().enumerate() {
            let known = self.alphabet.iter().map(|c| counts[usize::from(*c)]);
            assert_eq!(known.clone().sum::<u32>(), MANY, "another alphabet at {position}");
            let chi_square: f64 = known.map(|count| (f64::from(count) - expected).powi(2) / expected).sum();
            assert!(chi_square < bound, "{chi_square} at {position}, over {bound}");
        }
    }
}

/// How often a code is above the one before it: half the time, within seven standard deviations.
fn assert_unordered(ups: u32) {
    let off = f64::from(ups) - f64::from(MANY - 1) / 2.0;
    // The runs of a random sequence have a variance of (n + 1) / 12.
    assert!(off.abs() < 7.0 * (f64::from(MANY) / 12.0).sqrt(), "{ups} of {MANY} are above the one before");
}

#[test]
fn guess_a_scan_code_from_a_million_others() {
    let (mut counts, mut seen) = (Counts::<26>::of(CROCKFORD), HashSet::with_capacity(MANY as usize));
    let (mut ups, mut last) = (0, [0; 26]);
    for _ in 0..MANY {
        // As a login is issued, with a moment that stands still.
        let id = LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom);
        let code = ScanCode::generate(id.tag(), &OsRandom);
        let code: [u8; 26] = code.as_str().as_bytes().try_into().unwrap();
        counts.add(&code);
        ups += u32::from(code > last);
        last = code;
        assert!(seen.insert(code), "a code came twice");
    }
    counts.assert_even();
    assert_unordered(ups);
}

#[test]
fn guess_a_user_code_from_a_million_others() {
    let (mut counts, mut seen) = (Counts::<8>::of(LETTERS), HashSet::with_capacity(MANY as usize));
    let (mut ups, mut last, mut twice) = (0, [0; 8], 0);
    for _ in 0..MANY {
        let code: [u8; 8] =
            UserCode::generate(&OsRandom).dashed().replace('-', "").as_bytes().try_into().unwrap();
        counts.add(&code);
        ups += u32::from(code > last);
        last = code;
        twice += u32::from(!seen.insert(code));
    }
    counts.assert_even();
    assert_unordered(ups);
    // Of a million out of 20^8, about 19.5 meet by chance: more than 60 do so once in 10^13.
    assert!(twice < 60, "{twice} codes came twice");
}

#[test]
fn guess_a_token() {
    fn check<K: TokenKind>(prefix: &str) {
        let (mut seen, mut alphabet) = (HashSet::new(), HashSet::new());
        for _ in 0..10_000 {
            let tag = LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom).tag();
            let token = Token::<K>::generate(tag, &OsRandom);
            let rest = token.expose().strip_prefix(prefix).unwrap().to_owned();
            // A tag of two characters, and 256 bits of base64url.
            assert_eq!(rest.len(), 2 + 43);
            assert!(rest.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
            alphabet.extend(rest.bytes().skip(2));
            assert!(seen.insert(rest[2..].to_owned()), "a token came twice");
        }
        assert_eq!(alphabet.len(), 64);
    }
    check::<DeviceCode>("dc_");
    check::<ConfirmToken>("ct_");
    check::<PhoneToken>("ph_");
    check::<PcToken>("pc_");
    check::<RefreshToken>("rt_");
    check::<ClientSecret>("cs_");
}
