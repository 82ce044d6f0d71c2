//! Checks against what really answers: a server on loopback, programs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

#[cfg(unix)]
mod command;
mod conformance;
mod hostile;
mod http;
mod live;
mod metrics;
mod redirect;
mod server;
mod tcp;
mod tls;

use deploy_core::guard::{Answer, Check, Subject};

/// An answer as text, with `HOST` for `host`, unless that is empty, and `N ms` for what it took.
async fn told(check: &dyn Check, host: &str) -> String {
    let text = match check.check(&Subject::new("production")).await {
        Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
        Ok(Answer::No { why }) => format!("no: {why}"),
        Ok(other) => panic!("there is no third: {other:?}"),
        Err(error) => format!("error: {error}"),
    };
    let text = if host.is_empty() { text } else { text.replace(host, "HOST") };
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        if words[at].starts_with("ms") && words[at - 1].parse::<u64>().is_ok() && words[at - 2] == "in" {
            words[at - 1] = "N".into();
        }
    }
    words.join(" ")
}
