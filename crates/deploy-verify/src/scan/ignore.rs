//! What is known and borne for a while.

use std::collections::BTreeMap;
use std::fmt;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, Result};
use deploy_core::manifest;
use serde::Deserialize;
use serde_json::Value;

use super::Finding;
use super::glob::Glob;
use super::purl::Purl;
use crate::text::shown;

/// The most entries of a list.
pub const MAX_IGNORED: usize = 10_000;

/// A vulnerability that is known and borne for a while, and why.
///
/// ```
/// use deploy_verify::scan::Ignore;
///
/// let ignore = Ignore::until("CVE-2026-1", "2026-12-31T00:00:00Z".parse()?, "no untrusted input gets there").package("libssl1.1");
/// assert_eq!(ignore.to_string(), "CVE-2026-1 until 2026-12-31 (no untrusted input gets there)");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ignore {
    id: String,
    until: Option<Timestamp>,
    statement: String,
    packages: Vec<String>,
    purls: Vec<Purl>,
    paths: Vec<Glob>,
}

impl Ignore {
    /// Until then, for this reason; in all packages, if none is named.
    pub fn until(id: impl Into<String>, until: Timestamp, statement: impl Into<String>) -> Self {
        Self { until: Some(until), ..Self::for_ever(id, statement) }
    }

    /// Without an end.
    pub fn for_ever(id: impl Into<String>, statement: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            until: None,
            statement: statement.into(),
            packages: Vec::new(),
            purls: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// In this package only, by its name (`PkgName`), or in others that are named as well.
    #[must_use]
    pub fn package(mut self, name: impl Into<String>) -> Self {
        self.packages.push(name.into());
        self
    }

    /// Whether it no longer ignores: from the moment on that it names.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it is about this finding, expired or not.
    pub fn is_about(&self, finding: &Finding) -> bool {
        let any = |all: bool, found: bool| all || found;
        self.id == finding.id
            && any(self.packages.is_empty(), self.packages.contains(&finding.package))
            && any(
                self.purls.is_empty(),
                finding.purl.as_ref().is_some_and(|found| self.purls.iter().any(|purl| purl.covers(found))),
            )
            && any(
                self.paths.is_empty(),
                self.paths.iter().any(|path| path.matches(&finding.target) || path.matches(&finding.path)),
            )
    }
}

/// One line, as in `CVE-2026-1 until 2026-12-31 (no untrusted input gets there)`.
impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.id, 60))?;
        match self.until {
            Some(until) => write!(f, " until {}", date(until))?,
            None => f.write_str(" for ever")?,
        }
        if self.statement.is_empty() { Ok(()) } else { write!(f, " ({})", shown(&self.statement, 200)) }
    }
}

/// A date where it is one, else the moment.
pub(super) fn date(time: Timestamp) -> String {
    let text = time.to_string();
    text.strip_suffix("T00:00:00Z").map(str::to_owned).unwrap_or(text)
}

/// Vulnerabilities that are known and borne for a while, in the format of Trivy's `.trivyignore.yaml`.
///
/// | key | |
/// | --- | --- |
/// | `id` | the vulnerability, as in `CVE-2026-1` |
/// | `expired_at`, or `until` | from when on it is no longer ignored: a date, which is its first moment in UTC, or an RFC 3339 timestamp |
/// | `statement` | why it is borne |
/// | `packages` | in which packages only, by name (not known to Trivy) |
/// | `purls` | in which packages only, as package URLs; version and qualifiers may be left out |
/// | `paths` | in which files only: `Target` or `PkgPath`, with `*`, `**` and `?` |
///
/// An entry without a date or without a statement is refused by [`IgnoreList::read`], and so is a key that is not known: misspelled,
/// it would make an entry broader than it was meant. What is ignored of other scanners (`misconfigurations`, `secrets`, `licenses`) is
/// not read.
///
/// ```
/// use deploy_verify::scan::IgnoreList;
///
/// let list = IgnoreList::read(".trivyignore.yaml", b"
/// vulnerabilities:
///   - id: CVE-2026-1
///     expired_at: 2026-12-31
///     statement: no untrusted input gets there
///     purls: [pkg:deb/debian/libssl1.1]
/// ")?;
/// assert_eq!(list.entries().len(), 1);
/// let error = IgnoreList::read(".trivyignore.yaml", b"vulnerabilities: [{id: CVE-2026-1, statement: x}]").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "read ignore list .trivyignore.yaml: vulnerabilities[0], CVE-2026-1: it has no end \
///      (say with \"expired_at\" from when on it is no longer ignored, as in 2026-12-31)"
/// );
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IgnoreList {
    entries: Vec<Ignore>,
    /// Where the entries of a vulnerability are.
    by_id: BTreeMap<String, Vec<usize>>,
}

