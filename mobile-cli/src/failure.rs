//! Why a command failed: a line for people, a word for programs, and the exit code.

use serde::Serialize;
use shared::client::ClientError;
use shared::exit::Exit;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// The word for programs.
    code: &'static str,
    /// What is wrong and what to do next, in one line. Nothing that others wrote is in it uncleaned.
    message: String,
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
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), retry_after: None }
    }

    /// The command can't be carried out as it was given.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "bad_usage", message)
    }

    /// A file, a pipe or the terminal fails.
    pub(crate) fn io(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "io", message)
    }

    /// The line on standard error.
    pub(crate) fn line(&self) -> String {
        format!("mobile-cli: {}", self.message)
    }

    /// The object on standard output.
    pub(crate) fn report(&self) -> impl Serialize {
        let error = ReportedError { code: self.code, title: &self.message, retry_after: self.retry_after };
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
        Self { exit: error.exit(), code, message: clause(&error.to_string()), retry_after }
    }
}

/// A sentence as it stands behind a colon: without its capital and its full stop.
fn clause(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut rest = sentence.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use shared::problem::{Problem, ProblemCode};

    use super::*;

    #[test]
    fn every_problem_has_its_line_its_word_and_its_exit_code() {
        let lines = ProblemCode::ALL.iter().map(|code| {
            let problem = Problem { retry_after: Some(7), ..(*code).into() };
            let failure = Failure::from(ClientError::Problem(problem));
            format!("{:?} {} | {}", failure.exit, failure.code, failure.line())
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_report_is_one_object_with_code_and_title() {
        let report = serde_json::to_string(&Failure::usage("no; do this").report()).unwrap();
        assert_eq!(report, r#"{"error":{"code":"bad_usage","title":"no; do this"}}"#);
    }
}
