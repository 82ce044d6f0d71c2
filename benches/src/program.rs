//! Starts programs, and measures them from outside.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock};
use wait4::Wait4;

use crate::Result;

/// What a program did and what it took.
pub(crate) struct Ran {
    command: String,
    status: ExitStatus,
    /// From before it was started until it had ended.
    pub(crate) wall: Duration,
    /// Its and its children's time on a CPU, user and system.
    pub(crate) cpu: Duration,
    /// The most memory it ever held, in bytes: the kernel's own record, of the process that was waited for.
    pub(crate) peak: u64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// # Errors
    /// It failed.
    pub(crate) fn good(self) -> Result<Self> {
        if self.status.success() { Ok(self) } else { Err(self.unexpected("it failed").into()) }
    }

    /// # Errors
    /// It did not fail.
    pub(crate) fn bad(self) -> Result<Self> {
        if self.status.success() { Err(self.unexpected("it did not fail").into()) } else { Ok(self) }
    }

    pub(crate) fn unexpected(&self, why: &str) -> String {
        let Self { command, status, stdout, stderr, .. } = self;
        format!("{command}: {why} ({status})\n{}{}", end(stdout), end(stderr))
    }
}

/// The last lines.
fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
    last.iter().fold(String::new(), |text, line| text + "  " + line + "\n")
}

/// A program of the outside world.
pub(crate) struct Program {
    path: PathBuf,
    kubeconfig: PathBuf,
    /// Where what it prints goes: nobody need read a pipe while it runs.
    scratch: PathBuf,
}

impl Program {
    pub(crate) fn new(path: &Path, kubeconfig: &Path, scratch: &Path) -> Self {
        Self { path: path.to_owned(), kubeconfig: kubeconfig.to_owned(), scratch: scratch.to_owned() }
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Ran> {
        let files = [self.scratch.join("stdout"), self.scratch.join("stderr")];
        let mut command = self.command(args, &files)?;
        let clock = SystemClock::new();
        let started = clock.now();
        let mut child = self.started(command.spawn())?;
        let used = child.wait4()?;
        let wall = clock.now().since(started);
        let [stdout, stderr] = files.map(|file| fs::read(file).unwrap_or_default());
        Ok(Ran {
            command: format!("{} {}", self.path.display(), args.join(" ")),
            status: used.status,
            wall,
            cpu: used.rusage.utime + used.rusage.stime,
            peak: used.rusage.maxrss,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    /// Runs it beyond the reach of the terminal's Ctrl-C: it clears up.
    pub(crate) fn run_undisturbed(&self, args: &[&str]) -> Result<()> {
        let files = [self.scratch.join("clear-stdout"), self.scratch.join("clear-stderr")];
        let mut command = self.command(args, &files)?;
        let status = self.started(command.process_group(0).spawn())?.wait()?;
        if status.success() {
            return Ok(());
        }
        let [_, stderr] = files.map(|file| fs::read_to_string(file).unwrap_or_default());
        Err(format!("{} {}: {status}\n{}", self.path.display(), args.join(" "), end(&stderr)).into())
    }

    /// Starts it; the caller ends it.
    pub(crate) fn spawn(&self, args: &[&str]) -> Result<Child> {
        let files = [self.scratch.join("stdout"), self.scratch.join("stderr")];
        let mut command = self.command(args, &files)?;
        self.started(command.spawn())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    fn command(&self, args: &[&str], [stdout, stderr]: &[PathBuf; 2]) -> Result<Command> {
        let mut command = Command::new(&self.path);
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            // It comes before KUBECONFIG.
            .env_remove("KUBECONFIG_BASE64")
            .stdin(Stdio::null())
            .stdout(File::create(stdout)?)
            .stderr(File::create(stderr)?);
        Ok(command)
    }

    fn started(&self, child: io::Result<Child>) -> Result<Child> {
        child.map_err(|error| format!("{} does not start: {error}", self.path.display()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Program {
        let scratch = std::env::temp_dir().join(format!("deploy-benches-test-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        Program::new(Path::new("/bin/sh"), Path::new("/nowhere"), &scratch)
    }

    #[test]
    fn tells_what_a_program_took() {
        let shell = shell();
        let ran = shell.run(&["-c", "echo $KUBECONFIG; echo b >&2; exit 3"]).unwrap().bad().unwrap();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("/nowhere\n", "b\n"));
        assert!(ran.wall > Duration::ZERO && ran.peak > 100_000, "{:?} {}", ran.wall, ran.peak);
        let error = ran.good().err().unwrap().to_string();
        assert!(error.contains("it failed (exit status: 3)\n  /nowhere\n  b\n"), "{error}");
        assert!(shell.run(&["-c", ":"]).unwrap().bad().is_err());
        // 64 MB of text in a variable.
        let hungry = shell.run(&["-c", "a=$(head -c 64000000 /dev/zero | tr '\\0' a); echo ${#a}"]).unwrap();
        assert!(hungry.peak > 64_000_000, "{} {}", hungry.peak, hungry.stdout);
        fs::remove_dir_all(&shell.scratch).unwrap();
    }
}
