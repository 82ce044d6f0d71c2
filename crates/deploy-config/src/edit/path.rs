//! Where in a text a value stands, as a person writes it: `services[name=api].image`.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use deploy_core::error::{Error, Result};
use deploy_core::manifest::Excerpt;

/// The longest text of a path, in bytes.
pub const MAX_PATH_BYTES: usize = 4096;

/// The most steps of a path: what the deepest text that is read can have.
pub const MAX_STEPS: usize = super::MAX_DEPTH;

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Into a map, by key.
    Key(String),
    /// Into a list, counted from 0.
    Index(usize),
    /// Into a list, to the one map whose `field` is `value`.
    Item {
        /// The key that is looked at.
        field: String,
        /// What stands there.
        value: String,
    },
}

/// A path to a value: keys with dots between them, lists by `[0]` or `[name=api]`, and `["…"]` for a key that holds
/// dots, brackets, spaces or `=`; within quotes `\"`, `\\`, `\n`, `\r`, `\t` and `\u{…}` are what they are in Rust.
///
/// In a YAML text of several documents the first step says which: `[1].image.tag`, `[kind=Deployment].spec.replicas`.
///
/// ```
/// use deploy_config::edit::{KeyPath, Step};
///
/// let path: KeyPath = r#"config["shop:tag.old"].list[0]"#.parse()?;
/// assert_eq!(path.steps()[1], Step::Key("shop:tag.old".into()));
/// assert_eq!(path.to_string(), r#"config["shop:tag.old"].list[0]"#);
///
/// let error = "image..tag".parse::<KeyPath>().unwrap_err();
/// assert_eq!(error.to_string(), "key \"image..tag\": a name is missing (character 7)");
/// let excerpt = deploy_core::manifest::excerpt(&error).unwrap();
/// assert_eq!(excerpt.to_string(), "    1 | image..tag\n      |       ^");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPath(Vec<Step>);

impl KeyPath {
    /// A path of these steps.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for no steps, and for over [`MAX_STEPS`].
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Self> {
        let steps: Vec<Step> = steps.into_iter().collect();
        if steps.is_empty() {
            return Err(Error::invalid("a key is empty"));
        }
        if steps.len() > MAX_STEPS {
            return Err(Error::invalid(format!("a key has more than {MAX_STEPS} steps")));
        }
        Ok(Self(steps))
    }

    /// A path of one key of a map, whatever stands in it.
    pub fn key(name: impl Into<String>) -> Self {
        Self(vec![Step::Key(name.into())])
    }

    /// The steps, the outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// This path, then one more key.
    #[must_use]
    pub fn then(mut self, name: impl Into<String>) -> Self {
        self.0.push(Step::Key(name.into()));
        self
    }
}

/// What may stand in a name without quotes.
fn is_bare(character: char) -> bool {
    !matches!(character, '.' | '[' | ']' | '"' | '\\' | '=')
        && !character.is_whitespace()
        && !character.is_control()
}

fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if !name.is_empty() && name.chars().all(is_bare) {
        return f.write_str(name);
    }
    f.write_char('"')?;
    for character in name.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if character.is_control() => write!(f, "\\u{{{:x}}}", u32::from(character))?,
            _ => f.write_char(character)?,
        }
    }
    f.write_char('"')
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(name) if !name.is_empty() && name.chars().all(is_bare) => {
                    f.write_str(if at > 0 { "." } else { "" })?;
                    f.write_str(name)?;
                }
                Step::Key(name) => {
                    f.write_char('[')?;
                    write_name(f, name)?;
                    f.write_char(']')?;
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Item { field, value } => {
                    f.write_char('[')?;
                    write_name(f, field)?;
                    f.write_char('=')?;
                    // `[a=1]` is no index: its value may look like anything but a quote or a bracket.
                    write_name(f, value)?;
                    f.write_char(']')?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for KeyPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > MAX_PATH_BYTES {
            return Err(Error::invalid(format!("a key is longer than {MAX_PATH_BYTES} bytes")));
        }
        let mut reader = Reader { text, at: 0 };
        reader.path().map_err(|problem| {
            let column = text.get(..reader.at).unwrap_or_default().chars().count();
            Error::invalid(format!("{problem} (character {})", column + 1))
                .on(format!("key {text:?}"))
                .source(Excerpt::new(1, text, column))
        })
    }
}

/// Reads a path; where it fails, `at` is the place.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = std::result::Result<T, String>;

