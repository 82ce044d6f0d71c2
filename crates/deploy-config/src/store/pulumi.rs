//! Pulumi's stack files.

use deploy_core::error::{Error, ErrorKind, Result};

use super::file_store;
use super::form::Paths;
use crate::edit::{Format, KeyPath, Reading, Step};

#[derive(Debug)]
pub(super) struct Stack;

const CONFIG: &str = "config";

/// What holds the text of an encrypted value.
const SECURE: &str = "secure";

impl Paths for Stack {
    fn noun(&self) -> &'static str {
        "Pulumi stack file"
    }

    fn format(&self) -> Format {
        Format::Yaml
    }

    fn path(&self, key: &str) -> Result<KeyPath> {
        let help = "write it as project:key, or project:key.path for what is inside";
        let (project, rest) = key
            .split_once(':')
            .filter(|(project, _)| !project.is_empty() && !project.contains(['.', '[', '"', '=']))
            .ok_or_else(|| Error::invalid("its project is missing").help(help))?;
        let inner: KeyPath = rest.parse()?;
        let mut steps = inner.steps().iter().cloned();
        let Some(Step::Key(first)) = steps.next() else {
            return Err(Error::invalid("a name must follow the project").help(help));
        };
        let first = Step::Key(format!("{project}:{first}"));
        KeyPath::new([Step::Key(CONFIG.into()), first].into_iter().chain(steps))
    }

    fn check(&self, text: &Reading<'_>, path: &KeyPath) -> Result<()> {
        // From `config.project:key` inwards each step may be where an encrypted value starts.
        let secure = path.steps().iter().skip(2).any(|step| *step == Step::Key(SECURE.into()));
        if !secure && !(2..=path.steps().len()).any(|length| text.has(path, length, SECURE)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, "the value is encrypted, and is neither read nor changed")
            .help("use pulumi config set --secret"))
    }
}

file_store! {
    /// A stack file of Pulumi, `Pulumi.<stack>.yaml`; keys are `project:key` below `config:`, and
    /// `project:key.path` for what is inside a value.
    ///
    /// Encrypted values (`secure:`) are [`Forbidden`](ErrorKind::Forbidden). A file that is not there is made, as
    /// `pulumi config set` makes it.
    PulumiStack, Stack
}
