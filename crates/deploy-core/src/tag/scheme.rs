//! How a team writes its tags.

use std::fmt;
use std::str::FromStr;

use super::field::{Field, FieldType, check_name};
use super::fields::{ParsedTag, TagFields};
use super::pattern::Pattern;
use super::problem::{Problem, shown};
use super::spans::{Mismatch, Span, Spans};
use super::template::Template;
use super::{MAX_FIELDS, is_artifact, is_tag};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Tag;

/// The schemes that have a name, and the templates that they are.
const NAMED: [(&str, &str); 6] = [
    ("sha", "{sha}"),
    ("sha-short", "sha-{sha:7}"),
    ("semver", "{version}"),
    ("run-timestamp", "{run}-{timestamp}"),
    ("branch-sha", "{branch}-{sha}"),
    ("branch.timestamp.sha", "{branch}.{timestamp}.{sha}"),
];

/// How a team writes its tags: what it reads them by, and renders new ones with.
///
/// Its text is a name, a template, or a regular expression between slashes (which reads only):
///
/// | text | a tag |
/// | --- | --- |
/// | `sha` | `4f1c2d9a0b…` |
/// | `sha-short` | `sha-4f1c2d9` |
/// | `semver` | `v1.4.2`, `1.5.0-rc.1` |
/// | `run-timestamp` | `812-20261121-075325` |
/// | `branch-sha` | `main-4f1c2d9` |
/// | `branch.timestamp.sha` | `main.20261121-075325.4f1c2d9` |
/// | `{env}_{build:integer}` | `prod_77` |
/// | `/(?<branch>[a-z]+)-(?<run>[0-9]+)/` | `main-77` |
///
/// A field is `{name}` or `{name:type}` ([`FieldType`]). Its name says its type where none stands there: `sha` is a commit, `run` an integer,
/// `timestamp` a time as `%Y%m%d-%H%M%S`, `version` a semantic version, everything else text.
///
/// **A branch may hold the separators.** The last fields are taken from the right, and the first fields before it from the left; what is
/// left between them is the branch. So in `a-b-4f1c2d9` the branch is `a-b`, and in `a.20200101-000000.4f1c2d9.20261121-075325.4f1c2d9`
/// it is `a.20200101-000000.4f1c2d9`. Where two fields may hold anything, the right one ends at the nearest separator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagScheme {
    pub(super) fields: Vec<Field>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Template(Template),
    Regex { pattern: Pattern, groups: Vec<usize> },
}

impl TagScheme {
    /// A template, as in `{branch}.{timestamp:%Y%m%d-%H%M%S}.{sha}`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with a caret at the place.
    pub fn template(text: &str) -> Result<Self> {
        Self::check_template(text).map_err(|problem| problem.about("tag template", text))
    }

    /// A regular expression that must match the whole tag. Its named groups are the fields; `types` says what those hold whose name
    /// does not say it.
    ///
    /// ```
    /// use deploy_core::tag::TagScheme;
    ///
    /// let types = [("at".to_owned(), "%Y%m%d".parse()?)];
    /// let scheme = TagScheme::regex("(?<branch>[a-z]+)-(?<at>[0-9]+)", types)?;
    /// let tag = scheme.parse("main-20261121")?;
    /// assert_eq!(tag.branch(), Some("main"));
    /// assert_eq!(tag.time("at"), Some("2026-11-21T00:00:00Z".parse()?));
    /// # Ok::<(), deploy_core::error::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with a caret at the place.
    pub fn regex(pattern: &str, types: impl IntoIterator<Item = (String, FieldType)>) -> Result<Self> {
        let types: Vec<_> = types.into_iter().collect();
        Self::check_regex(pattern, &types).map_err(|problem| problem.about("tag regex", pattern))
    }

