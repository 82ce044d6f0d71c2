//! A bare repository, and git as the tests run it themselves.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use deploy_config::git::{GitStore, GitStoreBuilder, Repository};
use deploy_config::store::FileKind;
use deploy_core::config::{ConfigStore, Edit, Note};
use deploy_core::error::{Error, ErrorKind};
use tempfile::TempDir;

/// No test depends on the configuration of who runs it.
const VARIABLES: [(&str, &str); 7] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ("GIT_AUTHOR_NAME", "somebody"),
    ("GIT_AUTHOR_EMAIL", "somebody@example.com"),
    ("GIT_COMMITTER_NAME", "somebody"),
    ("GIT_COMMITTER_EMAIL", "somebody@example.com"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

#[expect(clippy::disallowed_methods, reason = "the tests' own edge: what they compare with")]
pub(crate) fn command(program: &str) -> Command {
    Command::new(program)
}

pub(crate) fn git_output(folder: &Path, arguments: &[&str]) -> Output {
    command("git").current_dir(folder).args(arguments).envs(VARIABLES).output().unwrap()
}

/// What git prints, without the last line end.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = git_output(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

/// What every server begins with.
static TEMPLATE: OnceLock<TempDir> = OnceLock::new();

fn template() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "--template=", "remote.git"]);
    fs::create_dir(folder.path().join("remote.git/hooks")).unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main", "--template=", "other"]);
    git(&other, &["remote", "add", "origin", "../remote.git"]);
    fs::write(other.join("README"), "about\n").unwrap();
    git(&other, &["add", "."]);
    git(&other, &["commit", "--quiet", "-m", "start"]);
    git(&other, &["push", "--quiet", "origin", "main"]);
    folder
}

/// A bare repository with one commit on `main`, and a folder beside it.
pub(crate) struct Server {
    pub(crate) folder: TempDir,
}

impl Server {
    /// With these files, besides one that nobody touches.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let server = Self { folder: tempfile::tempdir().unwrap() };
        // Copied, and not made each time: it takes eight runs of git.
        let made = TEMPLATE.get_or_init(template).path().join(".");
        assert!(command("cp").arg("-R").arg(made).arg(server.folder.path()).status().unwrap().success());
        if !files.is_empty() {
            server.commit_files(files, "first");
        }
        server
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.path("remote.git")
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.bare().display())
    }

    /// Somebody else pushes these files.
    pub(crate) fn commit_files(&self, files: &[(&str, &str)], message: &str) {
        let other = self.path("other");
        if git_output(&other, &["fetch", "--quiet", "origin", "main"]).status.success() {
            git(&other, &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
        }
        for (path, text) in files {
            let path = other.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        git(&other, &["add", "--all"]);
        git(&other, &["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&other, &["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    }

    /// A person's clone.
    pub(crate) fn work_tree(&self) -> PathBuf {
        git(self.folder.path(), &["clone", "--quiet", &self.url(), "work"]);
        self.path("work")
    }

    /// A hook of the server.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        executable(&self.bare().join("hooks").join(name), script);
    }

    /// Adds so many commits to a branch; to a new one, always the same.
    pub(crate) fn grow(&self, branch: &str, commits: usize) {
        let mut stream = String::new();
        for number in 0..commits {
            let from = if number == 0 && branch == "main" { "from refs/heads/main^0\n" } else { "" };
            writeln!(stream, "commit refs/heads/{branch}\ncommitter a <a@b> {number} +0000\ndata 0\n{from}")
                .unwrap();
        }
        fs::write(self.path("stream"), stream).unwrap();
        let stream = File::open(self.path("stream")).unwrap();
        let mut import = command("git");
        import.current_dir(self.bare()).args(["fast-import", "--quiet", "--force"]).stdin(stream);
        assert!(import.status().unwrap().success());
    }

    pub(crate) fn log(&self, what: &str, format: &str) -> Vec<String> {
        let out = git(&self.bare(), &["log", &format!("--format={format}"), what]);
        out.lines().map(str::to_owned).collect()
    }

    /// How many commits `main` has.
    pub(crate) fn count(&self) -> usize {
        self.log("main", "%H").len()
    }

    pub(crate) fn file(&self, branch: &str, path: &str) -> String {
        git(&self.bare(), &["show", &format!("{branch}:{path}")])
    }

    pub(crate) fn repository(&self) -> Repository {
        plain(Repository::at(&self.url()))
    }

    /// A store over `*.yaml`, in a clone.
    pub(crate) fn store(&self) -> GitStore {
        yaml(self.repository()).build().unwrap()
    }
}

/// Without anything of the machine's configuration.
pub(crate) fn plain(repository: Repository) -> Repository {
    repository
        .variable("GIT_CONFIG_GLOBAL", "/dev/null")
        .variable("GIT_CONFIG_SYSTEM", "/dev/null")
        .author("deploy", "deploy@example.com")
}

pub(crate) fn yaml(repository: Repository) -> GitStoreBuilder {
    GitStore::builder(repository).files("*.yaml", FileKind::Yaml)
}

pub(crate) fn executable(path: &Path, script: &str) {
    // Written by another process, so that none of ours still has it open when it is run.
    let written = path.with_extension("new");
    fs::write(&written, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&written, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(command("cp").arg("-p").arg(&written).arg(path).status().unwrap().success());
    fs::remove_file(written).unwrap();
}

pub(crate) fn put(key: &str, value: &str) -> Edit {
    Edit::put(key, value)
}

pub(crate) async fn set(store: &GitStore, edits: &[Edit]) -> Result<(), Error> {
    store.set(edits, &Note::new("a test")).await
}

pub(crate) async fn value(store: &GitStore, key: &str) -> Option<String> {
    store.get(key).await.unwrap().map(|entry| entry.value)
}

pub(crate) async fn refused(store: &GitStore, edit: Edit, kind: ErrorKind, message: &str) {
    let error = set(store, &[edit]).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}
