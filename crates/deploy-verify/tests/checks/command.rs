//! Commands as gates and checks.

use std::time::Duration;

use deploy_core::guard::{Answer, Check, Gate, Subject};
use deploy_core::secret::SecretText;
use deploy_verify::command::CommandCheck;

use crate::told;

fn shell(script: &str) -> CommandCheck {
    CommandCheck::new("/bin/sh").args(["-c", script]).variables([("PATH", "/usr/bin:/bin")])
}

#[tokio::test]
async fn must_end_with_the_code_0() {
    let check = async |script: &str, expect: &str| {
        assert_eq!(told(&shell(script), &format!("/bin/sh -c {script:?}")).await, expect);
    };
    check("exit 0", "yes: HOST ended with code 0").await;
    check("echo 17 passed", "yes: HOST ended with code 0: 17 passed").await;
    check("exit 3", "no: HOST ended with code 3 and said nothing").await;
    check("echo one; echo two; echo three >&2; exit 1", "no: HOST ended with code 1: three — one | two")
        .await;
    check("kill -9 $$", "error: /bin/sh: it was killed by signal 9").await;
    let long = told(&shell("seq 100000; exit 1"), "").await;
    assert!(long.ends_with(" | 99999 | 100000") && long.len() < 800, "{long}");
}

#[tokio::test]
async fn is_bounded() {
    let answer = told(&shell("exec sleep 600").timeout(Duration::from_millis(100)), "").await;
    assert_eq!(answer, "error: /bin/sh: it is not done after 0.1 s");
    let answer = told(&CommandCheck::new("/no/such/program"), "").await;
    assert_eq!(
        answer,
        "error: /no/such/program: it cannot be started: No such file or directory (os error 2)"
    );
    let answer = told(&CommandCheck::new("no-such-program").variables([("PATH", "/usr/bin:/bin")]), "").await;
    assert_eq!(answer, "error: no-such-program: it is not installed, or not in PATH");
}

#[tokio::test]
async fn is_told_the_subject_and_nothing_else() {
    let mut subject = Subject::new("production");
    subject.images = vec!["shop/api:v2".into(), "shop/web:v1".into()];
    subject.before = vec![Some("shop/api:v1".into()), None];
    subject.git_revision = Some("4f1c2d9".into());
    // What is shown of a no is long enough for all of it.
    let command =
        CommandCheck::new("/bin/sh").args(["-c", "/usr/bin/env; exit 1"]).variables([("GIVEN", "x")]);
    let Answer::No { why } = command.ask(&subject).await.unwrap() else { panic!() };
    let mut variables: Vec<&str> = why.split("code 1: ").nth(1).unwrap().split(" | ").collect();
    // The shell sets some by itself.
    variables.retain(|variable| {
        variable.starts_with("DEPLOY_") || variable.starts_with("GIVEN") || variable.starts_with("CARGO")
    });
    variables.sort_unstable();
    let expect = [
        "DEPLOY_BEFORE=shop/api:v1 -",
        "DEPLOY_ENVIRONMENT=production",
        "DEPLOY_IMAGES=shop/api:v2 shop/web:v1",
        "DEPLOY_REVISION=4f1c2d9",
        "GIVEN=x",
    ];
    assert_eq!(variables, expect);
    let Answer::Yes { grounds } = Gate::ask(&shell("cut -c 1-60"), &subject).await.unwrap() else { panic!() };
    let json = r#"{"environment":"production","name":null,"images":["shop/api:"#;
    assert!(grounds.ends_with(json), "{grounds}");
}

#[tokio::test]
async fn shows_no_secret() {
    let command = shell("echo token is $TOKEN; echo $TOKEN >&2; exit 1")
        .secret_variable("TOKEN", SecretText::new("hunter2"));
    let answer = told(&command, "").await;
    assert!(answer.ends_with("ended with code 1: *** — token is ***"), "{answer}");
    assert!(!format!("{command:?}").contains("hunter2"));
}

#[tokio::test]
async fn says_what_it_runs() {
    let command = CommandCheck::new("cargo").args(["test", "--package", "a b", ""]);
    assert_eq!(Check::describe(&command), "cargo test --package \"a b\" \"\"");
    assert_eq!(Gate::describe(&command), Check::describe(&command));
}
