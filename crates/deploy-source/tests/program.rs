//! Programs that misbehave, stood for by a shell script.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Retry};
use deploy_core::source::Source;
use deploy_source::{HelmChart, Kustomization};

use support::folder;

const VERSION: &str = "case $1 in version) echo v4.1.4; exit;; esac\n";

/// A folder with a chart `chart`, a kustomization `base`, and a program `fake` that does what the shell script says.
fn with_fake(name: &str, says: &str) -> PathBuf {
    let files = [("says", says), ("chart/Chart.yaml", "name: x"), ("base/kustomization.yaml", "")];
    let folder = folder(name, &files);
    // A link, and never written: what another thread forks could still hold it open.
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/fake"), folder.join("fake")).unwrap();
    folder
}

fn chart(folder: &Path) -> HelmChart {
    HelmChart::new(folder.join("chart"), "x").program(folder.join("fake"))
}

fn kustomization(folder: &Path) -> Kustomization {
    Kustomization::new(folder.join("base")).program(folder.join("fake"))
}

/// The error, with the folder's own path left out.
fn told(error: &Error, folder: &Path) -> String {
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let folder = with_fake("absent", "");
    let check = |error: Error, kind: ErrorKind, message: &str| {
        assert_eq!((error.kind(), &*told(&error, &folder)), (kind, message));
    };
    let helm = "(install helm 3.8 or later: https://helm.sh/docs/intro/install)";
    check(
        chart(&folder).program("no-such-program").render().await.unwrap_err(),
        ErrorKind::NotFound,
        &format!("no-such-program: it is not installed, or not in PATH {helm}"),
    );
    check(
        chart(&folder).program(folder.join("nowhere")).render().await.unwrap_err(),
        ErrorKind::NotFound,
        &format!("nowhere: it cannot be started: No such file or directory (os error 2) {helm}"),
    );
    check(
        kustomization(&folder).program("no-such-program").load().await.unwrap_err(),
        ErrorKind::NotFound,
        "no-such-program: it is not installed, or not in PATH \
         (install kubectl 1.21 or later: https://kubernetes.io/docs/tasks/tools)",
    );
    assert_eq!(fs::metadata(folder.join("says")).unwrap().permissions().mode() & 0o111, 0);
    check(
        chart(&folder).program(folder.join("says")).render().await.unwrap_err(),
        ErrorKind::InvalidInput,
        &format!("says: it cannot be started: Permission denied (os error 13) {helm}"),
    );
}

#[tokio::test]
async fn input_that_is_not_there_is_no_name_of_something_else() {
    let folder = with_fake("input", "touch \"$0.ran\"; exit 1");
    let check = async |chart: HelmChart, kind: ErrorKind, message: &str| {
        let error = chart.program(folder.join("fake")).render().await.unwrap_err();
        assert_eq!((error.kind(), &*told(&error, &folder)), (kind, message));
    };
    let missing = |path: &str| format!("{path}: cannot be read: No such file or directory (os error 2)");
    for chart in ["stable/nginx", "oci://registry.example/nginx", "-x"] {
        check(HelmChart::new(chart, "x"), ErrorKind::NotFound, &missing(chart)).await;
    }
    let url = "https://registry.example/values.yaml";
    check(HelmChart::new(folder.join("chart"), "x").values(url), ErrorKind::NotFound, &missing(url)).await;
    check(HelmChart::new(folder.join("chart"), ""), ErrorKind::InvalidInput, "a release needs a name").await;
    let url = "github.com/someone/something";
    let error = Kustomization::new(url).program(folder.join("fake")).load().await.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::NotFound, missing(url)));
    let error = Kustomization::new(folder.join("says")).load().await.unwrap_err();
    assert_eq!(told(&error, &folder), "says: it is not a directory: a kustomization is one");
    assert!(!folder.join("fake.ran").exists(), "nothing was started");
}

