//! A program that a test writes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A folder of its own for the test `name`, with a program `trivy` that does what the shell script says.
pub fn with_program(name: &str, says: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("says"), says).unwrap();
    // A link, and never written: what another thread forks could still hold it open.
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/fake"), folder.join("trivy")).unwrap();
    folder
}
