use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::guard::{Answer, Gate, Subject};
use crate::memory::{MemoryAncestry, MemoryConfigStore};
use crate::tag::{Hold, Holds};

/// `image<before`, with nothing after the `<` for a new one.
fn subject(changes: &[&str]) -> Subject {
    let mut subject = Subject::new("production");
    for change in changes {
        let (image, before) = change.split_once('<').unwrap_or((change, ""));
        subject.images.push(image.into());
        subject.before.push(Some(before.to_owned()).filter(|before| !before.is_empty()));
    }
    subject
}

async fn told(gate: &dyn Gate, subject: &Subject) -> String {
    match gate.ask(subject).await {
        Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
        Ok(Answer::No { why }) => format!("no: {why}"),
        Err(error) => format!("error: {}", error.message()),
    }
}

fn git() -> Arc<MemoryAncestry> {
    Arc::new(MemoryAncestry::line(["aaaaaaa", "bbbbbbb", "ccccccc"]).commit("ddddddd", ["aaaaaaa"]))
}

#[tokio::test]
async fn never_an_older_tag() {
    let check = async |gate: &NeverDowngrade, changes: &[&str], expect: &str| {
        assert_eq!(told(gate, &subject(changes)).await, expect);
    };
    let versions = NeverDowngrade::new("scheme=semver".parse().unwrap());
    check(&versions, &["a:v1.10.0<a:v1.9.0"], "yes: a:v1.10.0 is newer than v1.9.0").await;
    check(&versions, &["a:v1.0.0<a:v1.0.0"], "yes: a:v1.0.0 is as old as v1.0.0").await;
    check(&versions, &["a:v1.0.0"], "yes: a:v1.0.0 is new").await;
    let two = ["a:v1.0.0<a:v1.0.1", "b:v2.0.0<b:v1.0.0", "c:v1.0.0<c:v3.0.0"];
    let older = "a:v1.0.0 is older than v1.0.1, which it would take the place of; \
                 c:v1.0.0 is older than v3.0.0, which it would take the place of";
    check(&versions, &two, &format!("no: {older}")).await;
    let latest = "the tag \"latest\" cannot be compared: ";
    let answer = told(&versions, &subject(&["a:v1.0.0<a:latest"])).await;
    assert!(answer.starts_with(&format!("error: {latest}")), "{answer}");
    let digest = format!("a@sha256:{}", "0".repeat(64));
    check(&versions, &[&format!("{digest}<a:v1.0.0")], "error: it has no tag to go by").await;
    check(&versions, &[&format!("a:v1.0.0<{digest}")], "error: it has no tag to go by").await;
    check(&versions, &[], "error: the deployment names no image, so there is nothing to look at").await;
    check(
        &versions,
        &["A:v1"],
        "error: invalid image reference \"A:v1\": the repository must be lowercase ('A' at character 1)",
    )
    .await;
    let unknown = Subject { before: Vec::new(), ..subject(&["a:v1.0.0"]) };
    assert_eq!(told(&versions, &unknown).await, "error: it is not known what the images take the place of");

    let allowed = versions.allow("1.2 loses orders");
    check(&allowed, &two, &format!("yes: {older}; allowed: 1.2 loses orders")).await;
    check(&allowed, &["a:v1.10.0<a:v1.9.0"], "yes: a:v1.10.0 is newer than v1.9.0").await;
    assert!(told(&allowed, &subject(&["a:v1.0.0<a:latest"])).await.ends_with("; allowed: 1.2 loses orders"));

    // By the clock for all, by git for one.
    let mixed = NeverDowngrade::new("scheme=branch.timestamp.sha".parse().unwrap());
    let mixed = mixed.image("web".parse().unwrap(), "scheme=sha-short order=ancestry".parse().unwrap());
    let (new, old) = ("main.20261121-080000.aaaaaaa", "main.20261121-070000.ccccccc");
    check(
        &mixed,
        &["web:sha-bbbbbbb<web:sha-aaaaaaa"],
        "error: order=ancestry needs the history, and the gate was given none",
    )
    .await;
    let mixed = mixed.ancestry(git(), "ccccccc");
    check(&mixed, &[&format!("a:{new}<a:{old}")], &format!("yes: a:{new} is newer than {old}")).await;
    check(&mixed, &["web:sha-bbbbbbb<web:sha-aaaaaaa"], "yes: web:sha-bbbbbbb is newer than sha-aaaaaaa")
        .await;
    check(
        &mixed,
        &["web:sha-aaaaaaa<web:sha-bbbbbbb"],
        "no: web:sha-aaaaaaa is older than sha-bbbbbbb, which it would take the place of",
    )
    .await;
    check(
        &mixed,
        &["web:sha-ddddddd<web:sha-bbbbbbb"],
        "error: the tag \"sha-ddddddd\" cannot be compared: its commit ddddddd is not on the line to ccccccc",
    )
    .await;
    check(&mixed, &["web:sha-0000000<web:sha-bbbbbbb"], "error: no such commit").await;
}

