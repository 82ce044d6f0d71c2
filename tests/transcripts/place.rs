//! Where a script's commands run: a directory, a cluster, and the programs.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::mask::Mask;

/// None of the commands takes longer.
const TIMEOUT: Duration = Duration::from_secs(90);

/// What a command came to, masked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A directory with the files, the programs, and the kubeconfig of one cluster. It is gone when this is dropped.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    mask: Mask,
    variables: [(&'static str, String); 3],
}

/// The programs.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) kubectl: String,
    pub(crate) helm: String,
    /// The option by which it goes back when it fails.
    pub(crate) rollback: &'static str,
}

impl Place {
    /// One for the cluster of the kubeconfig, in the namespace of this name.
    pub(crate) async fn new(kubeconfig: &str, namespace: &str, registry: &str, programs: &Programs) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let fill = |text: &str| text.replace("$REGISTRY", registry).replace("$NAMESPACE", namespace);
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts/files");
        copy(&files, &directory.path().join("files"), &fill);
        std::fs::write(directory.path().join("kubeconfig"), kubeconfig).expect("a file");
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).expect("a directory");
        for (name, program) in [("kubectl", &programs.kubectl), ("helm", &programs.helm)] {
            std::os::unix::fs::symlink(program, bin.join(name)).expect("a link");
        }
        let variables = [("NAMESPACE", namespace), ("REGISTRY", registry), ("ROLLBACK", programs.rollback)];
        let variables = variables.map(|(name, value)| (name, value.to_owned()));
        let place = Self { directory, mask: Mask::new(), variables };
        let said = place.run(&format!("kubectl config set-context --current --namespace={namespace}")).await;
        assert_eq!(said.code, Some(0), "{}", said.err);
        place
    }

    /// Runs a command of the shell.
    pub(crate) async fn run(&self, command: &str) -> Said {
        let output = self.start(command);
        let output = tokio::time::timeout(TIMEOUT, output).await;
        let Ok(output) = output else {
            return Said {
                code: None,
                out: String::new(),
                err: format!("it takes longer than {TIMEOUT:?}\n"),
            };
        };
        let text = |bytes: &[u8]| self.mask.text(&String::from_utf8_lossy(bytes), self.directory.path());
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where programs are")]
    async fn start(&self, command: &str) -> Output {
        let directory = self.directory.path();
        let system = std::env::var("PATH").unwrap_or_default();
        Command::new("sh")
            .args(["-c", command])
            .env_clear()
            .env("PATH", format!("{}:{system}", directory.join("bin").display()))
            .env("KUBECONFIG", directory.join("kubeconfig"))
            .env("HOME", directory)
            .envs(self.variables.iter().cloned())
            .current_dir(directory.join("files"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("a shell")
    }
}

/// Copies a directory of texts, each filled in.
fn copy(from: &Path, to: &PathBuf, fill: &impl Fn(&str) -> String) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to, fill);
        } else {
            std::fs::write(&to, fill(&std::fs::read_to_string(&path).expect("a text"))).expect("a file");
        }
    }
}
