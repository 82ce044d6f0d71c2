use super::super::{MAX_REPORT_BYTES, MAX_REPORT_OBJECTS, Report, Severity};
use super::*;

#[test]
fn reads_what_trivy_writes() {
    let mut value = report(&["HIGH CVE-1 libssl 1.0 1.1", "LOW CVE-2 zlib 1.2"]);
    value["Results"][1]["Secrets"] = json!([{"RuleID": "aws-access-key-id"}]);
    value["Results"][1]["Misconfigurations"] = json!([{"Status": "PASS"}, {"Status": "FAIL"}, {}]);
    value["Results"][1]["ExperimentalModifiedFindings"] =
        json!([{"Type": "vulnerability", "Status": "ignored"}]);
    value["Metadata"]["OS"]["EOSL"] = json!(true);
    let report = read(&value);
    assert_eq!(report.created.unwrap().to_string(), "2026-11-20T09:00:00.123456789Z");
    assert_eq!(report.system.as_deref(), Some("alpine 3.21.0"));
    assert!(report.end_of_life && report.looked_at_packages);
    let others = report.others;
    assert_eq!((others.secrets, others.misconfigurations, others.suppressed), (1, 2, 1));
    let [first, second] = report.findings.as_slice() else { panic!("{report:?}") };
    assert_eq!((first.id.as_str(), first.severity, first.is_fixable()), ("CVE-1", Severity::High, true));
    assert_eq!(
        (second.package.as_str(), second.severity, second.is_fixable()),
        ("zlib", Severity::Low, false)
    );
    assert_eq!(first.target, "registry.example/api:v1 (alpine 3.21.0)");
}

#[test]
fn knows_its_image() {
    let check = |change: &dyn Fn(&mut Value), image: &str, expect: bool| {
        let mut value = report(&[]);
        change(&mut value);
        assert_eq!(read(&value).is_of(&image.parse().unwrap()), expect, "{image}");
    };
    let as_is = |_: &mut Value| {};
    check(&as_is, "registry.example/api:v1", true);
    check(&as_is, "registry.example/api:v2", false);
    check(&as_is, "registry.example/other:v1", false);
    check(&as_is, "api:v1", false);
    check(&as_is, &format!("registry.example/api@{DIGEST}"), true);
    check(&as_is, &format!("mirror.example/api:v9@{DIGEST}"), true);
    // The digest decides, and the image's id is none.
    check(&as_is, &format!("registry.example/api:v1@{OTHER}"), false);
    let unpushed = |value: &mut Value| value["Metadata"]["RepoDigests"] = Value::Null;
    check(&unpushed, "registry.example/api:v1", true);
    check(&unpushed, &format!("registry.example/api:v1@{DIGEST}"), false);
    let by_digest = |value: &mut Value| {
        value["ArtifactName"] = format!("registry.example/api@{DIGEST}").into();
        value["Metadata"] = Value::Null;
    };
    check(&by_digest, &format!("registry.example/api@{DIGEST}"), true);
    check(&by_digest, "registry.example/api:v1", false);
    let archive = |value: &mut Value| {
        value["ArtifactName"] = "Images/api.tar".into();
        value["Metadata"] = json!({"ImageID": DIGEST});
    };
    check(&archive, &format!("registry.example/api@{DIGEST}"), false);
    let short = |value: &mut Value| value["ArtifactName"] = "nginx".into();
    check(&short, "docker.io/library/nginx:latest", true);
}

#[test]
fn refuses_what_is_no_report() {
    let check = |text: &[u8], expect: &str| {
        let error = Report::read("r.json", text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("read report r.json: {expect}")), "{error}");
    };
    check(
        b"",
        "it is no report of Trivy: EOF while parsing a value at line 1 column 0 (make it with: trivy image",
    );
    check(b"<html>", "it is no report of Trivy: expected value at line 1");
    check(b"[]", "it is no report of Trivy: ");
    check(b"{}", "it is no report of Trivy: missing field `SchemaVersion`");
    check(br#"{"SchemaVersion": 2}"#, "it is no report of Trivy: missing field `ArtifactName`");
    check(br#"{"SchemaVersion": 3, "ArtifactName": ""}"#, "its schema version is 3, and only 2 is known");
    check(
        br#"{"SchemaVersion": 2, "ArtifactName": "", "ArtifactType": "filesystem"}"#,
        "it is about a filesystem, not about an image",
    );
    check(
        br#"{"SchemaVersion": 2, "ArtifactName": "", "CreatedAt": "today"}"#,
        "the time at which it was made (CreatedAt) is not",
    );
    check(
        br#"{"SchemaVersion": 2, "ArtifactName": "", "Results": [{"Vulnerabilities": [{}]}]}"#,
        "it is no report of Trivy: missing field `VulnerabilityID`",
    );
    // Which of two would count?
    check(
        br#"{"SchemaVersion": 2, "ArtifactName": "", "Results": [], "Results": []}"#,
        "it is no report of Trivy: duplicate field `Results`",
    );
    check(&[b"{".repeat(200), b"}".repeat(200)].concat(), "it is no report of Trivy: ");
    check(&b"[".repeat(100_000), "it is no report of Trivy: ");
    check(&vec![b' '; MAX_REPORT_BYTES + 1], "it is 33554433 bytes, over the limit of 32 MiB");
    check(&vec![b'{'; MAX_REPORT_OBJECTS + 1], "it holds more than 500000 objects");
}
