//! Why the program can't go on, and the exit code that says so.

use shared::client::ClientError;
use shared::exit::Exit;
use shared::lang::Lang;
use shared::words::Text;

use crate::keep::KeepError;

/// Why the program can't go on.
pub(crate) struct Failure {
    /// What to say.
    pub(crate) why: Text,
    /// With what to end.
    pub(crate) exit: Exit,
}

impl Failure {
    /// Why, and the exit code.
    pub(crate) fn new(why: Text, exit: Exit) -> Self {
        Self { why, exit }
    }

    /// The same, and in this language whatever is asked for later.
    pub(crate) fn in_language(self, lang: Lang) -> Self {
        Self { why: Text::verbatim(self.why.of(lang)), ..self }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.text(), error.exit())
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        Self::new(error.text(), Exit::Failed)
    }
}
