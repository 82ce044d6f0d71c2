//! Patterns of paths.

use deploy_core::error::{Error, Result};
use regex::{Regex, escape};

/// The longest pattern, in bytes.
const LONGEST: usize = 1024;

/// `*` is anything within a folder's name, `**` anything at all, `?` one character; as in Trivy's ignore files, without their `[…]` and `{…}`.
#[derive(Clone, Debug)]
pub(super) struct Glob(Regex);

impl Glob {
    pub(super) fn new(pattern: &str) -> Result<Self> {
        if pattern.len() > LONGEST {
            return Err(Error::invalid(format!("a path is longer than {LONGEST} bytes")));
        }
        if let Some(character) = pattern.chars().find(|character| "[]{}\\".contains(*character)) {
            return Err(Error::invalid(format!("'{character}' in a path is not understood"))
                .help("a path may hold *, ** and ?"));
        }
        let mut expression = String::from(r"(?s)\A");
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let (part, length) = match first {
                // Folders, or none.
                '*' if rest.starts_with("**/") => ("(?:.*/)?".into(), 3),
                '*' if rest.starts_with("**") => (".*".into(), 2),
                '*' => ("[^/]*".into(), 1),
                '?' => ("[^/]".into(), 1),
                character => (escape(character.encode_utf8(&mut [0; 4])), character.len_utf8()),
            };
            expression.push_str(&part);
            rest = rest.get(length..).unwrap_or_default();
        }
        expression.push_str(r"\z");
        let compiled = Regex::new(&expression);
        compiled.map(Self).map_err(|error| Error::invalid("a path is too complicated").source(error))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_as_paths_do() {
        let check = |pattern: &str, path: &str, expect: bool| {
            assert_eq!(Glob::new(pattern).unwrap().matches(path), expect, "{pattern} {path}");
        };
        check("usr/bin/app", "usr/bin/app", true);
        check("usr/bin/app", "usr/bin/apps", false);
        check("usr/bin/*", "usr/bin/app", true);
        check("usr/*/app", "usr/local/bin/app", false);
        check("usr/**/app", "usr/local/bin/app", true);
        check("usr/**/app", "usr/app", true);
        check("usr/**/app", "usrapp", false);
        check("usr/**", "usr/a/b", true);
        check("**/x.jar", "x.jar", true);
        check("**/x.jar", "a/yx.jar", false);
        check("a?c", "abc", true);
        check("a?c", "a/c", false);
        check("a.c", "abc", false);
        check("ä*", "äö\nü", true);
        check("", "", true);
        check("", "a", false);
        for pattern in ["[ab]", "{a,b}", "a\\*"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_is_too_odd(pattern in "[*?a/.\\PC]{0,40}", path in "\\PC{0,40}") {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&path);
            }
        }

        #[test]
        fn a_path_matches_itself(path in "[a-z/.+()$^-]{0,40}") {
            prop_assert!(Glob::new(&path).unwrap().matches(&path));
            prop_assert!(Glob::new("**").unwrap().matches(&path));
        }
    }
}
