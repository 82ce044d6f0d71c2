//! The file with the kubeconfig: there when the cluster answers, gone when it ends.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempPath};

/// By this line a file is known that may be overwritten.
const MARK: &str = "# Written by deploy-sim; it removes this file when it ends.\n";

/// A written kubeconfig, removed when it is dropped, unless another cluster has written its own there.
pub(crate) struct Kubeconfig {
    path: TempPath,
    written: Vec<u8>,
}

impl Drop for Kubeconfig {
    fn drop(&mut self) {
        let is_ours = std::fs::read(&self.path).is_ok_and(|found| found == self.written);
        self.path.disable_cleanup(!is_ours);
    }
}

/// Removes what a killed run has left: who waits for the file must not find that.
pub(crate) fn remove_stale(path: &Path) {
    if is_marked(path) {
        // Who may not remove it is told when it is to be written.
        let _ = std::fs::remove_file(path);
    }
}

fn is_marked(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|found| found.starts_with(MARK.as_bytes()))
}

impl Kubeconfig {
    /// Writes it for its owner's eyes only: whole, or not at all.
    ///
    /// # Errors
    /// It cannot be written, or is somebody else's file.
    pub(crate) fn write(path: Option<&Path>, kubeconfig: &str) -> Result<Self, String> {
        let asked = path.map_or_else(|| "a temporary kubeconfig".into(), |path| path.display().to_string());
        let failed = |error: io::Error| format!("write {asked}: {error}");
        let folder = path.map_or_else(std::env::temp_dir, folder);
        let mut builder = Builder::new();
        let mut file = builder.prefix("deploy-sim-").suffix(".yaml").tempfile_in(folder).map_err(failed)?;
        let written = [MARK, kubeconfig].concat().into_bytes();
        file.write_all(&written).map_err(failed)?;
        let path = match path {
            None => file.into_temp_path(),
            Some(path) => put(file, path)?,
        };
        Ok(Self { path, written })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn put(file: NamedTempFile, path: &Path) -> Result<TempPath, String> {
    let put = if is_marked(path) { file.persist(path) } else { file.persist_noclobber(path) };
    let put = put.map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} is there already, and no file of deploy-sim; name another one", path.display())
        }
        _ => format!("write {}: {}", path.display(), failed.error),
    });
    put?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    TempPath::try_from_path(path).map_err(|error| format!("keep the kubeconfig: {error}"))
}

/// Where a file lies.
fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => ".".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_and_goes_and_spares_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let first = Kubeconfig::write(Some(&path), "one").unwrap();
        assert!(std::fs::read_to_string(first.path()).unwrap().ends_with("one"));
        let second = Kubeconfig::write(Some(&path), "two").unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("two"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        drop(first);
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("two"), "it is the other one's");
        drop(second);
        assert!(!path.exists());
        std::fs::write(&path, MARK).unwrap();
        remove_stale(&path);
        assert!(!path.exists(), "what a killed run has left");
        std::fs::write(&path, "somebody's").unwrap();
        let refused = Kubeconfig::write(Some(&path), "three").err().unwrap();
        assert!(refused.contains("is there already"), "{refused}");
        remove_stale(&path);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "somebody's");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
