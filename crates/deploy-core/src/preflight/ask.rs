//! One image: asked as the node would ask.

use super::pods::SecretId;
use super::{CheckedImage, Problem, ProblemKind, UsedBy};
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Digest, Reference};
use crate::registry::Registry;

/// What is asked of one image.
pub(super) struct Ask {
    pub(super) image: Reference,
    pub(super) secrets: Vec<SecretId>,
    pub(super) platforms: Vec<String>,
    pub(super) used_by: Vec<UsedBy>,
}

/// Asks as the `node` where there is one. Only if that is refused the caller's own `registry` is asked, to tell what is not there from
/// what the node may not read.
pub(super) async fn look(
    ask: &Ask,
    registry: &dyn Registry,
    node: Option<&dyn Registry>,
    missing_secrets: Vec<String>,
) -> CheckedImage {
    let mut checked = CheckedImage {
        image: ask.image.clone(),
        used_by: ask.used_by.clone(),
        digest: None,
        platforms: Vec::new(),
        pull_secrets: ask.secrets.iter().map(ToString::to_string).collect(),
        missing_secrets,
        readable: None,
        problem: None,
    };
    match found(ask, node.unwrap_or(registry)).await {
        Ok((digest, platforms)) => {
            checked.readable = node.map(|_| true);
            checked.problem = lacks(&ask.platforms, &platforms);
            (checked.digest, checked.platforms) = (Some(digest), platforms);
        }
        Err(error) if node.is_some() && is_refusal(&error) => match registry.resolve(&ask.image).await {
            Ok(digest) => {
                (checked.digest, checked.readable) = (Some(digest), Some(false));
                checked.problem = Some(unreadable(ask, &checked.missing_secrets, &error));
            }
            Err(error) => checked.problem = Some(problem(&error)),
        },
        Err(error) => checked.problem = Some(problem(&error)),
    }
    checked
}

/// The digest, and the platforms where somebody asks for them: that takes more requests.
async fn found(ask: &Ask, registry: &dyn Registry) -> Result<(Digest, Vec<String>)> {
    if ask.platforms.is_empty() {
        return Ok((registry.resolve(&ask.image).await?, Vec::new()));
    }
    let facts = registry.inspect(&ask.image).await?;
    Ok((facts.digest, facts.platforms))
}

/// A registry may hide from strangers what they may not read.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unauthorized | ErrorKind::Forbidden)
}

fn problem(error: &Error) -> Problem {
    let kind = match error.kind() {
        ErrorKind::NotFound => ProblemKind::NotFound,
        ErrorKind::Unauthorized | ErrorKind::Forbidden => ProblemKind::Unreadable,
        _ => ProblemKind::Unknown,
    };
    Problem { kind, message: error.message().to_owned(), help: error.advice().map(str::to_owned) }
}

fn unreadable(ask: &Ask, missing: &[String], error: &Error) -> Problem {
    let secrets: Vec<String> = ask.secrets.iter().map(ToString::to_string).collect();
    let with = match secrets.len() {
        0 => "without pull secrets, and its pods name none".to_owned(),
        _ => format!("with {}", secrets.join(", ")),
    };
    let message = format!("it is there, but cannot be read {with}: {}", error.message());
    let help = match missing {
        [] => "name a pull secret for its registry in imagePullSecrets, or put the right credentials into it"
            .into(),
        missing => format!("create {}: there is no such secret", missing.join(", ")),
    };
    Problem { kind: ProblemKind::Unreadable, message, help: Some(help) }
}

/// The variant of an architecture (`linux/arm64/v8`) is the node's own business.
fn lacks(needed: &[String], has: &[String]) -> Option<Problem> {
    let is_for = |needed: &String| {
        has.iter().any(|has| {
            has.strip_prefix(needed.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let lacking: Vec<&str> = needed.iter().filter(|platform| !is_for(platform)).map(String::as_str).collect();
    if lacking.is_empty() {
        return None;
    }
    let message = match has {
        [] => format!("it does not say for which platforms it is, and {} is needed", lacking.join(", ")),
        has => format!("it is there for {}, and not for {}", has.join(", "), lacking.join(", ")),
    };
    let help =
        "build it for the nodes' platforms, or select nodes that it runs on (kubernetes.io/arch)".to_owned();
    Some(Problem { kind: ProblemKind::Platform, message, help: Some(help) })
}