#[tokio::test]
async fn only_what_is_on_the_branch() {
    let gate = AncestorOf::new(git(), "ccccccc");
    let revision = |revision: &str| Subject { git_revision: Some(revision.into()), ..subject(&[]) };
    let check = async |subject: Subject, expect: &str| assert_eq!(told(&gate, &subject).await, expect);
    check(revision("aaaaaaa"), "yes: the commit aaaaaaa of the deployment is an ancestor of ccccccc").await;
    check(revision("ccccccc"), "yes: the commit ccccccc of the deployment is an ancestor of ccccccc").await;
    check(revision("ddddddd"), "no: the commit ddddddd of the deployment is not an ancestor of ccccccc")
        .await;
    check(revision("0000000"), "error: no such commit").await;
    check(revision(""), "error: the deployment names no git revision, so there is nothing to look at").await;
    check(subject(&[]), "error: the deployment names no git revision, so there is nothing to look at").await;

    let gate = gate.clone().by_tags("scheme=sha-short order=ancestry".parse().unwrap());
    let check = async |images: &[&str], expect: &str| assert_eq!(told(&gate, &subject(images)).await, expect);
    check(
        &["a:sha-aaaaaaa", "b:sha-bbbbbbb"],
        "yes: the commit aaaaaaa of a:sha-aaaaaaa is an ancestor of ccccccc; the commit bbbbbbb of b:sha-bbbbbbb is an ancestor of ccccccc",
    )
    .await;
    check(
        &["a:sha-aaaaaaa", "b:sha-ddddddd"],
        "no: the commit ddddddd of b:sha-ddddddd is not an ancestor of ccccccc",
    )
    .await;
    check(&["a:latest"], "error: its tag has no commit by the scheme sha-short").await;
    check(&[], "error: the deployment names no image, so there is nothing to look at").await;
}

#[tokio::test]
async fn nothing_that_is_held() {
    let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "holds");
    let hold = |text: &str, tag: &str| (text.parse().unwrap(), tag.parse().unwrap());
    let (image, tag) = hold("a", "v1.1.0");
    holds
        .place(Hold::not_past(image, "production", tag).by("ann").because("1.2 loses orders"))
        .await
        .unwrap();
    let (image, tag) = hold("b", "v2.0.0");
    holds
        .place(Hold::not_this(image, "production", tag).by("run 7").because("it did not start"))
        .await
        .unwrap();
    let (image, tag) = hold("c", "v1.0.0");
    holds.place(Hold::not_past(image, "staging", tag)).await.unwrap();
    let gate = NotHeld::new(holds.clone(), "scheme=semver".parse().unwrap());
    let check = async |images: &[&str], expect: &str| assert_eq!(told(&gate, &subject(images)).await, expect);
    check(&["a:v1.1.0", "b:v2.0.1", "c:v9.0.0"], "yes: none of 3 images is held back in production").await;
    check(
        &["a:v1.1.1", "b:v2.0.0"],
        "no: a:v1.1.1 is held back: a in production: not past v1.1.0 (ann at 1970-01-01T00:00:00Z: 1.2 loses orders); \
         b:v2.0.0 is held back: b in production: not v2.0.0 (run 7 at 1970-01-01T00:00:00Z: it did not start)",
    )
    .await;
    let answer = told(&gate, &subject(&["a:latest"])).await;
    assert!(answer.starts_with("error: the tag \"latest\" cannot be compared: "), "{answer}");
    let digest = format!("b@sha256:{}", "0".repeat(64));
    check(&[&digest], "error: it has no tag to go by").await;
    check(&["other:latest"], "yes: none of 1 images is held back in production").await;
    holds.lift(&"a".parse().unwrap(), "production", "fixed").await.unwrap();
    check(&["a:v1.1.1"], "yes: none of 1 images is held back in production").await;
}

#[tokio::test]
async fn a_hold_keeps_back_a_commit_under_another_tag() {
    let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "holds");
    let tag = "main.20261121-070000.ccccccc".parse().unwrap();
    holds.place(Hold::not_this("a".parse().unwrap(), "production", tag)).await.unwrap();
    let gate = NotHeld::new(holds, "scheme=branch.timestamp.sha".parse().unwrap());
    let again = subject(&["a:main.20261121-080000.ccccccc"]);
    assert!(told(&gate, &again).await.starts_with("no: "));
    assert!(told(&gate, &subject(&["a:main.20261121-080000.bbbbbbb"])).await.starts_with("yes: "));
}

#[tokio::test]
async fn a_closure_answers() {
    let gate = from_fn("chat", |subject: Subject| async move {
        match subject.environment.as_str() {
            "production" => Ok(Answer::No { why: "nobody answered".into() }),
            _ => Err(crate::error::Error::new(ErrorKind::Unavailable, "no chat")),
        }
    });
    assert_eq!(told(&gate, &Subject::new("production")).await, "no: nobody answered");
    assert_eq!(told(&gate, &Subject::new("staging")).await, "error: no chat");
    assert_eq!(gate.describe(), "chat");
}
