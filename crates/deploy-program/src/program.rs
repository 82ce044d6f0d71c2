//! A program, and what it came to.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::output;

/// The most bytes that a program may write to its standard output, where nothing else is said: 64 MiB.
pub const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// A program to be run. Its standard input is empty, unless it is given one.
///
/// `Debug` shows neither its environment nor its input.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    /// What errors call it, if not by its path.
    name: Option<String>,
    folder: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    hidden: &'static [&'static str],
    inherits: bool,
    input: Vec<u8>,
    most: usize,
    /// Of what is over `most`, the beginning is thrown away.
    keeps_end: bool,
    timeout: Option<Duration>,
    install: Option<String>,
}

/// What a program came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// The code that it ended with.
    pub code: i32,
    /// What it wrote to its standard output.
    pub out: Vec<u8>,
    /// The end of what it wrote to its standard error, up to 64 KiB.
    pub told: String,
}

impl Ran {
    /// Whether it ended with the code 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

impl Program {
    /// A name that is looked up in `PATH`, or a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: None,
            folder: None,
            environment: Vec::new(),
            hidden: &[],
            inherits: true,
            input: Vec::new(),
            most: MAX_OUTPUT,
            keeps_end: false,
            timeout: None,
            install: None,
        }
    }

    /// What errors call it. Default: its path.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The folder that it runs in; its own path must not be relative then. Default: the caller's.
    #[must_use]
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Sets a variable of its environment, which is the caller's otherwise.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Variables of the caller's environment that it must not see.
    #[must_use]
    pub fn hide(self, variables: &'static [&'static str]) -> Self {
        Self { hidden: variables, ..self }
    }

    /// Its environment is what it is given by [`Program::variable`] alone, `PATH` too: without that one, give it by its path.
    #[must_use]
    pub fn only_given_variables(self) -> Self {
        Self { inherits: false, ..self }
    }

    /// What it reads from its standard input.
    #[must_use]
    pub fn input(self, input: impl Into<Vec<u8>>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// The most bytes that it may write to its standard output. Default: [`MAX_OUTPUT`].
    #[must_use]
    pub fn at_most(self, bytes: usize) -> Self {
        Self { most: bytes, ..self }
    }

    /// Keeps the end of what it writes to its standard output, as much as it may write, instead of failing where that is more.
    #[must_use]
    pub fn keep_end(self) -> Self {
        Self { keeps_end: true, ..self }
    }

    /// How long a run may take, on tokio's clock. Default: as long as it does.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// How to get it, for the error where it cannot be started.
    #[must_use]
    pub fn install(self, help: impl Into<String>) -> Self {
        Self { install: Some(help.into()), ..self }
    }

    /// Runs it to its end, which may be a failure. Dropped, it is killed.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not there; [`InvalidInput`](ErrorKind::InvalidInput) if it cannot be started or prints
    /// too much; [`Timeout`](ErrorKind::Timeout); [`Cancelled`](ErrorKind::Cancelled) and [`Unavailable`](ErrorKind::Unavailable) if a signal
    /// ended it. None of them shows an argument, a variable or the input.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ran> {
        let mut child = self.start(arguments)?;
        let ran = match self.timeout {
            None => self.talk(&mut child).await,
            Some(timeout) => {
                tokio::time::timeout(timeout, self.talk(&mut child)).await.unwrap_or_else(|_| {
                    let message = format!("it is not done after {} s", timeout.as_secs_f32());
                    Err(self.error(ErrorKind::Timeout, message))
                })
            }
        };
        if ran.is_err() {
            // Here and not by dropping it, so that it is gone when the error is returned; one that has ended is fine.
            let _ = child.kill().await;
        }
        ran
    }

    /// An error about this program.
    pub fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        let error = Error::new(kind, message);
        match &self.name {
            Some(name) => error.on(name),
            None => error.on(self.path.display()),
        }
    }

    fn start<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Child> {
        let mut command = Command::new(&self.path);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if !self.inherits {
            command.env_clear();
        }
        self.hidden.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        let stdin = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.not_started(&error))
    }

    async fn talk(&self, child: &mut Child) -> Result<Ran> {
        let stdin = child.stdin.take();
        let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(self.error(ErrorKind::Internal, "it was started without its output"));
        };
        let ((), out, told) = tokio::try_join!(self.feed(stdin), self.output(&mut stdout), async {
            output::end(&mut stderr, output::KEPT).await.map_err(|error| self.unreadable(error))
        })?;
        let status = child.wait().await.map_err(|error| self.unreadable(error))?;
        let code = self.code(status)?;
        Ok(Ran { code, out, told: String::from_utf8_lossy(&told).into_owned() })
    }

    /// A program need not read its input.
    async fn feed(&self, stdin: Option<ChildStdin>) -> Result<()> {
        let Some(mut stdin) = stdin else { return Ok(()) };
        match stdin.write_all(&self.input).await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(self.error(ErrorKind::Internal, "it cannot be given its input").source(error))
            }
            _ => Ok(()),
        }
    }

    async fn output(&self, stdout: &mut ChildStdout) -> Result<Vec<u8>> {
        if self.keeps_end {
            return output::end(stdout, self.most).await.map_err(|error| self.unreadable(error));
        }
        let out = output::whole(stdout, self.most).await.map_err(|error| self.unreadable(error))?;
        out.ok_or_else(|| {
            let limit = output::shown(self.most);
            self.error(ErrorKind::InvalidInput, format!("it printed more than {limit}"))
        })
    }

    fn not_started(&self, error: &io::Error) -> Error {
        let (kind, message) = match error.kind() {
            io::ErrorKind::NotFound if is_looked_up(&self.path) => {
                (ErrorKind::NotFound, "it is not installed, or not in PATH".to_owned())
            }
            io::ErrorKind::NotFound => (ErrorKind::NotFound, format!("it cannot be started: {error}")),
            _ => (ErrorKind::InvalidInput, format!("it cannot be started: {error}")),
        };
        let error = self.error(kind, message);
        match &self.install {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// A program that a signal ended failed for no reason of its own.
    fn code(&self, status: ExitStatus) -> Result<i32> {
        if let Some(code) = status.code() {
            return Ok(code);
        }
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal = None::<i32>;
        // Ctrl-C reaches every program of a terminal.
        let (kind, why) = match signal {
            Some(2) => (ErrorKind::Cancelled, "it was interrupted".to_owned()),
            Some(signal) => (ErrorKind::Unavailable, format!("it was killed by signal {signal}")),
            None => (ErrorKind::Internal, "it ended without a code".to_owned()),
        };
        Err(self.error(kind, why))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        self.error(ErrorKind::Internal, "what it prints cannot be read").source(error)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, folder, timeout, .. } = self;
        f.debug_struct("Program")
            .field("path", path)
            .field("folder", folder)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// As a shell does it: what is a name alone.
fn is_looked_up(path: &Path) -> bool {
    path.components().count() == 1
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn shell(script: &str) -> (Program, [String; 2]) {
        (Program::new("sh"), ["-c".to_owned(), script.to_owned()])
    }

    async fn refused(program: Program, arguments: &[String], kind: ErrorKind, expect: &str) {
        let error = program.run(arguments).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (kind, expect.to_owned()));
    }

    #[tokio::test]
    async fn says_what_it_printed_and_with_which_code_it_ended() {
        let (program, arguments) = shell("echo out; echo told >&2; exit 3");
        let ran = program.run(&arguments).await.unwrap();
        assert_eq!((ran.code, &*ran.out, &*ran.told), (3, &b"out\n"[..], "told\n"));
        assert!(!ran.success());
    }

    #[tokio::test]
    async fn sees_no_variable_that_is_hidden_and_those_it_is_given() {
        // Cargo sets both for a test.
        let program = Program::new("env").folder("/").hide(&["CARGO_MANIFEST_DIR"]).variable("GIVEN", "x y");
        let ran = program.run::<&str>(&[]).await.unwrap();
        let out = String::from_utf8_lossy(&ran.out);
        assert!(out.contains("CARGO_PKG_NAME=") && !out.contains("CARGO_MANIFEST_DIR="), "{out}");
        assert!(out.lines().any(|line| line == "GIVEN=x y"), "{out}");
    }

    #[tokio::test]
    async fn sees_what_it_is_given_alone() {
        let program = Program::new("/usr/bin/env").only_given_variables().variable("GIVEN", "x y");
        assert_eq!(program.run::<&str>(&[]).await.unwrap().out, b"GIVEN=x y\n");
    }

    #[tokio::test]
    async fn the_end_of_much_output_is_kept() {
        let (program, arguments) = shell("seq 1000000; echo the end");
        let ran = program.at_most(16).keep_end().run(&arguments).await.unwrap();
        assert_eq!(ran.out, b"1000000\nthe end\n");
    }

    #[tokio::test]
    async fn reads_its_input_whole_or_not_at_all() {
        let input = vec![b'x'; 1024 * 1024];
        let ran = Program::new("wc").input(input.clone()).run(&["-c"]).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.out).trim(), "1048576");
        let ran = Program::new("true").input(input).run::<&str>(&[]).await.unwrap();
        assert!(ran.success());
        let ran = Program::new("cat").run::<&str>(&[]).await.unwrap();
        assert_eq!(ran.out, b"");
    }

    #[tokio::test]
    async fn is_bounded() {
        let (program, arguments) = shell("exec yes");
        let expect = "sh: it printed more than 1 MiB";
        refused(program.at_most(1024 * 1024), &arguments, ErrorKind::InvalidInput, expect).await;
        let (program, arguments) = shell("exec sleep 600");
        let begun = Instant::now();
        let expect = "sh: it is not done after 0.1 s";
        refused(program.timeout(Duration::from_millis(100)), &arguments, ErrorKind::Timeout, expect).await;
        assert!(begun.elapsed() < Duration::from_secs(300), "it was waited for");
    }

    #[tokio::test]
    async fn a_signal_is_no_failure_of_its_own() {
        let (program, arguments) = shell("kill -9 $$");
        refused(program, &arguments, ErrorKind::Unavailable, "sh: it was killed by signal 9").await;
        // Whoever is started in the background ignores an interrupt, so nobody is sent one here.
        let interrupted = std::os::unix::process::ExitStatusExt::from_raw(2);
        let error = Program::new("sh").code(interrupted).unwrap_err();
        assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Cancelled, "sh: it was interrupted"));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there() {
        let program = Program::new("no-such-program").install("get it at https://example.com");
        let expect = "no-such-program: it is not installed, or not in PATH (get it at https://example.com)";
        refused(program, &[], ErrorKind::NotFound, expect).await;
        let expect = "/no/where: it cannot be started: No such file or directory (os error 2)";
        refused(Program::new("/no/where"), &[], ErrorKind::NotFound, expect).await;
        let expect = "/etc/passwd: it cannot be started: Permission denied (os error 13)";
        refused(Program::new("/etc/passwd"), &[], ErrorKind::InvalidInput, expect).await;
    }

    #[test]
    fn debug_shows_no_secret() {
        let program = Program::new("helper").variable("TOKEN", "hunter2").input("hunter3");
        let shown = format!("{program:?}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
