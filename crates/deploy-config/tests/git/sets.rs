//! What a change leaves in the repository.

use std::sync::Arc;

use deploy_core::memory::MemoryRegistry;
use deploy_core::promotion::{Environment, Form, Promotion};
use deploy_core::run::Run;
use std::fs;

use deploy_config::git::{GitStore, Repository};
use deploy_config::store::FileKind;
use deploy_core::config::{ConfigStore, Edit, Expect, Note};
use deploy_core::error::ErrorKind;

use crate::support::{Server, command, executable, git, plain, put, refused, set, value, yaml};

#[tokio::test]
async fn many_files_are_one_commit_and_one_push() {
    let text = |app: usize| format!("images:\n# {app}\n- name: api\n  newTag: v1\n");
    let files: Vec<(String, String)> =
        (0..90).map(|app| (format!("apps/app{app}/kustomization.yaml"), text(app))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let server = Server::new(&files);
    server.hook("post-receive", "cat >> pushes");
    let store = GitStore::builder(server.repository())
        .files("apps/*/kustomization.yaml", FileKind::Kustomization)
        .build()
        .unwrap();
    let edits: Vec<Edit> = (0..90).map(|app| put(&format!("app{app}#api"), "api:v2")).collect();
    let before = server.count();
    set(&store, &edits).await.unwrap();
    assert_eq!(server.count(), before + 1);
    assert_eq!(fs::read_to_string(server.bare().join("pushes")).unwrap().lines().count(), 1);
    for app in 0..90 {
        let path = format!("apps/app{app}/kustomization.yaml");
        assert_eq!(format!("{}\n", server.file("main", &path)), text(app).replace("v1", "v2"));
    }
    assert_eq!(
        git(&server.bare(), &["ls-tree", "-r", "--name-only", "main"]).lines().count(),
        91,
        "all else is as it was"
    );
}

/// The whole of a promotion: what stands is read at once, and written at once.
#[tokio::test]
async fn a_promotion_of_many_apps_is_one_commit_and_one_push() {
    let text = "image:\n  tag: main.20261120-080000.1a2b3c4 # by deploy\n";
    let files: Vec<(String, &str)> =
        (0..90).map(|app| (format!("apps/app{app}/values.yaml"), text)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let server = Server::new(&files);
    server.hook("post-receive", "cat >> pushes");
    let store = GitStore::builder(counting(&server))
        .files("apps/*/values.yaml", FileKind::HelmValues)
        .build()
        .unwrap();
    let registry = MemoryRegistry::new();
    let mut environment =
        Environment::new("dev", Arc::new(store)).policy("scheme=branch.timestamp.sha".parse().unwrap());
    let mut images = Vec::new();
    for app in 0..90 {
        let (name, repository) = (format!("app{app}"), format!("registry.example/app{app}"));
        for tag in ["main.20261120-080000.1a2b3c4", "main.20261121-080000.5d6e7f8"] {
            registry.put(&format!("{repository}:{tag}").parse().unwrap(), "commit");
        }
        environment = environment.writes(&name, format!("{name}#image.tag"), Form::Tag);
        images.push((name, repository.parse().unwrap()));
    }
    let promotion = Promotion::new("shop", Arc::new(registry)).environment(environment);
    let promotion =
        images.into_iter().fold(promotion, |promotion, (name, image)| promotion.image(name, image));
    let before = server.count();
    let promoted = promotion.run(Run::new()).await.unwrap();
    assert_eq!(promoted[0].to_string(), "dev: promoted 90 images to 5d6e7f8");
    assert_eq!(server.count(), before + 1);
    assert_eq!(fs::read_to_string(server.bare().join("pushes")).unwrap().lines().count(), 1);
    let runs = fs::read_to_string(server.path("runs")).unwrap();
    assert_eq!(runs.lines().filter(|run| *run == "fetch").count(), 2, "one to read, one to write: {runs}");
    let text = text.replace("main.20261120-080000.1a2b3c4", "main.20261121-080000.5d6e7f8");
    assert_eq!(format!("{}\n", server.file("main", "apps/app89/values.yaml")), text);
}

#[tokio::test]
async fn the_commit_says_who_why_and_what() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let store = yaml(server.repository()).message("deploy({env}): {message}").build().unwrap();
    let note = Note::new("v2 of the shop\n\nFaster.")
        .fact("env", "dev")
        .fact("image", "ghcr.io/acme/shop:v2")
        .fact("digest", "sha256:ab\nSigned-off-by: nobody");
    store.set(&[put("shop#tag", "v2")], &note).await.unwrap();
    let shown = git(&server.bare(), &["log", "-1", "--format=%an <%ae> %cn%n%B", "main"]);
    assert_eq!(
        shown.trim_end(),
        "deploy <deploy@example.com> deploy\ndeploy(dev): v2 of the shop\n\nFaster.\n\nEnv: dev\n\
         Image: ghcr.io/acme/shop:v2\nDigest: sha256:ab Signed-off-by: nobody"
    );
    let trailers = git(&server.bare(), &["log", "-1", "--format=%(trailers:only,unfold)", "main"]);
    assert_eq!(trailers.trim_end().lines().count(), 3, "git takes them for trailers: {trailers}");
    let commit = store.last_commit().unwrap();
    assert_eq!(
        (commit.commit, commit.branch.as_str()),
        (git(&server.bare(), &["rev-parse", "main"]), "main")
    );
}

#[tokio::test]
async fn what_stands_already_makes_no_commit() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    server.hook("pre-receive", "echo no pushes please; exit 1");
    let store = server.store();
    set(&store, &[put("shop#tag", "v1"), Edit::remove("shop#other")]).await.unwrap();
    assert_eq!(store.last_commit(), None);
}

