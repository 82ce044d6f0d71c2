//! What a kind of file makes of a text: the keys it has.

use std::fmt;

use deploy_core::error::Result;

use crate::edit::{Change, Format, KeyPath, Reading};

/// One key's new value; `None` removes it.
pub(crate) type Wanted<'a> = (&'a str, Option<&'a str>);

/// A kind of file: which keys it has, and where their values stand. Nothing is read or written here.
pub(crate) trait Form: Send + Sync + fmt::Debug {
    /// What such a file is called.
    fn noun(&self) -> &'static str;

    /// How it is read.
    fn format(&self) -> Format;

    /// What a new file starts with; `None` if none is made.
    fn empty(&self) -> Option<&'static str> {
        Some("")
    }

    /// The value of `key`.
    fn value(&self, text: &Reading<'_>, key: &str) -> Result<Option<String>>;

    /// What has to change in the text for these keys to be so.
    fn changes(&self, text: &Reading<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Change>>;
}

/// A file whose keys are places in it.
pub(crate) trait Paths: Send + Sync + fmt::Debug {
    fn noun(&self) -> &'static str;

    fn format(&self) -> Format;

    fn empty(&self) -> &'static str {
        ""
    }

    /// Where the value of `key` stands.
    fn path(&self, key: &str) -> Result<KeyPath>;

    /// Refuses what must not be looked at.
    fn check(&self, _text: &Reading<'_>, _path: &KeyPath) -> Result<()> {
        Ok(())
    }
}

impl<P: Paths> Form for P {
    fn noun(&self) -> &'static str {
        Paths::noun(self)
    }

    fn format(&self) -> Format {
        Paths::format(self)
    }

    fn empty(&self) -> Option<&'static str> {
        Some(Paths::empty(self))
    }

    fn value(&self, text: &Reading<'_>, key: &str) -> Result<Option<String>> {
        let path = self.path(key)?;
        self.check(text, &path)?;
        text.value(&path)
    }

    fn changes(&self, text: &Reading<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<Change>> {
        let change = |(key, value): &Wanted<'_>| {
            let path = self.path(key)?;
            self.check(text, &path)?;
            Ok(Change { path, value: value.map(str::to_owned) })
        };
        wanted.iter().map(change).collect()
    }
}
