use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::config::{ConfigStore, Edit, Note};
use crate::memory::MemoryConfigStore;

const NOW: &str = "2026-11-21T08:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn subject(tag: &str) -> Subject {
    let mut subject = Subject::new("production");
    subject.images = vec![format!("shop/api:{tag}")];
    subject
}

/// `who`, `who@minutes ago`, with `!` for another subject.
fn approvals(text: &str) -> Vec<Approval> {
    let approval = |word: &str| {
        let (word, tag) = word.strip_prefix('!').map_or((word, "v1"), |word| (word, "v0"));
        let (who, minutes) = word.split_once('@').unwrap_or((word, "1"));
        let minutes: i64 = minutes.parse().unwrap();
        let at = Timestamp::from_unix_seconds(now().as_unix_seconds() - minutes * 60);
        Approval::new(who, &subject(tag), at)
    };
    text.split_whitespace().map(approval).collect()
}

#[test]
fn counts_each_person_once() {
    let check = |approvers: &Approvers, records: &str, expect: &str| {
        let text = match approvers.judge(&approvals(records), &subject("v1"), now()) {
            Answer::Yes { grounds } => format!("yes: {grounds}"),
            Answer::No { why } => format!("no: {why}"),
        };
        let digest = subject_digest(&subject("v1")).to_string();
        assert_eq!(text.replace(&digest, "DIGEST"), expect, "{records}");
    };
    let anyone = Approvers::anyone();
    check(&anyone, "", "no: nobody approved; anyone must (the subject is DIGEST)");
    check(&anyone, "mallory", "yes: approved by mallory at 2026-11-21T07:59:00Z: DIGEST");
    check(
        &anyone,
        "!mallory",
        "no: nobody approved; anyone must; mallory approved of something else (the subject is DIGEST)",
    );
    let two = Approvers::quorum(2, ["eve", "ann", "bob"]).unwrap();
    check(
        &two,
        "ann eve@60",
        "yes: approved by ann at 2026-11-21T07:59:00Z, eve at 2026-11-21T07:00:00Z: DIGEST",
    );
    check(
        &two,
        "ann ann@2 mallory Ann",
        "no: 1 of 2 approved: ann at 2026-11-21T07:59:00Z; 2 of ann, bob, eve must (the subject is DIGEST)",
    );
    check(
        &two,
        "!ann ann bob@1440",
        "no: 1 of 2 approved: ann at 2026-11-21T07:59:00Z; 2 of ann, bob, eve must; \
         bob approved at 2026-11-20T08:00:00Z, longer than 24 h ago (the subject is DIGEST)",
    );
    check(
        &two,
        "ann@-4 bob@-6",
        "no: 1 of 2 approved: ann at 2026-11-21T08:04:00Z; 2 of ann, bob, eve must; \
         bob approved at 2026-11-21T08:06:00Z, which is in the future (the subject is DIGEST)",
    );
    let not_ann = two.clone().except("ann").valid_for(Duration::from_secs(90 * 60));
    check(
        &not_ann,
        "ann bob eve@90",
        "no: 1 of 2 approved: bob at 2026-11-21T07:59:00Z; 2 of ann, bob, eve except ann must; \
         ann may not approve this one; eve approved at 2026-11-21T06:30:00Z, longer than 90 min ago (the subject is DIGEST)",
    );
}

#[test]
fn nobody_is_not_enough() {
    let check = |need, names: &[&str], expect: &str| {
        assert_eq!(Approvers::quorum(need, names.iter().copied()).unwrap_err().message(), expect);
    };
    check(0, &["ann"], "an approval by nobody is none: at least 1 is needed");
    check(2, &["ann", "ann"], "2 cannot approve where there are 1");
    check(1, &[], "1 cannot approve where there are 0");
    check(1, &["a,b"], "\"a,b\" is no name of a person");
    check(1, &[" ann"], "\" ann\" is no name of a person");
    check(1, &["a\u{1b}[1m"], "\"a\\u{1b}[1m\" is no name of a person");
}

