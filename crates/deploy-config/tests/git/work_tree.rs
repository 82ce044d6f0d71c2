//! A person's open work tree: what is refused, what stays, and what is done.

use std::fs;
use std::path::{Path, PathBuf};

use deploy_config::git::{GitStore, Repository};
use deploy_core::error::ErrorKind;

use crate::support::{Server, executable, git, git_output, plain, put, refused, set, value, yaml};

struct Tree {
    server: Server,
    path: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let server =
            Server::new(&[("shop.yaml", "tag: v1\n"), ("web.yaml", "tag: v1\n"), (".gitignore", "*.log\n")]);
        let path = server.work_tree();
        Self { server, path }
    }

    fn repository(&self) -> Repository {
        plain(Repository::work_tree(&self.path))
    }

    fn store(&self) -> GitStore {
        yaml(self.repository()).build().unwrap()
    }

    fn dirty_store(&self) -> GitStore {
        yaml(self.repository()).allow_dirty(true).build().unwrap()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path, arguments)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path.join(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path.join(path)).unwrap()
    }

    /// All that a person has there.
    fn sight(&self) -> Vec<String> {
        let mut sight = vec![
            self.git(&["status", "--porcelain"]),
            self.git(&["rev-parse", "HEAD"]),
            self.git(&["diff", "HEAD"]),
        ];
        let ours = |path: &Path| path.file_name().is_some_and(|name| name != ".git");
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        sight.extend(files.iter().filter(|path| ours(path)).map(|path| fs::read_to_string(path).unwrap()));
        sight
    }

    /// The edit is refused, and all is as it was, here and on the server.
    async fn refuses(&self, store: &GitStore, message: &str) {
        let before = (self.sight(), self.server.count());
        refused(store, put("shop#tag", "v2"), ErrorKind::Conflict, message).await;
        assert_eq!((self.sight(), self.server.count()), before, "{message}");
    }
}