#[tokio::test]
async fn a_version_that_is_not_known_to_work() {
    let check = async |version: &str, helm: Option<&str>, kubectl: Option<&str>| {
        let folder = with_fake(
            "versions",
            &format!("case $1 in version) {version};; esac; echo Error: other >&2; exit 1"),
        );
        for (error, expect) in [
            (chart(&folder).render().await.unwrap_err(), helm),
            (kustomization(&folder).load().await.unwrap_err(), kubectl),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let told = told(&error, &folder);
            assert!(told.contains(expect.unwrap_or(": other")), "{version}: {told}");
        }
    };
    let helm = "(install helm 3.8 or later, at most 4.x: https://helm.sh/docs/intro/install)";
    check(
        "echo 'Client: v2.16.1+gbbdfe5e'; exit",
        Some(&format!("fake: version 2.16 is too old {helm}")),
        Some("version 2.16 is newer than what is known to work"),
    )
    .await;
    check("echo v3.7.9; exit", Some("version 3.7 is too old"), Some("newer")).await;
    check("echo v3.8.0; exit", None, Some("newer")).await;
    check("echo v4.99.0; exit", None, Some("newer")).await;
    check("echo v5.0.0; exit", Some("version 5.0 is newer than what is known to work"), Some("newer")).await;
    check("echo '{\"gitVersion\": \"v1.20.4\"}'; exit", Some("too old"), Some("version 1.20 is too old"))
        .await;
    check("echo '{\"gitVersion\": \"v1.21.0\"}'; exit", Some("too old"), None).await;
    check("echo hello; exit", Some("its version cannot be told"), Some("answered: hello")).await;
    check("echo 'error: unknown flag' >&2; exit 1", Some("answered: unknown flag"), Some("unknown flag"))
        .await;
}

#[tokio::test]
async fn it_says_why_it_failed_but_no_value() {
    let folder = with_fake(
        "says-why",
        &format!(
            "{VERSION}echo 'WARNING: odd' >&2; echo \"Error: wrong: $*\" >&2; echo 'Use --debug flag to see' >&2; exit 1"
        ),
    );
    let chart = chart(&folder).set("a.b=hunter2").set_string("c=hunter3,d=hunter4");
    let error = chart.render().await.unwrap_err();
    let told = told(&error, &folder);
    assert!(told.starts_with("helm package chart: wrong: package --destination="), "{told}");
    assert!(!told.contains("WARNING") && !told.contains("--debug"), "{told}");

    let linted = chart.clone().lint(true).render().await.unwrap_err();
    let expect = format!(
        "helm lint {0}: wrong: lint --set=a.b=*** --set-string=c=*** --namespace=default -- {0}",
        folder.join("chart").display()
    );
    assert_eq!(linted.to_string(), expect);
    assert!(!format!("{linted:?} {chart:?}").contains("hunter"));

    let silent = with_fake("silent", "case $1 in version) echo v1.30.0;; *) exit 3;; esac");
    let error = kustomization(&silent).load().await.unwrap_err();
    assert!(error.to_string().ends_with("base: it failed and did not say why"), "{error}");
}

