//! A check that is repeated until it passes, or the time is over.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::clock::{Clock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::{Answer, Check, Subject};

/// The pause between two tries where nothing else is said.
const USUAL_PAUSE: Duration = Duration::from_secs(2);

/// A check that is repeated within a time until it passes: what was just deployed needs a moment.
///
/// A no and an error are tried again, but for an error that no later try can change (wrong input, what is not offered, a cancellation). When
/// the time is over, the last answer is the answer, and a try that hangs then is dropped.
#[derive(Clone)]
pub struct Within {
    check: Arc<dyn Check>,
    window: Duration,
    pause: Duration,
    successes: u32,
    clock: Arc<dyn Clock>,
}

impl Within {
    /// `check`, tried for as long as `window`; at least once.
    pub fn new(check: Arc<dyn Check>, window: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { check, window, pause: USUAL_PAUSE, successes: 1, clock }
    }

    /// The pause between two tries. Default 2 s; at least 1 ms.
    #[must_use]
    pub fn every(mut self, pause: Duration) -> Self {
        self.pause = pause.max(Duration::from_millis(1));
        self
    }

    /// It must pass so often in a row. Default once.
    #[must_use]
    pub fn successes(mut self, times: u32) -> Self {
        self.successes = times.max(1);
        self
    }

    /// One try; `None` if it was still under way when the time was over.
    async fn attempt(&self, subject: &Subject, deadline: Timestamp) -> Option<Result<Answer>> {
        // In this order: an answer at the deadline counts.
        match select(self.check.check(subject), self.clock.sleep_until(deadline)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(((), attempt)) => attempt.now_or_never(),
        }
    }
}

#[async_trait]
impl Check for Within {
    fn describe(&self) -> String {
        format!("{} within {}", self.check.describe(), told(self.window))
    }

    async fn check(&self, subject: &Subject) -> Result<Answer> {
        let start = self.clock.now();
        let deadline = start + self.window;
        let (mut tries, mut row, mut last) = (0_u32, 0_u32, None);
        loop {
            let Some(answer) = self.attempt(subject, deadline).await else { break };
            tries += 1;
            match answer {
                Ok(Answer::Yes { grounds }) => {
                    row += 1;
                    if row >= self.successes {
                        let took = told(self.clock.now().since(start));
                        return Ok(Answer::Yes { grounds: passed(&grounds, tries, row, &took) });
                    }
                    let why = format!("passed {row} times in a row, not {}: {grounds}", self.successes);
                    last = Some(Ok(why));
                }
                Ok(Answer::No { why }) => {
                    row = 0;
                    last = Some(Ok(why));
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    row = 0;
                    last = Some(Err(error));
                }
            }
            let next = self.clock.now() + self.pause;
            if next > deadline {
                break;
            }
            self.clock.sleep_until(next).await;
        }
        let times = if tries == 1 { "1 try" } else { &format!("{tries} tries") };
        let took = told(self.clock.now().since(start));
        match last {
            Some(Ok(why)) => Ok(Answer::No { why: format!("after {times} in {took}: {why}") }),
            Some(Err(error)) => Err(again(&error, times, &took)),
            None => Err(Error::new(ErrorKind::Timeout, format!("it did not answer within {took}"))),
        }
    }
}

fn passed(grounds: &str, tries: u32, row: u32, took: &str) -> String {
    match (tries, row) {
        (1, _) => grounds.to_owned(),
        (_, 1) => format!("{grounds} (at try {tries}, after {took})"),
        _ => format!("{grounds} ({row} times in a row, after {took})"),
    }
}

/// The error of the last try, with how often it was tried.
fn again(error: &Error, times: &str, took: &str) -> Error {
    let told = Error::new(error.kind(), format!("after {times} in {took}: {}", error.message()));
    let told = match error.object() {
        Some(object) => told.on(object),
        None => told,
    };
    let told = match error.advice() {
        Some(help) => told.help(help),
        None => told,
    };
    match std::error::Error::source(error) {
        Some(source) => told.source(source.to_string()),
        None => told,
    }
}

/// Whether no later try can come out otherwise.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Cancelled)
}

fn told(duration: Duration) -> String {
    format!("{} s", (duration.as_secs_f64() * 10.0).round() / 10.0)
}

impl fmt::Debug for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
