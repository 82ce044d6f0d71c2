//! Lines that a person types, read so that nothing hangs on them.

use std::io::{self, BufRead, Read as _};
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1024;

/// Lines, read by a thread of their own: a read from a terminal cannot be broken off, and must keep neither a future nor a runtime.
pub(super) struct Lines {
    wanted: Sender<()>,
    read: UnboundedReceiver<io::Result<Option<String>>>,
    /// The thread waits for a line that was asked for already.
    is_waiting: bool,
}

impl Lines {
    pub(super) fn new(input: impl BufRead + Send + 'static) -> io::Result<Self> {
        let (wanted, asked) = channel();
        let (told, read) = unbounded_channel();
        std::thread::Builder::new().name("terminal".into()).spawn(move || serve(input, &asked, &told))?;
        Ok(Self { wanted, read, is_waiting: false })
    }

    /// Throws away what was typed since a question that nobody waits for any more.
    pub(super) fn forget(&mut self) {
        if self.read.try_recv().is_ok() {
            self.is_waiting = false;
        }
    }

    #[cfg(test)]
    pub(super) fn has_line(&self) -> bool {
        !self.read.is_empty()
    }

    /// The next line; `None` at the end. Dropped, it takes the line after the next question for its own.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        if !self.is_waiting {
            // A thread that is gone has told why.
            let _ = self.wanted.send(());
            self.is_waiting = true;
        }
        let line = self.read.recv().await;
        self.is_waiting = false;
        line.unwrap_or(Ok(None))
    }
}

/// Reads a line each time that one is wanted, and nothing in between.
fn serve(mut input: impl BufRead, asked: &Receiver<()>, told: &UnboundedSender<io::Result<Option<String>>>) {
    while asked.recv().is_ok() {
        let line = one(&mut input);
        let is_last = !matches!(line, Ok(Some(_)));
        if told.send(line).is_err() || is_last {
            return;
        }
    }
}

fn one(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    // Longer than any name: what is left of it is no answer to another question.
    if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}
