//! Refused or missing credentials, in words without secrets.

use deploy_core::error::{Error, ErrorKind};

use crate::credentials::{Credential, Credentials, Kind};

/// Why the token service gave no token. What it says is from outside: it may hold what it was shown.
pub(super) fn not_given(
    error: Error,
    registry: &str,
    credential: Option<&Credential>,
    credentials: Option<&dyn Credentials>,
) -> Error {
    if std::error::Error::source(&error).is_some() {
        // There was no answer.
        return error;
    }
    let shown = match (credential, credentials) {
        (Some(credential), Some(credentials)) => {
            format!(" (shown were {})", described(credential, credentials))
        }
        _ => " (no credentials were shown)".to_owned(),
    };
    let mut message = format!("the token service {}{shown}", error.message());
    if let Some(secret) = credential.and_then(secret) {
        message = message.replace(secret, "***");
    }
    let told = Error::new(error.kind(), message).with_retry(error.retry());
    match error.kind() {
        ErrorKind::Unauthorized | ErrorKind::Forbidden => told.help(log_in(registry)),
        _ => told,
    }
}

fn log_in(registry: &str) -> String {
    format!("log in to it, as with docker login {registry}, or give credentials")
}

/// The registry asks for a password, and there is none.
pub(super) fn no_password(registry: &str, identity: bool, credentials: Option<&dyn Credentials>) -> Error {
    let message = match (credentials, identity) {
        (_, true) => {
            format!("{registry} asks for a user and a password, and there is an identity token for it")
        }
        (Some(credentials), false) => {
            format!(
                "{registry} asks for a user and a password, and {} has none for it",
                credentials.describe()
            )
        }
        (None, false) => format!("{registry} asks for a user and a password"),
    };
    Error::new(ErrorKind::Unauthorized, message).help(log_in(registry))
}

fn described(credential: &Credential, credentials: &dyn Credentials) -> String {
    let kind = match &credential.kind {
        Kind::Basic { user, .. } => format!("those of user {user:?}"),
        Kind::Identity(_) => "an identity token".to_owned(),
        Kind::Bearer(_) => "a token".to_owned(),
    };
    format!("{kind} from {}", credentials.describe())
}

fn secret(credential: &Credential) -> Option<&str> {
    let (Kind::Basic { password: secret, .. } | Kind::Identity(secret) | Kind::Bearer(secret)) =
        &credential.kind;
    Some(secret.reveal()).filter(|secret| !secret.is_empty())
}
