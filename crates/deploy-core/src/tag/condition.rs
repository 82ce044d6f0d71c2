//! What a policy asks of a tag.

use std::fmt;

use super::field::FieldType;
use super::pattern::Pattern;
use super::problem::Problem;
use super::text::{tag_safe, uncut};
use crate::error::Result;

/// What stands for the whole tag where a field's name could.
pub(super) const WHOLE_TAG: &str = "tag";

/// One thing that a policy asks of a tag: that a field, or the whole tag, is or matches something.
///
/// ```
/// use deploy_core::tag::Condition;
///
/// assert_eq!(Condition::is("branch", "main").to_string(), "branch=main");
/// assert_eq!(Condition::matches("tag", ".*-rc.*")?.not().to_string(), "tag!~.*-rc.*");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub(super) subject: String,
    pub(super) test: Test,
    pub(super) negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// One of these.
    Is(String),
    Matches(Pattern),
}

impl Condition {
    /// `field` (or `tag`, the whole of it) is `value`, or one of several between commas.
    ///
    /// A branch may be given as git calls it: it is compared as a tag writes it. Of a commit an abbreviation is enough; integers and versions
    /// are compared by what they mean, with or without `v`.
    pub fn is(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self { subject: field.into(), test: Test::Is(value.into()), negated: false }
    }

    /// `field` (or `tag`) matches a regular expression, as a whole.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) with a caret at the place.
    pub fn matches(field: impl Into<String>, pattern: &str) -> Result<Self> {
        let test = Pattern::check(pattern).map_err(|problem| problem.about("regular expression", pattern))?;
        Ok(Self { subject: field.into(), test: Test::Matches(test), negated: false })
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "`!condition` would hide in a chain of calls")]
    pub fn not(mut self) -> Self {
        self.negated = !self.negated;
        self
    }

    pub(super) fn check_values(&self) -> Result<(), Problem> {
        let text = match &self.test {
            Test::Is(text) if text.split(',').any(str::is_empty) => {
                return Err(Problem::new(0, "a value is missing here"));
            }
            Test::Is(text) => text.as_str(),
            Test::Matches(pattern) => pattern.as_str(),
        };
        if let Some(at) = text.find(char::is_control) {
            return Err(Problem::new(at, "a value is one line without control characters"));
        }
        match text.find(['"', '\'']) {
            Some(at) if text.contains('"') && text.contains('\'') => {
                Err(Problem::new(at, "a value cannot hold both quotes: a tag holds neither"))
            }
            _ => Ok(()),
        }
    }

    /// What is written between subject and value.
    pub(super) fn sign(&self) -> &'static str {
        match (&self.test, self.negated) {
            (Test::Is(_), false) => "=",
            (Test::Is(_), true) => "!=",
            (Test::Matches(_), false) => "~",
            (Test::Matches(_), true) => "!~",
        }
    }

    pub(super) fn value(&self) -> &str {
        match &self.test {
            Test::Is(text) => text,
            Test::Matches(pattern) => pattern.as_str(),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.subject, self.sign(), self.value())
    }
}

/// A condition made ready to be asked of many tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Which field; `None` for the whole tag.
    pub(super) field: Option<usize>,
    negated: bool,
    test: Compiled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Compiled {
    Texts(Vec<String>),
    /// Compared by what a field of this type means.
    Values(FieldType, Vec<String>),
    Pattern(Pattern),
}

impl Asked {
    /// # Errors
    /// What is wrong, where a value could never be one of the field: a condition that excludes nothing would be silent.
    pub(super) fn new(condition: &Condition, field: Option<(usize, &FieldType)>) -> Result<Self, String> {
        let test = match (&condition.test, field) {
            (Test::Matches(pattern), _) => Compiled::Pattern(pattern.clone()),
            (Test::Is(text), Some((_, FieldType::Text))) => {
                let mut texts: Vec<_> =
                    text.split(',').flat_map(|text| [tag_safe(text), uncut(text)]).collect();
                texts.dedup();
                Compiled::Texts(texts)
            }
            (Test::Is(text), Some((_, kind))) => {
                let values = text.split(',');
                if let Some(value) = values.clone().find(|value| !kind.accepts(value)) {
                    return Err(format!(
                        "{} cannot be {value:?}: it is {}",
                        condition.subject,
                        kind.expects()
                    ));
                }
                Compiled::Values(kind.clone(), values.map(str::to_owned).collect())
            }
            (Test::Is(text), None) => Compiled::Texts(text.split(',').map(str::to_owned).collect()),
        };
        Ok(Self { field: field.map(|(number, _)| number), negated: condition.negated, test })
    }

    /// `None`, a field that an optional group left out, is and matches nothing.
    pub(super) fn holds(&self, text: Option<&str>) -> bool {
        let found = text.is_some_and(|text| match &self.test {
            Compiled::Texts(texts) => texts.iter().any(|wanted| wanted == text),
            Compiled::Values(kind, values) => values.iter().any(|wanted| kind.is_same(wanted, text)),
            Compiled::Pattern(pattern) => pattern.is_match(text),
        });
        found != self.negated
    }
}
