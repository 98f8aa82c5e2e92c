//! The log: to standard error, for people or for programs, and never with a secret in it.

use std::fmt;

use clap::ValueEnum;
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Human,
    /// A JSON object a line.
    Json,
}

/// Begins to log. A second call changes nothing.
pub fn start(format: LogFormat, level: LevelFilter) {
    let registry = tracing_subscriber::registry().with(level);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Human => {
            registry.with(layer.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))).try_init()
        }
        LogFormat::Json => registry.with(layer.event_format(JsonLines)).try_init(),
    };
    // A test may have started one already; that one goes on.
    drop(started);
}

/// An event as an object: `time` in milliseconds since 1970, `level`, `target`, and the event's own fields. Two of these
/// come of each login, so they say no more, and in fewer bytes, than what comes with the library.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "a log has the system's own time")]
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (time, about) = (Timestamp::now().as_millisecond(), event.metadata());
        write!(line, r#"{{"time":{time},"level":"{}","target":"{}""#, about.level(), about.target())?;
        let mut fields = Fields { line: &mut line, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        line.write_str("}\n")
    }
}

/// Writes fields, until that fails.
struct Fields<'a, 'w> {
    line: &'a mut Writer<'w>,
    written: fmt::Result,
}

impl Fields<'_, '_> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = write!(self.line, r#","{}":"#, field.name()).and_then(|()| write(self.line));
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |line| write!(line, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = serde_json::to_string(value).map_err(|_| fmt::Error);
        self.field(field, |line| line.write_str(&text?));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_whatever_is_in_it() {
        let log = Log::default();
        let writer = log.clone();
        let layer =
            tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).event_format(JsonLines);
        let text = "\"q\" \\ \n\u{1b}[31m 扫码 \u{7f}";
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let none: Option<u64> = None;
            tracing::warn!(target: "audit", text, shown = %text, count = 7_u64, left = -1, yes = true, none, "it\n{}", text);
        });
        let written = log.0.lock().unwrap().clone();
        let line = std::str::from_utf8(&written).unwrap().strip_suffix('\n').unwrap();
        assert!(!line.contains(char::is_control) || line.contains('\u{7f}'), "{line}");
        let mut said: Value = serde_json::from_str(line).unwrap();
        assert!(said["time"].take().is_number());
        let expected = json!({
            "time": null, "level": "WARN", "target": "audit", "message": format!("it\n{text}"), "text": text,
            "shown": text, "count": 7, "left": -1, "yes": true
        });
        assert_eq!(said, expected);
    }
}
