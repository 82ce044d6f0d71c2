//! Ctrl-C and SIGTERM.

use deploy_core::run::Cancel;

/// The first signal cancels the run, which then brings the old state back. Returns on a Ctrl-C after that.
pub(crate) async fn listen(cancel: &Cancel, mut tell: impl FnMut(&str)) {
    loop {
        let interrupt = tokio::select! {
            result = tokio::signal::ctrl_c() => match result {
                Ok(()) => true,
                // Without a handler the system's own holds: the first Ctrl-C ends the program.
                Err(_) => std::future::pending().await,
            },
            () = terminate() => false,
        };
        if !cancel.is_cancelled() {
            tell("stopping; Ctrl-C once more leaves at once");
            cancel.cancel();
        } else if interrupt {
            return;
        }
    }
}

/// Returns on SIGTERM: what ends a container or a CI job.
#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    std::future::pending().await
}
