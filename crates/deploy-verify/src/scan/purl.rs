//! Package URLs, as far as an ignore list needs them.

use deploy_core::error::{Error, Result};

/// `pkg:type/namespace/name@version?qualifiers`: what it leaves out may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Purl {
    /// Type, namespace and name, compared as one text.
    package: String,
    version: Option<String>,
    qualifiers: Vec<String>,
}

impl Purl {
    pub(super) fn new(text: &str) -> Result<Self> {
        let parsed = Self::parse(text);
        parsed.ok_or_else(|| Error::invalid("it is no package URL, as in pkg:deb/debian/libssl1.1"))
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        // A scope's `@` stands at the start of a part: pkg:npm/@angular/core@1.
        let (package, version) = match rest.rsplit_once('@') {
            Some((package, version)) if !package.ends_with('/') && !version.contains('/') => {
                (package, Some(version))
            }
            _ => (rest, None),
        };
        let (kind, name) = package.split_once('/')?;
        if kind.is_empty() || name.trim_matches('/').is_empty() {
            return None;
        }
        Some(Self {
            package: format!("{}/{}", kind.to_ascii_lowercase(), decoded(name.trim_matches('/'))),
            version: version.map(decoded),
            qualifiers: qualifiers.split('&').filter(|pair| !pair.is_empty()).map(decoded).collect(),
        })
    }

    /// Whether a package is meant by it. What is no package URL is meant by none.
    pub(super) fn covers(&self, package: &str) -> bool {
        Self::parse(package).is_some_and(|found| {
            self.package == found.package
                && (self.version.is_none() || self.version == found.version)
                && self.qualifiers.iter().all(|pair| found.qualifiers.contains(pair))
        })
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = match (first, more) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { more.get(2..).unwrap_or_default() } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn covers_what_it_names() {
        let check = |purl: &str, package: &str, expect: bool| {
            assert_eq!(Purl::new(purl).unwrap().covers(package), expect, "{purl} {package}");
        };
        let found = "pkg:deb/debian/libssl1.1@1.1.1n-0%2Bdeb11u3?arch=amd64&distro=debian-11.4";
        check("pkg:deb/debian/libssl1.1", found, true);
        check("pkg:deb/debian/libssl1.1@1.1.1n-0+deb11u3", found, true);
        check("pkg:deb/debian/libssl1.1@1.1.1o", found, false);
        check("pkg:deb/debian/libssl1.1?arch=amd64", found, true);
        check("pkg:deb/debian/libssl1.1?arch=arm64", found, false);
        check("pkg:deb/debian/libssl", found, false);
        check("pkg:rpm/debian/libssl1.1", found, false);
        check("pkg:npm/%40angular/core", "pkg:npm/%40angular/core@1.2", true);
        check("pkg:npm/@angular/core", "pkg:npm/%40angular/core@1.2", true);
        check("pkg:npm/@angular/core@1.2", "pkg:npm/%40angular/core@1.2", true);
        check("pkg:golang/a/b", "libssl1.1", false);
        for text in ["", "pkg:", "pkg:deb", "pkg:/a", "pkg:deb//", "deb/a"] {
            assert!(Purl::new(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(purl in "(pkg:)?[a%@/?&=#\\PC]{0,30}", package in "\\PC{0,30}") {
            if let Ok(purl) = Purl::new(&purl) {
                purl.covers(&package);
            }
        }
    }
}
