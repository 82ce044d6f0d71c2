//! What a set of edits comes to: a decision about what was read.

use std::collections::BTreeSet;

use deploy_core::config::{Edit, Expect, Version};
use deploy_core::error::{Error, ErrorKind, Result};

/// The longest value of a parameter, in bytes; of the standard tier it is half of it, which AWS checks.
const LONGEST: usize = 8192;

/// A parameter, as it was read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) value: String,
    pub(super) number: u64,
    /// Seconds since 1970.
    pub(super) at: i64,
    pub(super) kind: Kind,
}

/// A parameter's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    List,
    Secure,
}

/// One write.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) name: String,
    /// What is to be; `None` to delete it.
    pub(super) value: Option<String>,
    /// What was read.
    pub(super) was: Option<Stored>,
}

/// Its number, and when it was written: numbers begin anew where a parameter was deleted.
pub(super) fn version(number: u64, at: i64) -> Version {
    Version::new(format!("{number}@{at}"))
}

/// The writes for `edits`, deletions last, as they are what cannot be taken back whole. `names` and `found` are those of the edits.
pub(super) fn steps(edits: &[Edit], names: &[String], found: &[Option<Stored>]) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    for ((edit, name), now) in edits.iter().zip(names).zip(found) {
        if !seen.insert(name) {
            return Err(on(Error::invalid("it is named twice"), name));
        }
        expect(edit, now.as_ref()).map_err(|error| on(error, name))?;
        if let Some(value) = &edit.value {
            check_value(value).map_err(|error| on(error, name))?;
        }
        if edit.value.as_deref() != now.as_ref().map(|now| now.value.as_str()) {
            steps.push(Step { name: name.clone(), value: edit.value.clone(), was: now.clone() });
        }
    }
    steps.sort_by_key(|step| step.value.is_none());
    Ok(steps)
}

fn check_value(value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid("a parameter cannot be empty")
            .help("remove it, or give the store a text that stands for the empty one"));
    }
    if value.len() > LONGEST {
        let over = format!("its value has {} bytes, over the limit of {LONGEST}", value.len());
        return Err(Error::invalid(over).help("keep it elsewhere"));
    }
    Ok(())
}

fn expect(edit: &Edit, now: Option<&Stored>) -> Result<()> {
    let holds = match &edit.expect {
        Expect::Any => true,
        Expect::Absent => now.is_none(),
        Expect::Version(wanted) => now.is_some_and(|now| version(now.number, now.at) == *wanted),
        Expect::Value(value) => now.is_some_and(|now| now.value == *value),
        _ => return Err(Error::new(ErrorKind::Unsupported, "this expectation is not known here")),
    };
    if holds {
        return Ok(());
    }
    let is = now.map_or_else(|| "is not there".to_owned(), |now| format!("is at version {}", now.number));
    Err(Error::new(ErrorKind::Conflict, format!("it {is}, which was not expected")).help("read it again"))
}

/// The error, about this parameter.
pub(super) fn on(error: Error, name: &str) -> Error {
    error.on(format!("parameter {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(value: &str) -> Stored {
        Stored { value: value.to_owned(), number: 3, at: 7, kind: Kind::Text }
    }

    #[test]
    fn only_what_differs_is_written_and_deletions_are_last() {
        let edits = [Edit::remove("a"), Edit::put("b", "1"), Edit::put("c", "2"), Edit::remove("d")];
        let names = ["/a", "/b", "/c", "/d"].map(str::to_owned);
        let steps = steps(&edits, &names, &[Some(stored("x")), Some(stored("1")), None, None]).unwrap();
        let steps: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.value.as_deref())).collect();
        assert_eq!(steps, [("/c", Some("2")), ("/a", None)]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |edit: Edit, now: Option<Stored>, kind: ErrorKind, text: &str| {
            let error = steps(&[edit], &["/a".to_owned()], &[now]).err().expect(text);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        };
        let (conflict, invalid) = (ErrorKind::Conflict, ErrorKind::InvalidInput);
        let over = |version: &str| Edit::put("a", "2").expecting(Expect::Version(Version::new(version)));
        check(over("2@7"), Some(stored("1")), conflict, "parameter /a: it is at version 3");
        check(over("3@6"), Some(stored("1")), conflict, "it is at version 3");
        check(over("3@7"), None, conflict, "it is not there");
        check(Edit::put("a", ""), None, invalid, "cannot be empty");
        check(Edit::put("a", "x".repeat(8193)), None, invalid, "over the limit");
    }
}
