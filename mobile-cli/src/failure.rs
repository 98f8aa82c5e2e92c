//! Why a command failed: a line for people, a word for programs, and the exit code.

use serde::Serialize;
use shared::client::ClientError;
use shared::exit::Exit;
use shared::lang::Lang;
use shared::words::{Text, said_by};

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// The word for programs.
    code: &'static str,
    /// What is wrong and what to do next, in one line. Nothing that others wrote is in it uncleaned.
    message: Text,
    /// The seconds that the server asked to wait.
    retry_after: Option<u64>,
}

/// A failure as `--json` prints it.
#[derive(Serialize)]
struct Report<'a> {
    error: ReportedError<'a>,
}

#[derive(Serialize)]
struct ReportedError<'a> {
    code: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: Text) -> Self {
        Self { exit, code, message, retry_after: None }
    }

    /// The command can't be carried out as it was given.
    pub(crate) fn usage(message: Text) -> Self {
        Self::new(Exit::Usage, "bad_usage", message)
    }

    /// A file, a pipe or the terminal fails.
    pub(crate) fn io(message: Text) -> Self {
        Self::new(Exit::Failed, "io", message)
    }

    /// The line on standard error.
    pub(crate) fn line(&self, lang: Lang) -> String {
        said_by(env!("CARGO_BIN_NAME"), self.message.of(lang), lang)
    }

    /// The object on standard output. Programs read it, so it is in English for everybody.
    pub(crate) fn report(&self) -> impl Serialize {
        let error = ReportedError {
            code: self.code,
            title: self.message.of(Lang::English),
            retry_after: self.retry_after,
        };
        Report { error }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let code = match &error {
            ClientError::Unreachable(_) => "unreachable",
            ClientError::Problem(problem) => problem.code.as_str(),
            ClientError::Oauth { error, .. } => error.error.as_str(),
            ClientError::Unexpected(_) => "unexpected_answer",
        };
        let retry_after = error.retry_after_secs();
        Self { exit: error.exit(), code, message: error.text().map(clause), retry_after }
    }
}

/// A sentence as it stands behind a colon: without its capital and its full stop.
fn clause(_: Lang, sentence: &str) -> String {
    let sentence = sentence.trim_end_matches(['.', '。']);
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use shared::problem::{Problem, ProblemCode};

    use super::*;

    #[test]
    fn every_problem_has_its_line_its_word_and_its_exit_code() {
        for lang in Lang::ALL {
            let lines = ProblemCode::ALL.iter().map(|code| {
                let problem = Problem { retry_after: Some(7), ..(*code).into() };
                let failure = Failure::from(ClientError::Problem(problem));
                format!("{:?} {} | {}", failure.exit, failure.code, failure.line(lang))
            });
            let lines = lines.collect::<Vec<_>>().join("\n");
            insta::assert_snapshot!(format!("every_problem.{}", lang.tag()), lines);
        }
    }

    #[test]
    fn a_report_is_one_object_with_code_and_title() {
        let report = serde_json::to_string(
            &Failure::usage(Text::new("no; do this".to_owned(), "不行".to_owned())).report(),
        )
        .unwrap();
        assert_eq!(report, r#"{"error":{"code":"bad_usage","title":"no; do this"}}"#);
    }
}