#[tokio::test]
async fn bytes_and_modes_stay() {
    let server = Server::new(&[(".gitattributes", "*.yaml text eol=crlf ident\n")]);
    let other = server.path("other");
    let text = "tag: v1\r\n# $Id$ größe\r\nlast: x";
    // As they are, in spite of the attributes.
    fs::write(other.join("raw"), text).unwrap();
    let blob = git(&other, &["hash-object", "-w", "--no-filters", "raw"]);
    fs::remove_file(other.join("raw")).unwrap();
    git(&other, &["update-index", "--add", "--cacheinfo", &format!("100755,{blob},shop.yaml")]);
    git(&other, &["commit", "--quiet", "-m", "raw"]);
    git(&other, &["push", "--quiet", "origin", "HEAD:main"]);
    set(&server.store(), &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(server.file("main", "shop.yaml"), text.replace("v1", "v2"));
    assert!(git(&server.bare(), &["ls-tree", "main", "shop.yaml"]).starts_with("100755 blob"));
}

#[tokio::test]
async fn the_remote_is_seen_as_it_is() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let store = server.store();
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v1"));
    server.commit_files(&[("shop.yaml", "tag: v2\n")], "by hand");
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v2"));
    // Forced back: what others do to the branch is theirs.
    git(&server.bare(), &["update-ref", "refs/heads/main", "main~1"]);
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v1"));
    set(&store, &[put("shop#tag", "v3")]).await.unwrap();
    assert_eq!(server.log("main", "%s"), ["a test", "first", "start"]);
}

/// A program in git's place that counts its runs and does them.
fn counting(server: &Server) -> Repository {
    let script = format!("echo \"$1\" >> '{}'\nexec git \"$@\"", server.path("runs").display());
    executable(&server.path("counting"), &script);
    server.repository().program(server.path("counting"))
}

#[tokio::test]
async fn runs_of_git_are_few() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n"), ("web.yaml", "tag: v1\n")]);
    let store = yaml(counting(&server)).build().unwrap();
    let runs = || {
        let runs = fs::read_to_string(server.path("runs")).unwrap_or_default();
        let _ = fs::remove_file(server.path("runs"));
        runs.lines().collect::<Vec<_>>().join(" ")
    };
    store.get("shop#tag").await.unwrap();
    assert_eq!(runs(), "version config init fetch rev-parse ls-tree cat-file");
    store.get("shop#tag").await.unwrap();
    assert_eq!(runs(), "fetch rev-parse ls-tree cat-file");
    store.get_all(&["shop#tag", "web#tag", "shop#none"].map(str::to_owned)).await.unwrap();
    assert_eq!(runs(), "fetch rev-parse ls-tree cat-file", "all of one commit");
    set(&store, &[put("shop#tag", "v2"), put("web#tag", "v2")]).await.unwrap();
    let expect =
        "fetch rev-parse ls-tree cat-file hash-object read-tree update-index write-tree commit-tree push";
    assert_eq!(runs(), expect);
}

