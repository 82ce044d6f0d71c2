//! Which key stands in which file.

use std::collections::BTreeMap;

use deploy_core::error::{Error, Result};

use crate::store::FileKind;

/// What stands between a file's name and the key in it.
const SEPARATOR: char = '#';

/// A file in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: String,
    pub(super) kind: FileKind,
}

/// Files by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    named: BTreeMap<String, Named>,
    /// Before and after the name, for all other names.
    pattern: Option<(String, String, FileKind)>,
}

/// A key, taken apart.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a str,
    pub(super) file: Named,
}

impl Files {
    pub(super) fn add(&mut self, name: &str, path: &str, kind: FileKind) -> Result<()> {
        let refused = |why: &str| Err(Error::invalid(why).on(format!("file \"{}\"", name.escape_debug())));
        if name.is_empty() || name.contains(SEPARATOR) || name.contains(char::is_control) {
            return refused("a name is not empty, and has no # and no control character");
        }
        check_path(path)?;
        let file = Named { path: path.to_owned(), kind };
        if self.named.insert(name.to_owned(), file).is_some() {
            return refused("it is named twice");
        }
        Ok(())
    }

    pub(super) fn add_pattern(&mut self, pattern: &str, kind: FileKind) -> Result<()> {
        let about = |error: Error| error.on(format!("files {}", pattern.escape_debug()));
        let parts = pattern.split_once('*').filter(|(_, after)| !after.contains('*'));
        let Some((before, after)) = parts else {
            return Err(about(Error::invalid("one star must stand for the name")));
        };
        check_path(&format!("{before}name{after}"))?;
        if self.pattern.is_some() {
            return Err(about(Error::invalid("there is a pattern already")));
        }
        self.pattern = Some((before.to_owned(), after.to_owned(), kind));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.pattern.is_none()
    }

    /// The file of a key, and what it is called there.
    pub(super) fn place<'a>(&self, key: &'a str) -> Result<Place<'a>> {
        let about = |error: Error| error.on(format!("key \"{}\"", key.escape_debug()));
        let Some((name, inner)) = key.split_once(SEPARATOR) else {
            return Err(about(Error::invalid("its file is missing").help("write it as file#key")));
        };
        let file = match (self.named.get(name), &self.pattern) {
            (Some(file), _) => file.clone(),
            (None, Some((before, after, kind))) => {
                let path = format!("{before}{name}{after}");
                if name.is_empty() || name.contains('/') || check_path(&path).is_err() {
                    return Err(about(Error::invalid("this is no name of a file")));
                }
                Named { path, kind: *kind }
            }
            (None, None) => {
                let known: Vec<&str> = self.named.keys().take(8).map(String::as_str).collect();
                return Err(about(Error::invalid(format!("no file is called \"{}\"", name.escape_debug())))
                    .help(format!("known are: {}", known.join(", "))));
            }
        };
        Ok(Place { name, key: inner, file })
    }
}

/// A path inside of the repository, and not of its administration.
fn check_path(path: &str) -> Result<()> {
    let good = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    if path.contains(char::is_control) || !path.split('/').all(good) {
        return Err(Error::invalid("this is no path of a file in a repository")
            .on(path.escape_debug())
            .help("write it from the repository's top, as in apps/shop/values.yaml"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_file() {
        let mut files = Files::default();
        files.add("shop", "envs/shop.yaml", FileKind::Yaml).unwrap();
        files.add_pattern("apps/*/kustomization.yaml", FileKind::Kustomization).unwrap();
        let check = |key: &str, expect: Option<(&str, &str)>| {
            let found = files.place(key).ok().map(|place| (place.file.path, place.key.to_owned()));
            assert_eq!(found, expect.map(|(path, key)| (path.to_owned(), key.to_owned())), "{key}");
        };
        check("shop#image.tag", Some(("envs/shop.yaml", "image.tag")));
        check("web#ghcr.io/acme/web", Some(("apps/web/kustomization.yaml", "ghcr.io/acme/web")));
        check("web#a#b", Some(("apps/web/kustomization.yaml", "a#b")));
        for key in ["shop", "#a", "../x#a", "a/b#a", "..#a", ".git#a", "a\nb#a"] {
            check(key, None);
        }
    }

    #[test]
    fn paths_stay_inside() {
        let check = |path: &str, good: bool| {
            assert_eq!(Files::default().add("x", path, FileKind::Yaml).is_ok(), good, "{path:?}");
        };
        check("a.yaml", true);
        check("-a/b c.yaml", true);
        for path in
            ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".git/config", "a/.GIT/x", "a\nb", "a\0"]
        {
            check(path, false);
        }
        let mut files = Files::default();
        assert!(files.is_empty());
        for pattern in ["apps", "*/*", "../*", "/*"] {
            assert!(files.add_pattern(pattern, FileKind::Yaml).is_err(), "{pattern}");
        }
        files.add_pattern("*.yaml", FileKind::Yaml).unwrap();
        assert!(files.add_pattern("*.json", FileKind::Json).is_err());
        files.add("x", "a.yaml", FileKind::Yaml).unwrap();
        assert!(files.add("x", "b.yaml", FileKind::Yaml).is_err());
        assert!(files.add("a#b", "b.yaml", FileKind::Yaml).is_err());
    }
}
