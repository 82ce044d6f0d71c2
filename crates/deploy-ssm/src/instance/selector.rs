//! [`Instances`]: which nodes are meant, before anybody was asked.

use std::fmt;

use deploy_core::error::{Error, Result};

use super::Fleet;

/// The most nodes at once: SSM takes no more ids in a command.
pub(super) const MOST: usize = 50;
/// The longest key and value of a tag.
const KEY: usize = 128;
const VALUE: usize = 256;

/// Which nodes are meant. Nobody is asked before [`find`](Self::find).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    pub(super) by: By,
    pub(super) fleet: Option<Fleet>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    Ids(Vec<String>),
    /// All of them hold.
    Tags(Vec<(String, String)>),
    #[cfg(feature = "ec2")]
    Named(String),
}

impl Instances {
    /// The node of this id: `i-` or `mi-` with the digits that AWS gave it.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what cannot be an id.
    pub fn id(id: impl Into<String>) -> Result<Self> {
        Self::ids([id])
    }

    /// The nodes of these ids; several need a [`fleet`](Self::fleet).
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what cannot be an id, none, one twice, and more than 50.
    pub fn ids(ids: impl IntoIterator<Item = impl Into<String>>) -> Result<Self> {
        let mut all: Vec<String> = Vec::new();
        for id in ids {
            let id = id.into();
            if !is_id(&id) {
                return Err(Error::invalid(format!("\"{}\" is no id of a node", id.escape_default()))
                    .help("ids are like i-0123456789abcdef0, or mi-0123456789abcdef0 outside EC2"));
            }
            if all.contains(&id) {
                return Err(Error::invalid(format!("node {id} was named twice")));
            }
            if all.len() == MOST {
                return Err(Error::invalid(format!("more than {MOST} nodes were named"))
                    .help("deploy to them in parts: SSM takes no more in a command"));
            }
            all.push(id);
        }
        if all.is_empty() {
            return Err(Error::invalid("no node was named"));
        }
        Ok(Self { by: By::Ids(all), fleet: None })
    }

    /// The node with this tag. Upper and lower case differ, and there are no wildcards.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for a wildcard, and for what cannot be a tag.
    pub fn tag(key: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        Self { by: By::Tags(Vec::new()), fleet: None }.and_tag(key, value)
    }

    /// Only those that have this tag as well; for nodes that are said by tag.
    ///
    /// # Errors
    /// As [`tag`](Self::tag), and where they are said in another way.
    pub fn and_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (key, value) = (key.into(), value.into());
        let By::Tags(tags) = &mut self.by else {
            return Err(Error::invalid("a tag narrows only what is said by tag"));
        };
        let is_one = !key.is_empty() && key.chars().count() <= KEY && value.chars().count() <= VALUE;
        if !is_one || key.chars().chain(value.chars()).any(char::is_control) {
            let said = format!("{key}={value}");
            return Err(Error::invalid(format!("\"{}\" is no tag", said.escape_default()))
                .help("a tag has a key of 1 to 128 characters, and a value of 256 at most"));
        }
        if value.contains(['*', '?']) {
            return Err(Error::invalid(format!(
                "SSM finds no tag by a wildcard: {}={}",
                key,
                value.escape_default()
            ))
            .help(
                "write the whole value, or find it by its name in EC2 (Instances::named, feature \"ec2\")",
            ));
        }
        tags.push((key, value));
        Ok(self)
    }

    /// The running EC2 instance whose tag `Name` matches: `*` is any text, `?` one character, `\` before them
    /// means themselves.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what no name can match.
    #[cfg(feature = "ec2")]
    pub fn named(pattern: impl Into<String>) -> Result<Self> {
        let pattern = pattern.into();
        if pattern.is_empty() || pattern.chars().count() > VALUE || pattern.chars().any(char::is_control) {
            return Err(Error::invalid(format!("no name matches \"{}\"", pattern.escape_default()))
                .help("write 1 to 256 characters, with * and ? as wildcards"));
        }
        Ok(Self { by: By::Named(pattern), fleet: None })
    }

    /// Several are meant; all of them must be online.
    #[must_use]
    pub fn fleet(mut self, fleet: Fleet) -> Self {
        self.fleet = Some(fleet);
        self
    }

    /// How a command goes to several, if several are meant.
    pub fn as_fleet(&self) -> Option<&Fleet> {
        self.fleet.as_ref()
    }
}