#[tokio::test]
async fn history_goes_as_far_back_as_asked() {
    let server = Server::new(&[("shop.yaml", "tag: v0\n")]);
    for number in 1..=60 {
        server.commit_files(&[("shop.yaml", &format!("tag: v{number}\n"))], &format!("number {number}"));
    }
    server.commit_files(&[("shop.yaml", "tag: [\n")], "broken");
    server.commit_files(&[("shop.yaml", "tag: v60\nother: 1\n")], "mended");
    let store = server.store();
    let past = store.history("shop#tag", 3).await.unwrap();
    let notes: Vec<_> =
        past.iter().map(|past| (past.value.as_deref().unwrap(), past.note.as_deref().unwrap())).collect();
    assert_eq!(notes, [("v60", "number 60"), ("v59", "number 59"), ("v58", "number 58")]);
    assert!(past.iter().all(|past| past.at.is_some()));
    assert_eq!(past[0].version, store.get("shop#tag").await.unwrap().unwrap().version);
    // Further than the first look.
    assert_eq!(store.history("shop#tag", 1000).await.unwrap().len(), 61);
    set(&store, &[Edit::remove("shop#tag")]).await.unwrap();
    let values: Vec<_> =
        store.history("shop#tag", 2).await.unwrap().into_iter().map(|past| past.value).collect();
    assert_eq!(values, [None, Some("v60".to_owned())]);
    assert!(store.history("shop#never", 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_branch_per_change_leaves_the_base_alone() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let build = || yaml(server.repository()).branch_per_change("deploy/{image}").build().unwrap();
    let store = build();
    let note = Note::new("v2").fact("image", "acme/shop:v2");
    let edits = [put("shop#tag", "v2").expecting(Expect::Value("v1".into()))];
    store.set(&edits, &note).await.unwrap();
    let made = store.last_commit().unwrap();
    assert_eq!(made.branch, "deploy/acme/shop-v2");
    assert_eq!(
        (server.file("main", "shop.yaml"), server.file(&made.branch, "shop.yaml")),
        ("tag: v1".into(), "tag: v2".into())
    );
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v1"), "nobody merged it");
    // Proposed again, by another run, after the base moved.
    server.commit_files(&[("README", "more\n")], "by hand");
    let again = build();
    again.set(&edits, &note).await.unwrap();
    assert_eq!(again.last_commit().unwrap().commit, made.commit);
    let error = again.set(&[put("shop#tag", "v3")], &note).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let base = yaml(server.repository()).branch_per_change("main").build().unwrap();
    refused(&base, put("shop#tag", "v2"), ErrorKind::InvalidInput, "is the base branch").await;
    // Merged: there is nothing left to propose.
    git(&server.bare(), &["update-ref", "refs/heads/main", &made.commit]);
    let merged = build();
    merged.set(&[put("shop#tag", "v2")], &note).await.unwrap();
    assert_eq!(merged.last_commit(), None);
}

#[tokio::test]
async fn a_commit_is_signed_if_asked_and_only_then() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let key = server.path("key");
    let made =
        command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let plainly =
        server.repository().config("commit.gpgSign", "true").config("user.signingKey", "/no/such/key");
    set(&yaml(plainly).build().unwrap(), &[put("shop#tag", "v2")]).await.unwrap();
    assert!(!git(&server.bare(), &["cat-file", "commit", "main"]).contains("gpgsig"));
    let signed = server.repository().sign_with_ssh(key.display().to_string());
    set(&yaml(signed).build().unwrap(), &[put("shop#tag", "v3")]).await.unwrap();
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    fs::write(server.path("signers"), format!("deploy@example.com {public}")).unwrap();
    let signers = format!("gpg.ssh.allowedSignersFile={}", server.path("signers").display());
    git(&server.bare(), &["-c", &signers, "verify-commit", "main"]);
    let none = server.repository().sign_with_ssh(server.path("none").display().to_string());
    refused(&yaml(none).build().unwrap(), put("shop#tag", "v4"), ErrorKind::InvalidInput, "load public key")
        .await;
    assert_eq!(server.file("main", "shop.yaml"), "tag: v3");
}

#[tokio::test]
async fn a_dropped_call_leaves_a_store_that_works() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let store = server.store();
    let before = server.count();
    for number in 0..12_u64 {
        let edits = [put("shop#tag", "v2")];
        let patience = std::time::Duration::from_millis(3 * number);
        let _ = tokio::time::timeout(patience, set(&store, &edits)).await;
    }
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!((server.count(), server.file("main", "shop.yaml")), (before + 1, "tag: v2".to_owned()));
    let tree = server.work_tree();
    let store = yaml(plain(Repository::work_tree(&tree))).build().unwrap();
    // What a git leaves that is killed while it writes down what it fetched.
    let ours = tree.join(".git/refs/deploy-config/heads");
    fs::create_dir_all(&ours).unwrap();
    fs::write(ours.join("main.lock"), "").unwrap();
    set(&store, &[put("shop#tag", "v2"), put("shop#other", "0")]).await.unwrap();
    for number in 0..12_u64 {
        let patience = std::time::Duration::from_millis(3 * number);
        let _ = tokio::time::timeout(patience, set(&store, &[put("shop#tag", "v3")])).await;
    }
    set(&store, &[put("shop#tag", "v3"), put("shop#other", "1")]).await.unwrap();
    assert_eq!(server.file("main", "shop.yaml"), "tag: v3\nother: \"1\"");
    assert_eq!(git(&tree, &["status", "--porcelain"]), "");
    assert_eq!(git(&tree, &["rev-parse", "HEAD"]), git(&server.bare(), &["rev-parse", "main"]));
}
