//! A repository: a registry's domain and a path in it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{MAX_INPUT_LENGTH, MAX_REPOSITORY_LENGTH, Problem, text_type};
use crate::error::{Error, Result};

const DOCKER_HUB: &str = "docker.io";
/// What Docker Hub was called at first; Docker still reads it as Docker Hub.
const OLD_DOCKER_HUB: &str = "index.docker.io";
const OFFICIAL: &str = "library/";

/// A repository in its canonical form: `nginx` is `docker.io/library/nginx`.
///
/// `Display` is the familiar form (`nginx`), which reads back as the same repository.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository {
    /// `domain/path`.
    canonical: String,
    domain_length: usize,
}

impl Repository {
    /// The registry's domain, with its port if it has one.
    pub fn domain(&self) -> &str {
        self.canonical.get(..self.domain_length).unwrap_or_default()
    }

    /// The path in the registry.
    pub fn path(&self) -> &str {
        self.canonical.get(self.domain_length + 1..).unwrap_or_default()
    }

    /// The canonical form, as in `docker.io/library/nginx`.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The form people write, as in `nginx`: without Docker Hub's domain and its `library/`.
    pub fn familiar(&self) -> &str {
        self.as_str()
    }

    fn as_str(&self) -> &str {
        if self.domain() != DOCKER_HUB {
            return &self.canonical;
        }
        let path = self.path();
        match path.strip_prefix(OFFICIAL) {
            Some(name) if !name.contains('/') => name,
            // `docker.io/a.b/c` without its domain would read as the registry `a.b`.
            _ if path.split_once('/').is_some_and(|(first, _)| is_domain(first)) => &self.canonical,
            _ => path,
        }
    }

    pub(super) fn check(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("the repository is empty"));
        }
        if let Some(scheme) = text.find("://") {
            return Err(Problem::at("a reference has no scheme: leave out what is before \"//\"", scheme));
        }
        let (domain, path) = match text.split_once('/') {
            Some((first, rest)) if is_domain(first) => (first, rest),
            _ => (DOCKER_HUB, text),
        };
        let offset = text.len() - path.len();
        check_path(path).map_err(|problem| problem.after(offset))?;
        if offset > 0 {
            check_domain(domain)?;
        }
        let domain = if domain == OLD_DOCKER_HUB { DOCKER_HUB } else { domain };
        let official = if domain == DOCKER_HUB && !path.contains('/') { OFFICIAL } else { "" };
        if official.len() + path.len() > MAX_REPOSITORY_LENGTH {
            return Err(Problem::new(format!(
                "the repository is {} bytes, over {MAX_REPOSITORY_LENGTH}",
                official.len() + path.len()
            )));
        }
        Ok(Self { canonical: format!("{domain}/{official}{path}"), domain_length: domain.len() })
    }
}

/// Docker's rule for whether the part before the first `/` is a registry.
fn is_domain(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn check_domain(domain: &str) -> Result<(), Problem> {
    let (host, port) = match domain.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let allowed = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
            if address.is_empty() || !address.bytes().all(allowed) {
                return Err(Problem::at("the registry's IPv6 address is not one", 0));
            }
            (None, port)
        }
        None => {
            let end = domain.find(':').unwrap_or(domain.len());
            let (host, port) = domain.split_at(end);
            (Some(host), port)
        }
    };
    let port_is_good = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !port_is_good {
        let at = domain.len() - port.len();
        return Err(Problem::at("the registry's port must be a number", at));
    }
    let mut at = 0;
    for label in host.into_iter().flat_map(|host| host.split('.')) {
        let wrong = label.bytes().position(|byte| !byte.is_ascii_alphanumeric() && byte != b'-');
        if let Some(wrong) = wrong {
            return Err(Problem::at("a registry's name holds letters, digits, '-' and '.' only", at + wrong));
        }
        if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
            return Err(Problem::at(
                "each part of a registry's name starts and ends with a letter or digit",
                at,
            ));
        }
        at += label.len() + 1;
    }
    Ok(())
}

/// Components of lowercase letters and digits, joined inside by one `.`, one or two `_`, or any number of `-`.
fn check_path(path: &str) -> Result<(), Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    if let Some((at, byte)) = path.bytes().enumerate().find(|&(_, byte)| !allowed(byte)) {
        let what = if byte.is_ascii_uppercase() {
            "the repository must be lowercase"
        } else {
            "a repository holds lowercase letters, digits, '.', '_', '-' and '/' only"
        };
        return Err(Problem::at(what, at));
    }
    let mut at = 0;
    for component in path.split('/') {
        if component.is_empty() {
            return Err(match path {
                "" => Problem::new("the repository is empty"),
                _ => Problem::new("the repository has an empty component: two slashes, or one at an end"),
            });
        }
        let bytes = component.as_bytes();
        let joint = |byte: Option<&u8>| byte.is_some_and(|byte| b"._-".contains(byte));
        if joint(bytes.first()) || joint(bytes.last()) {
            let wrong = if joint(bytes.first()) { at } else { at + component.len() - 1 };
            return Err(Problem::at(
                "each component of a repository starts and ends with a lowercase letter or digit",
                wrong,
            ));
        }
        let mut start = 0;
        for run in component.split(|character: char| character.is_ascii_alphanumeric()) {
            if !matches!(run, "" | "." | "_" | "__") && run.bytes().any(|byte| byte != b'-') {
                return Err(Problem::at(
                    "letters and digits are joined by one '.', one or two '_', or any number of '-'",
                    at + start,
                ));
            }
            start += run.len() + 1;
        }
        at += component.len() + 1;
    }
    Ok(())
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let checked = if text.len() > MAX_INPUT_LENGTH {
            Err(Problem::new(format!("it is {} bytes long", text.len())))
        } else {
            Self::check(text)
        };
        checked.map_err(|problem| problem.about("repository", text))
    }
}

text_type!(Repository);
