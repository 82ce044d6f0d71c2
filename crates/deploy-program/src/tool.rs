//! A program as it is known here.

use std::path::PathBuf;

use deploy_core::error::{ErrorKind, Result};

use crate::{Program, Version};

/// A program of which it is known what versions work.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a constant is written with it")]
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The oldest version that works.
    pub oldest: Version,
    /// The newest major version that is known to work.
    pub newest: u64,
    /// Where to get it, as a URL.
    pub home: &'static str,
    /// Variables of its environment that would make its output depend on more than the input.
    pub hidden: &'static [&'static str],
}

impl Tool {
    /// The program at `path`, which sees no hidden variable.
    pub fn at(&self, path: impl Into<PathBuf>) -> Program {
        let Self { name, oldest, home, .. } = self;
        Program::new(path).hide(self.hidden).install(format!("install {name} {oldest} or later: {home}"))
    }

    /// How to get it, with all that is known of its versions.
    pub fn install(&self) -> String {
        let Self { name, oldest, newest, home, .. } = self;
        format!("install {name} {oldest} or later, at most {newest}.x: {home}")
    }

    /// Refuses a version that is not known to work.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), about `program`.
    pub fn check(&self, program: &Program, found: Version) -> Result<()> {
        let why = match found {
            _ if found < self.oldest => "too old",
            _ if found.major > self.newest => "newer than what is known to work",
            _ => return Ok(()),
        };
        let message = format!("version {found} is {why}");
        Err(program.error(ErrorKind::InvalidInput, message).help(self.install()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_not_known_are_refused() {
        const TOOL: Tool = Tool {
            name: "helm",
            oldest: Version::new(3, 8),
            newest: 4,
            home: "https://helm.sh",
            hidden: &[],
        };
        let check = |major, minor, expect: Option<&str>| {
            let refused = TOOL.check(&TOOL.at("helm"), Version::new(major, minor)).err();
            assert_eq!(refused.map(|error| error.to_string()).as_deref(), expect);
        };
        let help = "(install helm 3.8 or later, at most 4.x: https://helm.sh)";
        check(3, 7, Some(&format!("helm: version 3.7 is too old {help}")));
        check(3, 8, None);
        check(4, 99, None);
        check(5, 0, Some(&format!("helm: version 5.0 is newer than what is known to work {help}")));
    }
}
