//! Many apps in one repository: updated by one change, and by a change each. See README.md.
//!
//! `cargo bench --bench git -- apps=10 times=5`: how many apps, and how often. Needs git.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, starts git and shows numbers"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use deploy_config::git::{GitStore, Repository};
use deploy_config::store::FileKind;
use deploy_core::config::{ConfigStore, Edit, Note};

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: usize| {
        let given = asked.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
        given.map_or(usual, |given| given.parse().unwrap())
    };
    let (apps, times) = (number("apps", 90), number("times", 3));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{apps} apps in {apps} files; each time with a clone of its own, over file://");
    for _ in 0..times {
        let folder = tempfile::tempdir().unwrap();
        repository(folder.path(), apps);
        let edit = |app: usize, tag: &str| Edit::put(format!("app{app}#api"), format!("api:{tag}"));
        let one = runtime.block_on(async {
            let store = store(folder.path());
            let edits: Vec<Edit> = (0..apps).map(|app| edit(app, "v2")).collect();
            let begun = Instant::now();
            store.set(&edits, &Note::new("v2 of all")).await.unwrap();
            begun.elapsed()
        });
        show("one change", one, counted(folder.path()));
        let each = runtime.block_on(async {
            let store = store(folder.path());
            let begun = Instant::now();
            for app in 0..apps {
                store.set(&[edit(app, "v3")], &Note::new("v3 of one")).await.unwrap();
            }
            begun.elapsed()
        });
        show("a change each", each, counted(folder.path()));
    }
}

fn show(what: &str, took: Duration, (commits, pushes): (usize, usize)) {
    println!("{what:>14}: {:>8.3} s, {commits} commits, {pushes} pushes", took.as_secs_f64());
}

fn store(folder: &Path) -> GitStore {
    let repository = Repository::at(&format!("file://{}", folder.join("remote.git").display()))
        .author("deploy", "deploy@example.com")
        .variable("GIT_CONFIG_GLOBAL", "/dev/null");
    GitStore::builder(repository).files("apps/*/kustomization.yaml", FileKind::Kustomization).build().unwrap()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let output = git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A bare repository with a kustomization for each app, which counts its pushes.
fn repository(folder: &Path, apps: usize) {
    git(folder, &["init", "--quiet", "--bare", "--initial-branch=main", "remote.git"]);
    git(folder, &["clone", "--quiet", "remote.git", "other"]);
    let other = folder.join("other");
    for app in 0..apps {
        let path = other.join(format!("apps/app{app}"));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("kustomization.yaml"), "images:\n- name: api\n  newTag: v1\n").unwrap();
    }
    git(&other, &["add", "."]);
    git(&other, &["commit", "--quiet", "-m", "first"]);
    git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    git(&folder.join("remote.git"), &["tag", "seen", "main"]);
    let hook = folder.join("remote.git/hooks/post-receive");
    fs::write(&hook, "#!/bin/sh\necho >> pushes\n").unwrap();
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Commits and pushes since the last look.
fn counted(folder: &Path) -> (usize, usize) {
    let bare = folder.join("remote.git");
    let commits = git(&bare, &["rev-list", "seen..main"]).lines().count();
    git(&bare, &["tag", "--force", "seen", "main"]);
    let pushes = fs::read_to_string(bare.join("pushes")).unwrap().lines().count();
    fs::remove_file(bare.join("pushes")).unwrap();
    (commits, pushes)
}
