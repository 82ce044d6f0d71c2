//! How Trivy is run, with a shell script in its place.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy knows a test by its attribute, not its helpers"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::SystemClock;
use deploy_core::error::{Error, ErrorKind, Result, Retry};
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::image::Reference;
use deploy_core::memory::MemoryRegistry;
use deploy_verify::scan::{ReportSource, ScanReport, Scanned};
use deploy_verify::trivy::TrivyCli;

use support::with_program;

const VERSION: &str = r#"case $1 in version) echo '{"Version":"0.65.0"}'; exit;; esac
"#;

/// Reports what was asked for last, without findings.
const REPORTS: &str = r#"for image; do :; done
echo "{\"SchemaVersion\": 2, \"ArtifactName\": \"$image\", \"Results\": [{\"Class\": \"os-pkgs\"}]}"
"#;

const IMAGE: &str = "registry.example/shop/api:v1";

fn trivy(folder: &Path) -> TrivyCli {
    TrivyCli::new().program(folder.join("trivy"))
}

async fn scan(trivy: &TrivyCli) -> Result<Scanned> {
    trivy.report(&IMAGE.parse().unwrap()).await
}

/// The error, with the folder's own path left out.
async fn refusal(folder: &Path) -> (ErrorKind, String) {
    told(&scan(&trivy(folder)).await.unwrap_err(), folder)
}

fn told(error: &Error, folder: &Path) -> (ErrorKind, String) {
    (error.kind(), error.to_string().replace(&format!("{}/", folder.display()), ""))
}

#[tokio::test]
async fn it_is_asked_for_everything() {
    let says = format!(
        "{VERSION}printf '%s\\n' \"$@\" >\"$0.words\"; pwd >\"$0.folder\"; ls -A >>\"$0.folder\"\n{REPORTS}"
    );
    let folder = with_program("everything", &says);
    let trivy =
        trivy(&folder).argument("--skip-db-update").platform("linux/arm64").timeout(Duration::from_secs(90));
    let scanned = scan(&trivy).await.unwrap();
    assert_eq!(scanned.image.to_string(), IMAGE);
    assert_eq!(scanned.report.name, format!("trivy image {IMAGE}"));
    let words = fs::read_to_string(folder.join("trivy.words")).unwrap();
    let words: Vec<_> = words.lines().collect();
    assert_eq!(
        words,
        [
            "image",
            "--skip-db-update",
            "--platform=linux/arm64",
            "--quiet",
            "--format=json",
            "--scanners=vuln",
            "--severity=UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL",
            "--exit-code=0",
            "--exit-on-eol=0",
            "--list-all-pkgs=false",
            "--image-src=remote",
            "--timeout=90s",
            IMAGE
        ]
    );
    // No trivy.yaml and no .trivyignore can lie there, and it is gone afterwards.
    let ran_in = fs::read_to_string(folder.join("trivy.folder")).unwrap();
    let ran_in: Vec<_> = ran_in.lines().collect();
    assert_eq!(ran_in.len(), 1, "{ran_in:?}");
    assert!(!Path::new(ran_in[0]).exists());
}