impl Reader<'_> {
    fn path(&mut self) -> Read<KeyPath> {
        let mut steps = Vec::new();
        if self.text.is_empty() {
            return Err("a key is empty".into());
        }
        while self.peek().is_some() {
            if steps.len() >= MAX_STEPS {
                return Err(format!("there are more than {MAX_STEPS} steps"));
            }
            if self.takes('[') {
                steps.push(self.bracket()?);
            } else {
                if !steps.is_empty() && !self.takes('.') {
                    return Err("a dot or a bracket is missing".into());
                }
                steps.push(Step::Key(self.bare()?));
            }
        }
        Ok(KeyPath(steps))
    }

    /// What follows an opening bracket.
    fn bracket(&mut self) -> Read<Step> {
        let start = self.at;
        let quoted = self.peek() == Some('"');
        let name = self.name()?;
        let step = if self.takes('=') {
            Step::Item { field: name, value: self.name()? }
        } else if quoted {
            Step::Key(name)
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            Step::Index(name.parse().map_err(|_| {
                self.at = start;
                "the index is too large".to_owned()
            })?)
        } else {
            self.at = start;
            return Err("brackets hold an index, name=value, or a key in double quotes".into());
        };
        if self.takes(']') { Ok(step) } else { Err("a closing bracket is missing".into()) }
    }

    fn name(&mut self) -> Read<String> {
        if self.takes('"') { self.quoted() } else { self.bare_in_brackets() }
    }

    fn bare(&mut self) -> Read<String> {
        self.take_while(is_bare)
    }

    /// Within brackets a dot is no end: `[name=api.v1]`.
    fn bare_in_brackets(&mut self) -> Read<String> {
        self.take_while(|character| is_bare(character) || character == '.')
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> Read<String> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let name = rest.get(..rest.find(|character| !fits(character)).unwrap_or(rest.len()));
        match name {
            Some(name) if !name.is_empty() => {
                self.at += name.len();
                Ok(name.to_owned())
            }
            _ => Err(match self.peek() {
                Some(other) if !matches!(other, '.' | '[' | ']') => {
                    format!("{other:?} must stand in [\"…\"]")
                }
                _ => "a name is missing".to_owned(),
            }),
        }
    }

    /// What follows an opening quote.
    fn quoted(&mut self) -> Read<String> {
        let mut name = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return Err("a closing quote is missing".into()),
                Some('"') => return Ok(name),
                Some('\\') => match self.next() {
                    Some(character @ ('"' | '\\')) => name.push(character),
                    Some('n') => name.push('\n'),
                    Some('r') => name.push('\r'),
                    Some('t') => name.push('\t'),
                    Some('u') => name.push(self.escape().ok_or_else(|| {
                        self.at = at;
                        "this is no \\u{…} of a character".to_owned()
                    })?),
                    _ => {
                        self.at = at;
                        return Err("after a backslash comes one of \" \\ n r t u{…}".into());
                    }
                },
                Some(character) => name.push(character),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let rest = self.text.get(self.at..)?.strip_prefix('{')?;
        let digits = rest.get(..rest.find('}')?)?;
        let good = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.at += digits.len() + 2;
        char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| good)?)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn takes(&mut self, wanted: char) -> bool {
        let takes = self.peek() == Some(wanted);
        if takes {
            self.at += wanted.len_utf8();
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        let key = |name: &str| Step::Key(name.into());
        let item = |field: &str, value: &str| Step::Item { field: field.into(), value: value.into() };
        let check = |text: &str, steps: &[Step]| {
            assert_eq!(text.parse::<KeyPath>().unwrap().steps(), steps, "{text}");
        };
        check("tag", &[key("tag")]);
        check("image.tag", &[key("image"), key("tag")]);
        check("config[\"shop:tag\"]", &[key("config"), key("shop:tag")]);
        check("[\"a b\"].c", &[key("a b"), key("c")]);
        check("services[name=api].image", &[key("services"), item("name", "api"), key("image")]);
        check("services[name=api.v1]", &[key("services"), item("name", "api.v1")]);
        check("list[0][12]", &[key("list"), Step::Index(0), Step::Index(12)]);
        check("a[\"x\"=\"y ]\"]", &[key("a"), item("x", "y ]")]);
        check("a.0", &[key("a"), key("0")]);
        check("[\"\"]", &[key("")]);
        check("[\"\\u{e9}\\\"\"]", &[key("é\"")]);
    }

    #[test]
    fn says_where_a_path_is_wrong() {
        let check = |text: &str, column: usize, message: &str| {
            let error = text.parse::<KeyPath>().unwrap_err();
            assert_eq!(error.message(), format!("{message} (character {column})"), "{text}");
        };
        check("", 1, "a key is empty");
        check(".a", 1, "a name is missing");
        check("a.", 3, "a name is missing");
        check("a..b", 3, "a name is missing");
        check("a b", 2, "a dot or a bracket is missing");
        check("é[0", 4, "a closing bracket is missing");
        check("a[x]", 3, "brackets hold an index, name=value, or a key in double quotes");
        check("a[]", 3, "a name is missing");
        check("a[\"b]", 6, "a closing quote is missing");
        check("a[99999999999999999999]", 3, "the index is too large");
        check("a[\"\\x\"]", 4, "after a backslash comes one of \" \\ n r t u{…}");
        check("a[\"\\u{d800}\"]", 4, "this is no \\u{…} of a character");
        check(&"[0]".repeat(MAX_STEPS + 1), 3 * MAX_STEPS + 1, "there are more than 100 steps");
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            any::<String>().prop_map(Step::Key),
            any::<usize>().prop_map(Step::Index),
            (any::<String>(), any::<String>()).prop_map(|(field, value)| Step::Item { field, value }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(steps in proptest::collection::vec(step(), 1..6)) {
            let path = KeyPath::new(steps).unwrap();
            prop_assert_eq!(path.to_string().parse::<KeyPath>().unwrap(), path);
        }

        #[test]
        fn any_text_is_a_path_or_refused(text in any::<String>()) {
            if let Ok(path) = text.parse::<KeyPath>() {
                prop_assert_eq!(path.to_string().parse::<KeyPath>().unwrap(), path);
            }
        }
    }
}