#[test]
fn an_approval_is_of_one_subject() {
    let base = subject("v1");
    let of = |change: fn(&mut Subject)| {
        let mut subject = base.clone();
        change(&mut subject);
        subject_digest(&subject) == subject_digest(&base)
    };
    assert!(of(|subject| subject.name = Some("shop".into())));
    assert!(of(|subject| subject.before = vec![None]));
    assert!(of(|subject| subject.images.push("shop/api:v1".into())));
    assert!(!of(|subject| subject.images.push("shop/web:v1".into())));
    assert!(!of(|subject| subject.images.clear()));
    assert!(!of(|subject| subject.environment = "staging".into()));
    assert!(!of(|subject| subject.git_revision = Some("4f1c2d9".into())));
    assert!(!of(|subject| subject.git_revision = Some(String::new())));
    // What one part loses, the next does not gain.
    assert!(!of(|subject| {
        subject.environment = "productio".into();
        subject.images = vec!["nshop/api:v1".into()];
    }));
}

#[tokio::test]
async fn a_variable_names_who_and_what() {
    let digest = subject_digest(&subject("v1"));
    let check = async |value: &str, expect: Result<&[&str], &str>| {
        let variable = ApprovalVariable::new("OK", Some(value.replace("DIGEST", &digest.hex()[..16])));
        let found = variable.approvals(&subject("v1"), now()).await;
        let found = found.map(|found| found.into_iter().map(|approval| approval.by).collect::<Vec<_>>());
        let found = found.map_err(|error| error.message().to_owned());
        assert_eq!(
            found,
            expect.map(|names| names.iter().map(|name| (*name).into()).collect()).map_err(Into::into),
            "{value}"
        );
    };
    check("", Ok(&[])).await;
    check("ann:DIGEST", Ok(&["ann"])).await;
    check(&format!("ann:{digest}, bob:DIGEST,"), Ok(&["ann", "bob"])).await;
    check("ann:0000000000000000", Ok(&[])).await;
    check("ann:DIGEST0000000000000000000000000000000000000000000000000", Ok(&[])).await;
    check("ann", Err("it does not say what ann approved of")).await;
    check("ann:4f1c", Err("what ann approved of has 4 digits: 16 are needed")).await;
    check("ann:", Err("what ann approved of has 0 digits: 16 are needed")).await;
    check(":DIGEST", Err("\"\" is no name of a person")).await;
    check(&"a".repeat(5000), Err("it has 5000 bytes, over 4096")).await;
    let unset = ApprovalVariable::new("OK", None).for_any_subject();
    assert_eq!(unset.approvals(&subject("v1"), now()).await.unwrap(), []);
    let bare = ApprovalVariable::new("OK", Some("ann".into())).for_any_subject();
    let expect = Approval::new("ann", &subject("v1"), now()).note("by the variable OK");
    assert_eq!(bare.approvals(&subject("v1"), now()).await.unwrap(), [expect]);
}

#[tokio::test]
async fn what_is_stored_and_is_no_approval_is_an_error() {
    let store = Arc::new(MemoryConfigStore::new());
    let approvals = Approvals::new(store.clone(), "approvals");
    let clock = Arc::new(SystemClock::starting_at(now()));
    let gate = Approved::new(Approvers::anyone(), Arc::new(approvals.clone()), clock);
    for wrong in
        ["", "{}", "[1]", r#"[{"by": "ann"}]"#, r#"[{"by":"ann","subject":"x","at":"2026-11-21T08:00:00Z"}]"#]
    {
        store.set(&[Edit::put("approvals", wrong)], &Note::default()).await.unwrap();
        assert!(gate.ask(&subject("v1")).await.is_err(), "{wrong}");
    }
    store.set(&[Edit::put("approvals", "[]")], &Note::default()).await.unwrap();
    assert!(approvals.add(Approval::new("a\nb", &subject("v1"), now())).await.is_err());
    let approval = Approval::new("ann", &subject("v1"), now()).note("in the stand-up");
    approvals.add(approval.clone()).await.unwrap();
    assert_eq!(approvals.all().await.unwrap(), [approval]);
    assert!(gate.ask(&subject("v1")).await.unwrap().is_yes());
}