#[tokio::test]
async fn an_image_is_scanned_by_its_digest() {
    let folder = with_program("digest", &format!("{VERSION}{REPORTS}echo \"$image\" >\"$0.scanned\""));
    let registry = MemoryRegistry::new();
    let image: Reference = IMAGE.parse().unwrap();
    let digest = registry.put(&image, "4f1c2d9");
    let gate = ScanReport::new(trivy(&folder), Arc::new(SystemClock::new())).registry(Arc::new(registry));
    let mut subject = Subject::new("production");
    subject.images.push(IMAGE.into());
    assert!(gate.ask(&subject).await.unwrap().is_yes());
    assert_eq!(fs::read_to_string(folder.join("trivy.scanned")).unwrap(), format!("{IMAGE}@{digest}\n"));
    subject.images = vec!["registry.example/shop/api:v2".into()];
    assert_eq!(gate.ask(&subject).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn the_gate_takes_what_it_reports() {
    let folder = with_program("gate", &format!("{VERSION}{REPORTS}"));
    let gate = ScanReport::new(trivy(&folder), Arc::new(SystemClock::new()));
    assert_eq!(gate.describe(), "no vulnerabilities of HIGH or worse (trivy image)");
    let mut subject = Subject::new("production");
    subject.images.push(IMAGE.into());
    let answer = gate.ask(&subject).await.unwrap();
    assert!(matches!(&answer, Answer::Yes { grounds } if grounds.starts_with(IMAGE)), "{answer:?}");

    // What it scanned was something else.
    let other = r#"echo '{"SchemaVersion": 2, "ArtifactName": "nginx", "Results": [{"Class": "os-pkgs"}]}'"#;
    let folder = with_program("gate-other", &format!("{VERSION}{other}"));
    let gate = ScanReport::new(trivy(&folder), Arc::new(SystemClock::new()));
    let error = gate.ask(&subject).await.unwrap_err();
    assert!(
        error.to_string().contains("it is of nginx:latest, not of registry.example/shop/api:v1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let install =
        "(install trivy 0.50 or later, at most 0.x: https://trivy.dev/latest/getting-started/installation)";
    let error = scan(&TrivyCli::new().program("no-such-program")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), format!("no-such-program: it is not installed, or not in PATH {install}"));
    let folder = with_program("absent", "");
    let error = scan(&TrivyCli::new().program(folder.join("nowhere"))).await.unwrap_err();
    let expect = format!("nowhere: it cannot be started: No such file or directory (os error 2) {install}");
    assert_eq!(told(&error, &folder), (ErrorKind::NotFound, expect));
    let error = scan(&TrivyCli::new().program(folder.join("says"))).await.unwrap_err();
    let expect = format!("says: it cannot be started: Permission denied (os error 13) {install}");
    assert_eq!(told(&error, &folder), (ErrorKind::InvalidInput, expect));
}

#[tokio::test]
async fn a_version_that_is_not_known_to_work() {
    let check = async |version: &str, expect: &str| {
        let folder = with_program("versions", &format!("case $1 in version) {version};; esac; exit 1"));
        let (kind, told) = refusal(&folder).await;
        assert_eq!(kind, ErrorKind::InvalidInput, "{told}");
        assert!(told.starts_with(expect), "{version}: {told}");
    };
    check(r#"echo '{"Version":"0.49.1"}'; exit"#, "trivy: version 0.49 is too old (install trivy 0.50").await;
    check(r#"echo '{"Version":"1.0.0"}'; exit"#, "trivy: version 1.0 is newer than what is known to work")
        .await;
    check(
        r#"echo '{"Version":"dev"}'; exit"#,
        "trivy: its version cannot be told, version --format json answered: {\"Version\":\"dev\"}",
    )
    .await;
    check("echo hello; exit", "trivy: its version cannot be told, version --format json answered: hello")
        .await;
    check(
        "echo 'Error: unknown command' >&2; exit 1",
        "trivy: its version cannot be told, version --format json answered: Error: unknown command",
    )
    .await;
    check(
        r#"echo '{"Version":"0.50.0"}'; exit"#,
        "trivy image registry.example/shop/api:v1: it ended with code 1",
    )
    .await;
}

#[tokio::test]
async fn it_says_why_it_failed() {
    let check = async |says: &str, kind: ErrorKind, expect: &str| {
        let folder = with_program("says-why", &format!("{VERSION}{says}"));
        assert_eq!(refusal(&folder).await, (kind, expect.to_owned()));
    };
    let fatal = r"printf '2026-11-20T10:00:00Z\tFATAL\tFatal error\t%s\n' ";
    check(
        &format!("{fatal} 'run error: MANIFEST_UNKNOWN: manifest unknown' >&2; exit 1"),
        ErrorKind::NotFound,
        "trivy image registry.example/shop/api:v1: run error: MANIFEST_UNKNOWN: manifest unknown",
    )
    .await;
    check(
        "exit 3",
        ErrorKind::InvalidInput,
        "trivy image registry.example/shop/api:v1: it ended with code 3, and did not say why",
    )
    .await;
    // A report beside a failure counts for nothing.
    check(
        &format!("{REPORTS}exit 5"),
        ErrorKind::InvalidInput,
        "trivy image registry.example/shop/api:v1: it ended with code 5, and did not say why",
    )
    .await;
}

#[tokio::test]
async fn output_has_an_end() {
    let endless = with_program("endless", &format!("{VERSION}exec yes"));
    assert_eq!(
        refusal(&endless).await,
        (ErrorKind::InvalidInput, "trivy: it printed more than 32 MiB".into())
    );
    let talkative = "yes | head -c 30000000 >&2; printf '\\tFATAL\\tso\\n' >&2; exit 1";
    let talkative = with_program("talkative", &format!("{VERSION}{talkative}"));
    let (_, told) = refusal(&talkative).await;
    assert!(told.ends_with("api:v1: so"), "{told}");
    let nothing = with_program("nothing", VERSION);
    let (_, told) = refusal(&nothing).await;
    assert!(
        told.starts_with("read report trivy image registry.example/shop/api:v1: it is no report of Trivy"),
        "{told}"
    );
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

fn sleeps() -> String {
    format!("{VERSION}echo $$ >\"$(dirname \"$0\")/id\"; exec sleep 600")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropped_it_is_killed() {
    let folder = with_program("dropped", &sleeps());
    let trivy = trivy(&folder);
    let process = tokio::select! {
        scanned = scan(&trivy) => panic!("{scanned:?}"),
        process = process(&folder) => process,
    };
    tokio::time::timeout(Duration::from_secs(10), ends(&process)).await.expect("it is gone");
}

#[tokio::test(start_paused = true)]
async fn out_of_time_it_is_an_error() {
    let folder = with_program("timeout", "exec sleep 600");
    let error = scan(&trivy(&folder).timeout(Duration::from_secs(30))).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { after: None });
    assert_eq!(told(&error, &folder), (ErrorKind::Timeout, "trivy: it is not done after 30 s".into()));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_signal_is_no_reason_of_its_own() {
    let check = async |signal: &str, kind: ErrorKind, message: &str| {
        // What runs in the background of a shell ignores SIGINT, and so do all its children, but for this one.
        let dies = format!("exec env --default-signal={signal} sh -c 'kill -{signal} $$; sleep 600'");
        let folder = with_program("signal", &format!("{VERSION}{dies}"));
        assert_eq!(refusal(&folder).await, (kind, message.to_owned()));
    };
    check("INT", ErrorKind::Cancelled, "trivy: it was interrupted").await;
    check("TERM", ErrorKind::Unavailable, "trivy: it was killed by signal 15").await;
}
