//! Where chance comes from: always passed in, never ambient.

/// A source of secret bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` with chance that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator: the only one that makes real secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    /// When the operating system has no randomness to give. A program that
    /// can't make secrets must not go on.
    #[expect(clippy::disallowed_methods, reason = "this is the generator that is passed in")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's random generator answers");
    }
}

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
