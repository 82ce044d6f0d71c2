//! The question at a terminal.

use std::fmt;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::guard::{Answer, Gate, Subject};
use tokio::sync::Mutex as Turn;

use super::lines::Lines;
use super::prompt;
use crate::text::shown;

/// How much of a wrong answer is shown, in characters.
const SHOWN: usize = 60;

/// Asks the person at a terminal, who must type the environment's name. Anything else, an end of input, and what is no terminal are a no.
///
/// The terminal's own settings are never touched. Dropped while it waits, the gate leaves the question standing; a line that is typed to it
/// later is thrown away before the next question. Two questions at once are asked one after the other.
///
/// ```no_run
/// # async fn example() -> deploy_core::error::Result<()> {
/// use deploy_core::guard::{Gate, Subject};
/// use deploy_verify::approval::Terminal;
///
/// let gate = Terminal::stdio("ann")?;
/// println!("{:?}", gate.ask(&Subject::new("production")).await?);
/// # Ok(())
/// # }
/// ```
pub struct Terminal {
    by: String,
    is_attended: bool,
    /// Held from question to answer.
    lines: Turn<Lines>,
    output: Mutex<Box<dyn Write + Send>>,
}

impl Terminal {
    /// The terminal of this process: the question goes to standard error, the answer comes from standard input. `by` is who sits there.
    ///
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) if no thread can be started.
    pub fn stdio(by: impl Into<String>) -> Result<Self> {
        let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self::new(by, BufReader::new(io::stdin()), io::stderr(), is_terminal)
    }

    /// Any input and output; `is_attended` says whether a person is there.
    ///
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) if no thread can be started.
    pub fn new(
        by: impl Into<String>,
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        is_attended: bool,
    ) -> Result<Self> {
        let lines = Lines::new(input).map_err(|source| {
            Error::new(ErrorKind::Internal, "the terminal cannot be read").source(source)
        })?;
        let output = Mutex::new(Box::new(output) as Box<dyn Write + Send>);
        Ok(Self { by: by.into(), is_attended, lines: Turn::new(lines), output })
    }

    /// Whether a line waits to be thrown away.
    #[cfg(test)]
    pub(super) async fn has_line(&self) -> bool {
        self.lines.lock().await.has_line()
    }

    fn write(&self, text: &str) -> Result<()> {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|source| {
            Error::new(ErrorKind::Unavailable, "the question cannot be shown").during("ask").source(source)
        })
    }
}

#[async_trait]
impl Gate for Terminal {
    fn describe(&self) -> String {
        format!("approved by {} at the terminal", self.by)
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        if !self.is_attended {
            return Ok(Answer::No { why: "nobody can be asked: there is no terminal".into() });
        }
        let mut lines = self.lines.lock().await;
        lines.forget();
        self.write(&prompt::question(subject))?;
        let typed = lines.next().await.map_err(|source| {
            let error =
                Error::new(ErrorKind::Unavailable, "the answer cannot be read").with_retry(Retry::Never);
            error.during("ask").source(source)
        })?;
        let environment = shown(&subject.environment, SHOWN);
        Ok(match typed {
            Some(typed) if prompt::is_yes(&typed, subject) => {
                Answer::Yes { grounds: format!("{} typed \"{environment}\" at the terminal", self.by) }
            }
            Some(typed) if typed.trim().is_empty() => {
                Answer::No { why: format!("{} typed nothing, and not \"{environment}\"", self.by) }
            }
            Some(typed) => {
                let typed = shown(&typed, SHOWN);
                Answer::No { why: format!("{} typed \"{typed}\", and not \"{environment}\"", self.by) }
            }
            None => Answer::No { why: "nobody answered: the input ended".into() },
        })
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