#[tokio::test]
async fn branch_index_and_files_follow_the_remote() {
    let tree = Tree::new();
    // Somebody pushed meanwhile, and nobody pulled.
    tree.server.commit_files(&[("web.yaml", "tag: v7\n"), ("new.yaml", "a: 1\n")], "by hand");
    set(&tree.store(), &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(tree.git(&["rev-parse", "HEAD"]), git(&tree.server.bare(), &["rev-parse", "main"]));
    assert_eq!(tree.git(&["status", "--porcelain"]), "");
    assert_eq!((tree.read("shop.yaml"), tree.read("web.yaml")), ("tag: v2\n".into(), "tag: v7\n".into()));
    assert_eq!(
        tree.git(&["rev-parse", "origin/main"]),
        tree.git(&["rev-parse", "HEAD"]),
        "git knows what was pushed"
    );
    assert_eq!(tree.server.log("main", "%an %s")[0], "deploy a test");
}

#[tokio::test]
async fn a_folder_inside_of_the_work_tree_is_enough() {
    let tree = Tree::new();
    fs::create_dir(tree.path.join("deep")).unwrap();
    let store = yaml(plain(Repository::work_tree(tree.path.join("deep")))).build().unwrap();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(tree.read("shop.yaml"), "tag: v2\n");
}

#[tokio::test]
async fn a_linked_work_tree_is_one() {
    let tree = Tree::new();
    tree.git(&["switch", "--quiet", "-c", "elsewhere"]);
    let linked = tree.server.path("linked");
    tree.git(&["worktree", "add", "--quiet", linked.to_str().unwrap(), "main"]);
    let store = yaml(plain(Repository::work_tree(&linked))).build().unwrap();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(fs::read_to_string(linked.join("shop.yaml")).unwrap(), "tag: v2\n");
    assert_eq!(
        (tree.read("shop.yaml").as_str(), tree.git(&["status", "--porcelain"]).as_str()),
        ("tag: v1\n", "")
    );
}

#[tokio::test]
async fn a_dirty_work_tree_is_refused_unless_asked() {
    let tree = Tree::new();
    tree.write("web.yaml", "tag: mine\n");
    tree.refuses(&tree.store(), "it is dirty: web.yaml").await;
    tree.git(&["add", "web.yaml"]);
    tree.write("README", "mine\n");
    tree.refuses(&tree.store(), "it is dirty: README, web.yaml").await;
    tree.write("untracked", "mine\n");
    set(&tree.dirty_store(), &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(
        tree.git(&["status", "--porcelain"]),
        " M README\nM  web.yaml\n?? untracked",
        "theirs is as it was"
    );
    assert_eq!((tree.read("shop.yaml"), tree.read("web.yaml")), ("tag: v2\n".into(), "tag: mine\n".into()));
    assert_eq!(git(&tree.server.bare(), &["diff", "--name-only", "main~1", "main"]), "shop.yaml");
}

#[tokio::test]
async fn what_is_in_the_way_is_never_lost() {
    let tree = Tree::new();
    tree.write("shop.yaml", "tag: mine\n");
    tree.refuses(&tree.dirty_store(), "what is not committed is in the way: shop.yaml").await;
    tree.git(&["add", "shop.yaml"]);
    tree.refuses(&tree.dirty_store(), "what is not committed is in the way: shop.yaml").await;
    tree.git(&["reset", "--quiet", "--hard"]);
    // What the way to the remote's state would change.
    tree.server.commit_files(&[("web.yaml", "tag: v7\n"), ("new.yaml", "a: 1\n")], "by hand");
    tree.write("web.yaml", "tag: mine\n");
    tree.refuses(&tree.dirty_store(), "what is not committed is in the way: web.yaml").await;
    tree.git(&["reset", "--quiet", "--hard"]);
    tree.write("new.yaml", "mine\n");
    tree.refuses(&tree.store(), "what is not committed is in the way: new.yaml").await;
    fs::remove_file(tree.path.join("new.yaml")).unwrap();
    // Ignored, and so not known to git either.
    let other = tree.server.path("other");
    fs::write(other.join("a.log"), "theirs\n").unwrap();
    git(&other, &["add", "--force", "a.log"]);
    git(&other, &["commit", "--quiet", "-m", "forced in"]);
    git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    tree.write("a.log", "mine\n");
    tree.refuses(&tree.store(), "what is not committed is in the way: a.log").await;
}

#[tokio::test]
async fn a_head_that_is_elsewhere_is_refused() {
    let tree = Tree::new();
    tree.git(&["switch", "--quiet", "--detach"]);
    tree.refuses(&tree.store(), "no branch is checked out (a detached HEAD) (git switch main)").await;
    tree.git(&["switch", "--quiet", "-c", "feature"]);
    tree.refuses(&tree.store(), "it is on branch feature, not on main (git switch main)").await;
    tree.git(&["switch", "--quiet", "main"]);
    set(&tree.store(), &[put("shop#tag", "v2")]).await.unwrap();
}

#[tokio::test]
async fn commits_that_are_not_pushed_stay_so() {
    let tree = Tree::new();
    tree.write("README", "mine\n");
    tree.git(&["commit", "--quiet", "--all", "-m", "not ready"]);
    tree.refuses(&tree.store(), "the branch has commits that are not on the remote").await;
    tree.server.commit_files(&[("README", "theirs\n")], "by hand");
    tree.refuses(&tree.store(), "the branch has commits that are not on the remote").await;
    // A merge with conflicts, and then a rebase.
    tree.git(&["fetch", "--quiet", "origin"]);
    assert!(!git_output(&tree.path, &["merge", "--quiet", "origin/main"]).status.success());
    tree.refuses(&tree.dirty_store(), "a merge is in progress (finish or abort it first)").await;
    tree.git(&["merge", "--abort"]);
    assert!(!git_output(&tree.path, &["rebase", "--quiet", "origin/main"]).status.success());
    tree.refuses(&tree.dirty_store(), "a rebase is in progress").await;
    tree.git(&["rebase", "--abort"]);
    assert!(!git_output(&tree.path, &["cherry-pick", "origin/main"]).status.success());
    tree.refuses(&tree.dirty_store(), "a cherry-pick is in progress").await;
}

#[tokio::test]
async fn a_push_that_fails_leaves_no_commit() {
    let tree = Tree::new();
    tree.server.hook("pre-receive", "echo no >&2; exit 1");
    let before = tree.sight();
    refused(&tree.store(), put("shop#tag", "v2"), ErrorKind::Forbidden, "pre-receive hook declined: no")
        .await;
    assert_eq!(tree.sight(), before);
    fs::remove_file(tree.server.bare().join("hooks/pre-receive")).unwrap();
    // The owner's own hook.
    executable(&tree.path.join(".git/hooks/pre-push"), "echo not on Fridays >&2; exit 1");
    set(&tree.store(), &[put("shop#tag", "v2")]).await.unwrap_err();
    assert_eq!((tree.sight(), tree.server.count()), (before, 3 - 1));
}

#[tokio::test]
async fn a_work_tree_that_cannot_follow_is_told() {
    let tree = Tree::new();
    // As if the owner's editor wrote it between the check and the end.
    let script = format!("echo mine > '{}'", tree.path.join("shop.yaml").display());
    tree.server.hook("post-receive", &script);
    let store = tree.store();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    let behind = store.last_commit().unwrap().work_tree_behind.unwrap();
    assert!(behind.contains("would be overwritten"), "{behind}");
    assert_eq!(
        (tree.read("shop.yaml"), tree.server.file("main", "shop.yaml")),
        ("mine\n".into(), "tag: v2".into())
    );
    // The next one goes on from there.
    fs::remove_file(tree.server.bare().join("hooks/post-receive")).unwrap();
    tree.git(&["checkout", "--quiet", "shop.yaml"]);
    set(&store, &[put("shop#tag", "v3")]).await.unwrap();
    assert_eq!(
        (tree.read("shop.yaml").as_str(), store.last_commit().unwrap().work_tree_behind),
        ("tag: v3\n", None)
    );
}

#[tokio::test]
async fn without_pushes_the_remote_is_left_alone() {
    let tree = Tree::new();
    fs::rename(tree.server.bare(), tree.server.path("away")).unwrap();
    let store = yaml(tree.repository()).push(false).build().unwrap();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(
        (tree.read("shop.yaml").as_str(), tree.git(&["status", "--porcelain"]).as_str()),
        ("tag: v2\n", "")
    );
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v2"));
    let store = yaml(tree.repository()).push(false).branch_per_change("deploy/{change}").build().unwrap();
    for _ in 0..2 {
        set(&store, &[put("shop#tag", "v3")]).await.unwrap();
    }
    let made = store.last_commit().unwrap();
    assert_eq!(tree.git(&["show", &format!("{}:shop.yaml", made.branch)]), "tag: v3");
    assert_eq!(
        (tree.read("shop.yaml").as_str(), tree.git(&["branch", "--show-current"]).as_str()),
        ("tag: v2\n", "main")
    );
}

#[tokio::test]
async fn a_proposal_needs_nothing_of_the_work_tree() {
    let tree = Tree::new();
    tree.git(&["switch", "--quiet", "--detach"]);
    tree.write("shop.yaml", "tag: mine\n");
    let before = tree.sight();
    let store = yaml(tree.repository()).branch_per_change("deploy/{change}").build().unwrap();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    let made = store.last_commit().unwrap();
    assert_eq!(tree.server.file(&made.branch, "shop.yaml"), "tag: v2");
    assert_eq!(tree.sight(), before);
}

#[tokio::test]
async fn settings_of_the_owner_change_nothing() {
    let tree = Tree::new();
    for (name, value) in [
        ("core.autocrlf", "true"),
        ("commit.gpgSign", "true"),
        ("push.default", "nothing"),
        ("merge.ff", "false"),
        ("log.showSignature", "true"),
        ("status.showUntrackedFiles", "all"),
        ("diff.noprefix", "true"),
        ("pull.rebase", "true"),
        ("push.gpgSign", "true"),
        ("color.ui", "always"),
        ("core.commentChar", "a"),
        ("i18n.commitEncoding", "latin1"),
    ] {
        tree.git(&["config", name, value]);
    }
    executable(&tree.path.join(".git/hooks/commit-msg"), "exit 1");
    executable(&tree.path.join(".git/hooks/pre-commit"), "exit 1");
    set(&tree.store(), &[put("shop#tag", "größe")]).await.unwrap();
    assert_eq!(tree.server.file("main", "shop.yaml"), "tag: \"größe\"");
    assert_eq!(tree.server.log("main", "%s")[0], "a test");
    assert_eq!(tree.git(&["status", "--porcelain"]), "");
}