    pub(super) fn check(text: &str, types: &[(String, FieldType)]) -> Result<Self, Problem> {
        if let Some(inside) = text.strip_prefix('/') {
            return match inside.strip_suffix('/') {
                Some(pattern) => Self::check_regex(pattern, types).map_err(|problem| problem.after(1)),
                None => Err(Problem::new(0, "a regular expression stands between two slashes")),
            };
        }
        if !types.is_empty() {
            return Err(Problem::new(
                0,
                "types are for the groups of a regular expression: a template has its own",
            ));
        }
        match NAMED.iter().find(|(name, _)| *name == text) {
            Some((_, template)) => Self::check_template(template),
            None if text.contains('{') => Self::check_template(text),
            None => {
                let names = NAMED.map(|(name, _)| name).join(", ");
                let what = format!(
                    "no such tag scheme; there are {names}, a template as {{branch}}-{{sha}}, or a /regex/"
                );
                Err(Problem::new(0, what))
            }
        }
    }

    fn check_template(text: &str) -> Result<Self, Problem> {
        let (template, fields) = Template::check(text)?;
        Ok(Self { fields, form: Form::Template(template) })
    }

    fn check_regex(text: &str, types: &[(String, FieldType)]) -> Result<Self, Problem> {
        if let Some(at) = text.find(['"', '\'']).filter(|_| text.contains('"') && text.contains('\'')) {
            return Err(Problem::new(at, "a pattern cannot hold both quotes: write one as \\x22 or \\x27"));
        }
        let pattern = Pattern::check(text)?;
        let (mut fields, mut groups) = (Vec::new(), Vec::new());
        for (number, name) in pattern.regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let at = text.find(&format!("<{name}>")).map_or(0, |at| at + 1);
            check_name(name).map_err(|problem| problem.after(at))?;
            if fields.len() == MAX_FIELDS {
                return Err(Problem::new(at, format!("a tag has at most {MAX_FIELDS} fields")));
            }
            let given = types.iter().find(|(group, _)| group == name).map(|(_, kind)| kind.clone());
            let kind = given.unwrap_or_else(|| FieldType::of(name));
            fields.push(Field { name: name.into(), kind });
            groups.push(number);
        }
        if fields.is_empty() {
            return Err(Problem::new(
                0,
                "the regular expression has no named group, as in (?<sha>[0-9a-f]+)",
            ));
        }
        if let Some((name, _)) =
            types.iter().find(|(name, _)| !fields.iter().any(|field| field.name == *name))
        {
            return Err(Problem::new(
                0,
                format!("the regular expression has no group {name:?}, which a type is given for"),
            ));
        }
        Ok(Self { fields, form: Form::Regex { pattern, groups } })
    }

    /// Reads a tag.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the tag is not of this scheme, and why.
    pub fn parse<'a>(&'a self, tag: &'a str) -> Result<ParsedTag<'a>> {
        match self.read(tag) {
            Ok(spans) => Ok(ParsedTag { scheme: self, tag, spans }),
            Err(mismatch) => {
                let what = format!("it is not of the scheme {self}: {}", self.explain(tag, mismatch));
                Err(Error::invalid(what).on(shown("tag", tag)))
            }
        }
    }

    /// Renders the tag that a build gives its image. Texts are made [fit for a tag](super::tag_safe), and the tag reads back as the
    /// same fields.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if a field is missing, unknown, or of another type; if the tag would be over 128
    /// bytes, or read back as other fields. [`Unsupported`](ErrorKind::Unsupported) for a regular expression, which reads only.
    pub fn render(&self, fields: &TagFields) -> Result<Tag> {
        let Form::Template(template) = &self.form else {
            return Err(Error::new(ErrorKind::Unsupported, "a regular expression only reads tags")
                .on(format!("tag scheme {self}"))
                .help("give a template to render tags with"));
        };
        let failed = |error: Error| error.during("render").on(format!("tag scheme {self}"));
        fields.check_known(&self.fields).map_err(failed)?;
        let write =
            |number: usize| self.fields.get(number).map_or(Ok(String::new()), |field| fields.write(field));
        let text = template.write(write).map_err(failed)?;
        let tag: Tag = text.parse().map_err(failed)?;
        let read = self.read(tag.as_str()).map_err(|mismatch| {
            let why = self.explain(tag.as_str(), mismatch);
            failed(Error::invalid(format!("\"{tag}\" would not be read again: {why}")))
        })?;
        for (number, field) in self.fields.iter().enumerate() {
            let (meant, reads) = (fields.write(field).map_err(failed)?, read.get(number, tag.as_str()));
            if reads != Some(meant.as_str()) {
                let reads = reads.unwrap_or_default();
                let what =
                    format!("{{{}}} is {meant:?}, but \"{tag}\" would be read with {reads:?}", field.name);
                return Err(failed(
                    Error::invalid(what).help("its value must not hold the separator before it"),
                ));
            }
        }
        Ok(tag)
    }

    /// The names of its fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The field that is the commit: `sha`, or else the first of that type.
    pub(super) fn commit(&self) -> Option<usize> {
        let is_commit = |field: &Field| matches!(field.kind, FieldType::Commit { .. });
        let named = self.number("sha").filter(|number| self.fields.get(*number).is_some_and(is_commit));
        named.or_else(|| self.fields.iter().position(is_commit))
    }

    pub(super) fn read(&self, tag: &str) -> Result<Spans, Mismatch> {
        if !is_tag(tag) {
            return Err(Mismatch::NoTag);
        }
        if is_artifact(tag) {
            return Err(Mismatch::Artifact);
        }
        match &self.form {
            Form::Template(template) => template.read(&self.fields, tag),
            Form::Regex { pattern, groups } => {
                let found = pattern.regex.captures(tag.as_bytes()).ok_or(Mismatch::Regex)?;
                let mut spans = Spans::default();
                for (number, (field, group)) in self.fields.iter().zip(groups).enumerate() {
                    if let Some(text) = found.get(*group) {
                        spans.set(number, field, tag, Span::new(text.start(), text.end()))?;
                    }
                }
                Ok(spans)
            }
        }
    }

    /// Why a tag is not of this scheme.
    pub(super) fn explain(&self, tag: &str, mismatch: Mismatch) -> String {
        match mismatch {
            Mismatch::NoTag => "it is no tag".into(),
            Mismatch::Artifact => "it names an artifact of another image".into(),
            Mismatch::Regex => "the regular expression does not match".into(),
            Mismatch::Field(number) => match self.fields.get(number) {
                Some(field) => format!("{{{}}} must be {}", field.name, field.kind.expects()),
                None => String::new(),
            },
            Mismatch::Text(part) => match &self.form {
                Form::Template(template) => format!("{:?} is not where it must be", template.literal(part)),
                Form::Regex { .. } => String::new(),
            },
            Mismatch::Rest(bytes) => format!("{:?} is left over", tag.get(..bytes).unwrap_or_default()),
        }
    }

    /// The types of a regular expression's groups that their names do not say.
    pub(super) fn given_types(&self) -> impl Iterator<Item = &Field> {
        let is_regex = matches!(self.form, Form::Regex { .. });
        self.fields.iter().filter(move |field| is_regex && field.kind != FieldType::of(&field.name))
    }
}

/// A name, a template or a `/regex/`; a regular expression's types are not part of it.
impl fmt::Display for TagScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Template(template) => {
                let mut text = String::new();
                template.show(&self.fields, &mut text)?;
                f.write_str(NAMED.iter().find(|(_, known)| *known == text).map_or(&text, |(name, _)| name))
            }
            Form::Regex { pattern, .. } => write!(f, "/{pattern}/"),
        }
    }
}

impl FromStr for TagScheme {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::check(text, &[]).map_err(|problem| problem.about("tag scheme", text))
    }
}