impl IgnoreList {
    /// A list of these.
    pub fn new(entries: impl IntoIterator<Item = Ignore>) -> Self {
        let mut list = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            list.by_id.entry(entry.id.clone()).or_default().push(index);
            list.entries.push(entry);
        }
        list
    }

    /// Reads a list in which every entry has an end and a reason, `name` being what errors call it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput), which names the entry.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::read_with(name, bytes, true)
    }

    /// Reads a list as Trivy does, in which entries may go without an end and without a reason.
    ///
    /// # Errors
    /// As [`IgnoreList::read`], but for those.
    pub fn read_lenient(name: &str, bytes: &[u8]) -> Result<Self> {
        Self::read_with(name, bytes, false)
    }

    /// The entries, in the list's order.
    pub fn entries(&self) -> &[Ignore] {
        &self.entries
    }

    /// The entries that are about a finding, expired ones too.
    pub(super) fn about(&self, finding: &Finding) -> impl Iterator<Item = (usize, &Ignore)> {
        let indices = self.by_id.get(&finding.id).into_iter().flatten();
        let entries = indices.filter_map(|index| Some((*index, self.entries.get(*index)?)));
        entries.filter(|(_, entry)| entry.is_about(finding))
    }

    fn read_with(name: &str, bytes: &[u8], strict: bool) -> Result<Self> {
        let error = |error: Error| error.during("read ignore list").on(name);
        let documents = manifest::documents(name, bytes).map_err(error)?;
        let document = match documents.len() {
            0 => return Ok(Self::default()),
            1 => documents.into_iter().next().unwrap_or_default(),
            _ => return Err(error(Error::invalid("it has more than one document"))),
        };
        let file: RawList = serde_json::from_value(document).map_err(|problem| {
            error(Error::invalid(shown(&problem.to_string(), 200)))
                .help("it is a map with the key \"vulnerabilities\", as .trivyignore.yaml is")
        })?;
        let raw = file.vulnerabilities.unwrap_or_default();
        if raw.len() > MAX_IGNORED {
            return Err(error(Error::invalid(format!("it has more than {MAX_IGNORED} entries"))));
        }
        let mut entries = Vec::new();
        for (index, value) in raw.into_iter().enumerate() {
            let id = value.get("id").and_then(Value::as_str).map(|id| format!(", {}", shown(id, 60)));
            let place = format!("vulnerabilities[{index}]{}", id.unwrap_or_default());
            entries.push(entry(value, strict).map_err(|problem| {
                let placed = error(Error::invalid(format!("{place}: {}", problem.message())));
                problem.advice().map(str::to_owned).into_iter().fold(placed, Error::help)
            })?);
        }
        Ok(Self::new(entries))
    }
}

fn entry(value: Value, strict: bool) -> Result<Ignore> {
    let raw: RawEntry =
        serde_json::from_value(value).map_err(|problem| Error::invalid(shown(&problem.to_string(), 200)))?;
    if raw.id.trim().is_empty() {
        return Err(Error::invalid("it has no id"));
    }
    let until = match (raw.expired_at, raw.until) {
        (Some(_), Some(_)) => return Err(Error::invalid("\"expired_at\" and \"until\" are the same")),
        (Some(text), None) | (None, Some(text)) => Some(moment(&text)?),
        (None, None) => None,
    };
    if strict && until.is_none() {
        return Err(Error::invalid("it has no end")
            .help("say with \"expired_at\" from when on it is no longer ignored, as in 2026-12-31"));
    }
    let statement = raw.statement.unwrap_or_default();
    if strict && statement.trim().is_empty() {
        return Err(Error::invalid("it has no reason").help("say with \"statement\" why it is borne"));
    }
    let [packages, purls, paths] = [(raw.packages, "packages"), (raw.purls, "purls"), (raw.paths, "paths")]
        .map(|(list, key)| match list {
            // It would mean all of them, which nobody writes on purpose.
            Some(list) if list.is_empty() => Err(Error::invalid(format!("\"{key}\" is empty"))),
            list => Ok(list.unwrap_or_default()),
        });
    let (purls, paths) = (purls?, paths?);
    Ok(Ignore {
        id: raw.id,
        until,
        statement,
        packages: packages?,
        purls: purls.iter().map(|purl| Purl::new(purl)).collect::<Result<_>>()?,
        paths: paths.iter().map(|path| Glob::new(path)).collect::<Result<_>>()?,
    })
}

fn moment(text: &str) -> Result<Timestamp> {
    let text = text.trim();
    let parsed = format!("{text}T00:00:00Z").parse().or_else(|_| text.parse());
    parsed.map_err(|_: Error| {
        Error::invalid(format!("\"{}\" is neither a date nor an RFC 3339 timestamp", shown(text, 40)))
            .help("write it as 2026-12-31")
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    vulnerabilities: Option<Vec<Value>>,
    #[serde(rename = "misconfigurations")]
    _misconfigurations: Option<serde::de::IgnoredAny>,
    #[serde(rename = "secrets")]
    _secrets: Option<serde::de::IgnoredAny>,
    #[serde(rename = "licenses")]
    _licenses: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: String,
    expired_at: Option<String>,
    until: Option<String>,
    statement: Option<String>,
    packages: Option<Vec<String>>,
    purls: Option<Vec<String>>,
    paths: Option<Vec<String>>,
}
