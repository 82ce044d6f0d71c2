//! The command that the cluster is for.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use tokio::process::Command;

use crate::signals::{Signal, Signals};

/// Runs it to its end. A Ctrl-C reaches it by itself; SIGTERM ends it.
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
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            signal = signals.next() => if signal == Signal::Terminate {
                child.start_kill()?;
            },
        }
    };
    // As a shell tells who was killed.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::from(128), ExitCode::from))
}
