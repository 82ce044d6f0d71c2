//! The command that the cluster is for.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::signals::{Signal, Signals};

/// How long a command has to end after SIGTERM, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// Why it did not run: 127 and 126 are what `env` and `timeout` say then.
pub(crate) fn code_of(error: &io::Error) -> ExitCode {
    match error.kind() {
        io::ErrorKind::NotFound => ExitCode::from(127),
        io::ErrorKind::PermissionDenied => ExitCode::from(126),
        _ => ExitCode::FAILURE,
    }
}

/// Runs it to its end. A Ctrl-C reaches it by itself; SIGTERM, SIGHUP and a second Ctrl-C are handed on, and after some seconds it is killed.
///
/// # Errors
/// It cannot be started.
pub(crate) async fn run(
    program: &OsStr,
    arguments: &[OsString],
    kubeconfig: &Path,
    signals: &mut Signals,
) -> io::Result<ExitCode> {
    let mut child =
        Command::new(program).args(arguments).env("KUBECONFIG", kubeconfig).kill_on_drop(true).spawn()?;
    let mut interrupts = 0;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            signal = signals.next() => {
                interrupts += u32::from(signal == Signal::Interrupt);
                if signal == Signal::Terminate || interrupts > 1 {
                    break end(&mut child, signals).await?;
                }
            }
        }
    };
    Ok(ExitCode::from(code(status)))
}

/// Asks it to end, and kills it when it does not, or when SIGTERM comes again.
async fn end(child: &mut Child, signals: &mut Signals) -> io::Result<ExitStatus> {
    if terminate(child) {
        tokio::select! {
            ended = timeout(GRACE, child.wait()) => if let Ok(status) = ended {
                return status;
            },
            () = async { while signals.next().await == Signal::Interrupt {} } => {}
        }
    }
    child.start_kill()?;
    child.wait().await
}

/// Sends SIGTERM; whether there is such a thing.
#[cfg(unix)]
fn terminate(child: &Child) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
    id.is_some_and(|id| kill_process(id, Signal::TERM).is_ok())
}

#[cfg(not(unix))]
fn terminate(_: &Child) -> bool {
    false
}

/// As a shell tells it: of who was killed, 128 and the signal.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    #[cfg(not(unix))]
    let signal = None;
    status.code().or(signal).and_then(|code| u8::try_from(code).ok()).unwrap_or(128)
}
