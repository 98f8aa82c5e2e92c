//! Runs code that may panic or never end.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

thread_local! {
    /// Whether a panic on this thread is expected and caught, and so none of the user's business.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; `None` if it panics. The panic's message is not printed.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result.ok()
}

/// Where a search puts what it finds, and learns that nobody waits any more.
pub(super) struct Findings {
    texts: Arc<Mutex<Vec<String>>>,
    given_up: Arc<AtomicBool>,
}

impl Findings {
    /// Adds a text, if it is new.
    pub(super) fn add(&self, text: String) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }

    /// Whether the time is over, so that to go on is of no use.
    pub(super) fn are_late(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

/// Does `work` on a thread of its own for at most `limit`: what was found so far, and what the work came to,
/// if it came to its end.
///
/// The thread can't be stopped in the middle of a step. At seven eighths of the time it learns that it is late, so
/// that it may come to an end by itself; after that it ends with the step that it is in, or with the program.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce(&Findings) -> T + Send + 'static,
) -> (Vec<String>, Option<T>) {
    let texts = Arc::new(Mutex::new(Vec::new()));
    let given_up = Arc::new(AtomicBool::new(false));
    let findings = Findings { texts: Arc::clone(&texts), given_up: Arc::clone(&given_up) };
    let (end, ended) = mpsc::channel();
    thread::spawn(move || end.send(work(&findings)));
    let rest = limit / 8;
    let result = ended.recv_timeout(limit.saturating_sub(rest)).ok().or_else(|| {
        given_up.store(true, Ordering::Relaxed);
        ended.recv_timeout(rest).ok()
    });
    let texts = std::mem::take(&mut *texts.lock().unwrap_or_else(PoisonError::into_inner));
    (texts, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_none() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| [1, 2].iter().map(|x| 1 / (x - 1)).sum::<i32>()), None);
        assert!(!QUIET.get());
    }

    #[test]
    fn work_that_is_late_is_left_and_learns_of_it() {
        let (go_on, wait) = mpsc::channel::<()>();
        let (say, said) = mpsc::channel();
        let (texts, result) = within(Duration::from_millis(1), move |findings| {
            _ = wait.recv();
            say.send(findings.are_late()).unwrap();
        });
        assert_eq!((texts, result), (vec![], None));
        drop(go_on);
        assert_eq!(said.recv(), Ok(true));
    }

    #[test]
    fn work_that_ends_is_not_waited_for() {
        let (texts, result) = within(Duration::MAX, |findings| {
            for text in ["one", "two", "one"] {
                findings.add(text.to_owned());
            }
            findings.are_late()
        });
        assert_eq!((texts, result), (vec!["one".to_owned(), "two".to_owned()], Some(false)));
    }
}