#[tokio::test]
async fn values_of_before_are_in_a_file_of_this_user_alone() {
    let says = format!(
        "{VERSION}for word; do case $word in --values=*) file=${{word#--values=}};; esac; done
         case $1 in lint) stat -c %a \"$(dirname \"$file\")\" >\"$0.mode\"; cp \"$file\" \"$0.given\";; esac
         echo \"$*\" >>\"$0.words\"; echo 'Error: hunter2 of hunter3' >&2; exit 1"
    );
    let folder = with_fake("values-of-before", &says);
    let values = |text: &str| serde_json::from_str(text).unwrap();
    let chart = chart(&folder).given(values(r#"{"a":{"b":["hunter2"]}}"#)).set("c=hunter3");
    let linted = chart.lint(true).render().await.unwrap_err();
    assert!(linted.to_string().contains("*** of ***"), "{linted}");
    let read = |what: &str| fs::read_to_string(folder.join(format!("fake.{what}"))).unwrap();
    assert_eq!((&*read("mode"), &*read("given")), ("700\n", r#"{"a":{"b":["hunter2"]}}"#));
    let words = read("words");
    assert!(words.contains("--values=") && !words.contains("hunter2"), "{words}");
}

#[tokio::test]
async fn output_has_an_end() {
    let endless = with_fake("endless", "case $1 in version) echo v1.30.0;; *) exec yes;; esac");
    let error = kustomization(&endless).load().await.unwrap_err();
    assert_eq!(told(&error, &endless), "fake: it printed more than 64 MiB");

    // Of what it says of itself the end is kept.
    let talkative = "case $1 in version) echo v1.30.0;; *) yes | head -c 30000000 >&2; echo 'error: so' >&2; exit 1;; esac";
    let talkative = with_fake("talkative", talkative);
    let error = kustomization(&talkative).load().await.unwrap_err();
    assert!(error.to_string().ends_with("base: so"), "{error}");

    let binary = with_fake("binary", "case $1 in version) echo v1.30.0;; *) printf 'a\\377\\000';; esac");
    let error = kustomization(&binary).load().await.unwrap_err();
    assert!(error.to_string().ends_with("base: it is a binary file, not a manifest"), "{error}");

    let empty = with_fake("empty", "case $1 in version) echo v1.30.0;; *) echo '# nothing';; esac");
    let error = kustomization(&empty).load().await.unwrap_err();
    assert!(error.to_string().ends_with("base: there is no manifest in what it builds"), "{error}");
}

/// Waits until the script has told its process id.
async fn process(folder: &Path) -> PathBuf {
    loop {
        if let Ok(id) = fs::read_to_string(folder.join("id"))
            && id.ends_with('\n')
        {
            return Path::new("/proc").join(id.trim());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn ends(process: &Path) {
    while process.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const SLEEPS: &str =
    "case $1 in version) echo v1.30.0; exit;; esac; echo $$ >\"$(dirname \"$0\")/id\"; exec sleep 600";

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropped_it_is_killed() {
    let folder = with_fake("dropped", SLEEPS);
    let source = kustomization(&folder);
    let process = tokio::select! {
        loaded = source.load() => panic!("{loaded:?}"),
        process = process(&folder) => process,
    };
    tokio::time::timeout(Duration::from_secs(10), ends(&process)).await.expect("it is gone");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn out_of_time_it_is_killed() {
    let folder = with_fake("timeout", SLEEPS);
    let error = kustomization(&folder).timeout(Duration::from_millis(500)).load().await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Timeout, Retry::Later { after: None }));
    assert!(error.to_string().ends_with("base: it is not done after 0.5 s"), "{error}");
    let process = process(&folder).await;
    tokio::time::timeout(Duration::from_secs(10), ends(&process)).await.expect("it is gone");
}

#[tokio::test(start_paused = true)]
async fn its_time_is_tokio_s() {
    let folder = with_fake("paused", "exec sleep 600");
    let error = chart(&folder).timeout(Duration::from_secs(3600)).render().await.unwrap_err();
    assert!(error.to_string().ends_with("chart: it is not done after 3600 s"), "{error}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_is_no_reason_of_its_own() {
    let check = async |signal: &str, kind: ErrorKind, message: &str| {
        // What runs in the background of a shell ignores SIGINT, and so do all its children, but for this one.
        let dies = format!("exec env --default-signal={signal} sh -c 'kill -{signal} $$; sleep 600'");
        let says = format!("case $1 in version) echo v1.30.0;; *) {dies};; esac");
        let folder = with_fake("signal", &says);
        let error = kustomization(&folder).load().await.unwrap_err();
        assert_eq!((error.kind(), &*told(&error, &folder)), (kind, message));
    };
    check("INT", ErrorKind::Cancelled, "fake: it was interrupted").await;
    check("TERM", ErrorKind::Unavailable, "fake: it was killed by signal 15").await;
}

#[tokio::test]
async fn what_is_no_chart_is_not_rendered() {
    let folder = with_fake("no-chart", &format!("{VERSION}echo Error: unexpected >&2; exit 1"));
    fs::write(folder.join("a.tgz"), "not an archive").unwrap();
    let error =
        HelmChart::new(folder.join("a.tgz"), "x").program(folder.join("fake")).render().await.unwrap_err();
    assert_eq!(told(&error, &folder), "a.tgz: it is not a chart's archive (.tgz)");
}

#[tokio::test]
async fn an_answer_that_is_not_known_is_an_error() {
    // It packs nothing, and renders nothing.
    let folder = with_fake("odd", VERSION);
    let error = chart(&folder).render().await.unwrap_err();
    assert!(error.to_string().contains("cannot be read"), "{error}");
}
