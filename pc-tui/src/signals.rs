//! The signals that ask a program to end, or to make room for another for a while.
//!
//! ```text
//! Ctrl-Z --suspend_job--> SIGTSTP to the whole job --+
//!                         SIGTSTP from elsewhere ----+--> Signal::Suspend: the screen is given back --stop-->  …
//!                                                         Signal::Resumed: the screen is taken again  <-- SIGCONT
//! ```
//!
//! Only a screen has to be given back first. Without one, SIGTSTP is left alone and stops the program at once.

use std::io;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To end.
    End,
    /// To stop until somebody wants the program again.
    Suspend,
    /// To go on, after a stop that may have been announced or not.
    Resumed,
}

/// Waits for Ctrl-C, SIGTERM, or the terminal's window being closed, and for those who stop a program with a screen.
#[cfg(unix)]
pub(crate) struct Signals {
    ends: [tokio::signal::unix::Signal; 3],
    /// SIGTSTP and SIGCONT.
    stops: Option<[tokio::signal::unix::Signal; 2]>,
}

#[cfg(unix)]
impl Signals {
    /// From now on the signals come here, instead of killing or stopping the program.
    pub(crate) fn new(has_screen: bool) -> io::Result<Self> {
        use rustix::process::Signal as Number;
        use tokio::signal::unix::{SignalKind, signal};

        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        let stop = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        let stops = if has_screen { Some([stop(Number::TSTP)?, stop(Number::CONT)?]) } else { None };
        Ok(Self { ends: [interrupt?, terminate?, hangup?], stops })
    }

    /// The next of them. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Signal {
        let [interrupt, terminate, hangup] = &mut self.ends;
        let stops = async {
            let Some([suspend, resume]) = &mut self.stops else { return std::future::pending().await };
            tokio::select! {
                _ = suspend.recv() => Signal::Suspend,
                _ = resume.recv() => Signal::Resumed,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => Signal::End,
            _ = terminate.recv() => Signal::End,
            _ = hangup.recv() => Signal::End,
            signal = stops => signal,
        }
    }
}

/// Asks all of this job to stop, this program among them, as a terminal does for Ctrl-Z. Not where no shell would
/// ever continue it: that is where the job is all there is in the terminal.
#[cfg(unix)]
pub(crate) fn suspend_job() -> io::Result<()> {
    use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};

    if getsid(None)? != getpgrp() {
        kill_current_process_group(Signal::TSTP)?;
    }
    Ok(())
}

/// Stops this program, now or in a moment.
#[cfg(unix)]
pub(crate) fn stop() -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};

    Ok(kill_process(getpid(), Signal::STOP)?)
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals(());

#[cfg(not(unix))]
impl Signals {
    /// Nothing to prepare here.
    pub(crate) fn new(_: bool) -> io::Result<Self> {
        Ok(Self(()))
    }

    /// The next one. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
        Signal::End
    }
}

/// There are no jobs here.
#[cfg(not(unix))]
pub(crate) fn suspend_job() -> io::Result<()> {
    Ok(())
}

/// Nothing stops here.
#[cfg(not(unix))]
pub(crate) fn stop() -> io::Result<()> {
    Ok(())
}

impl Signals {
    /// Waits for one that asks to end; those who ask for less stop the program at once.
    pub(crate) async fn end(&mut self) {
        loop {
            match self.next().await {
                Signal::End => return,
                // If it can't be stopped it ends all the sooner.
                Signal::Suspend => _ = stop(),
                Signal::Resumed => {}
            }
        }
    }
}
