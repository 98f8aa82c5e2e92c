//! Why the program can't go on, and the exit code that says so.

use shared::client::ClientError;
use shared::exit::Exit;
use shared::lang::Lang;
use shared::words::{Text, said_by};

use crate::keep::KeepError;

/// Why the program can't go on.
pub(crate) struct Failure {
    /// What to say.
    pub(crate) why: Text,
    /// With what to end.
    pub(crate) exit: Exit,
    /// What to say it in, if that is settled.
    lang: Option<Lang>,
}

impl Failure {
    /// Why, and the exit code.
    pub(crate) fn new(why: Text, exit: Exit) -> Self {
        Self { why, exit, lang: None }
    }

    /// The same, and in this language whatever is asked for later.
    pub(crate) fn in_language(self, lang: Lang) -> Self {
        Self { lang: Some(lang), ..self }
    }

    /// The line on standard error, in this language unless another is settled.
    pub(crate) fn line(&self, lang: Lang) -> String {
        let lang = self.lang.unwrap_or(lang);
        said_by(env!("CARGO_BIN_NAME"), self.why.of(lang), lang)
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
