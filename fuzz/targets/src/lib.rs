//! What is fuzzed: one function per way in from outside, which takes any bytes and says what must hold.
//!
//! ```text
//! fuzz/fuzz_targets/*.rs --.                     .--> texts     what a QR says, what is typed
//!   cargo-fuzz, for long    \                   / --> picture   what a camera sees
//!                            >-- TARGETS ------<----> calls     bodies and headers  --.
//!   the same, for seconds   /                   \ --> proofs    DPoP                   >-- stage: a server,
//! fuzz/targets/tests/ -----'                     '--> frames    what sockets say    --'    and who uses it
//! ```
//!
//! A function returns if all is well, and panics with what is not. Those that need a server have one of their
//! own per thread, on a real socket and with a clock that they hold; see [`TARGETS`] for how inputs are read.

mod answer;
mod calls;
mod frames;
mod picture;
mod proofs;
mod scene;
mod stage;
mod texts;

pub use calls::{form_body, headers, json_body};
pub use frames::socket_frames;
pub use picture::picture;
pub use proofs::dpop_proof;
pub use texts::{qr_text, user_code};

/// A function that any bytes may be given.
pub type Target = fn(&[u8]);

/// All targets by name, which is also the name of their seeds' folder in `fuzz/corpus/`.
///
/// Where a server is needed, `{ct}` and its like in an input stand for the secrets that it has just made: an
/// input can be good, although nobody can know it beforehand.
pub const TARGETS: [(&str, Target); 8] = [
    ("qr_text", qr_text),
    ("user_code", user_code),
    ("form_body", form_body),
    ("json_body", json_body),
    ("headers", headers),
    ("dpop_proof", dpop_proof),
    ("picture", picture),
    ("socket_frames", socket_frames),
];

/// Which of `count` a byte means: digits count from zero, so that seeds can be read and written.
fn choice(byte: u8, count: usize) -> usize {
    usize::from(byte.wrapping_sub(b'0')) % count
}