impl fmt::Display for Instances {
    /// For messages: `i-0123456789abcdef0`, `tag Role=k3s`, `name *k3s-master*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            By::Ids(ids) => f.write_str(&ids.join(", ")),
            By::Tags(tags) => {
                for (place, (key, value)) in tags.iter().enumerate() {
                    let before = if place == 0 { "tag " } else { ", " };
                    write!(f, "{before}{}={}", key.escape_debug(), value.escape_debug())?;
                }
                Ok(())
            }
            #[cfg(feature = "ec2")]
            By::Named(pattern) => write!(f, "name {}", pattern.escape_debug()),
        }
    }
}

/// `i-` with 8 digits (old) or 17, `mi-` with 17.
pub(super) fn is_id(id: &str) -> bool {
    let (digits, lengths): (&str, &[usize]) = match (id.strip_prefix("i-"), id.strip_prefix("mi-")) {
        (Some(digits), _) => (digits, &[8, 17]),
        (_, Some(digits)) => (digits, &[17]),
        _ => return false,
    };
    lengths.contains(&digits.len()) && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(made: Result<Instances>) -> String {
        made.map_or_else(|error| error.message().to_owned(), |instances| instances.to_string())
    }

    #[test]
    fn ids_are_checked() {
        let check =
            |ids: &[&str], expected: &str| assert_eq!(says(Instances::ids(ids.iter().copied())), expected);
        check(&["i-0123456789abcdef0"], "i-0123456789abcdef0");
        check(&["i-01234567", "mi-0123456789abcdef0"], "i-01234567, mi-0123456789abcdef0");
        check(&[], "no node was named");
        check(&["i-01234567", "i-01234567"], "node i-01234567 was named twice");
        for wrong in [
            "",
            "i-",
            "i-0123456789ABCDEF0",
            "mi-01234567",
            "x-01234567",
            "i-0123456g",
            "i-0123456789abcdef0 ",
        ] {
            check(&[wrong], &format!("\"{wrong}\" is no id of a node"));
        }
        check(&["i-\n"], "\"i-\\n\" is no id of a node");
        let many = (0..51).map(|number| format!("i-{number:017x}"));
        assert_eq!(says(Instances::ids(many)), "more than 50 nodes were named");
    }

    #[test]
    fn tags_are_checked() {
        let check = |key: &str, value: &str, expected: &str| {
            assert!(says(Instances::tag(key, value)).contains(expected), "{key}={value}");
        };
        check("Role", "k3s", "tag Role=k3s");
        check("Role", "", "tag Role=");
        check("", "k3s", "is no tag");
        check("Role", "a\nb", "is no tag");
        check("Name", "*k3s*", "no tag by a wildcard");
        assert!(Instances::tag(&*"k".repeat(129), "v").is_err());
        assert!(Instances::tag("k", &*"v".repeat(257)).is_err());
        let two = Instances::tag("Role", "k3s").and_then(|one| one.and_tag("Env", "prod"));
        assert_eq!(says(two), "tag Role=k3s, Env=prod");
        assert!(Instances::id("i-01234567").unwrap().and_tag("a", "b").is_err());
    }

    #[cfg(feature = "ec2")]
    #[test]
    fn names_are_checked() {
        assert_eq!(says(Instances::named("*k3s-master*")), "name *k3s-master*");
        assert!(Instances::named("").is_err());
        assert!(Instances::named("a\0").is_err());
    }
}
