//! Namespaces that go whatever happens.

use crate::Result;
use crate::program::Program;

/// Namespaces of one work.
pub(crate) struct Namespaces<'a> {
    kubectl: &'a Program,
    prefix: String,
    names: Vec<String>,
}

impl<'a> Namespaces<'a> {
    pub(crate) fn new(kubectl: &'a Program, prefix: String) -> Self {
        Self { kubectl, prefix, names: Vec::new() }
    }

    pub(crate) fn create(&mut self, suffix: &str) -> Result<String> {
        let name = format!("{}-{suffix}", self.prefix);
        // It may come to be though the command fails.
        self.names.push(name.clone());
        self.kubectl.run(&["create", "namespace", &name])?.good()?;
        Ok(name)
    }

    /// Removes them and waits until they are gone, so that what comes next is measured in peace.
    pub(crate) fn remove(mut self) -> Result<()> {
        self.delete(&["--wait", "--timeout=3m"])
    }

    fn delete(&mut self, how: &[&str]) -> Result<()> {
        let names = std::mem::take(&mut self.names);
        if names.is_empty() {
            return Ok(());
        }
        let mut args = vec!["delete", "namespace", "--ignore-not-found"];
        args.extend(how);
        args.extend(names.iter().map(String::as_str));
        self.kubectl.run_undisturbed(&args)
    }
}

/// After an error, a panic or Ctrl-C.
impl Drop for Namespaces<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.delete(&["--wait=false"]) {
            eprintln!("namespaces were not removed: {error}");
        }
    }
}
