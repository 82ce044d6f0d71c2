use super::super::{Finding, IgnoreList, MAX_IGNORED};
use super::*;

fn finding_of(change: &dyn Fn(&mut Value)) -> Finding {
    let mut value = report(&["HIGH CVE-3 libssl1.1 1.1.1c-r0"]);
    value["Results"][0]["Target"] = "usr/lib/app.jar".into();
    value["Results"][0]["Vulnerabilities"][0]["PkgPath"] = "META-INF/a.jar".into();
    change(&mut value);
    read(&value).findings.remove(0)
}

#[test]
fn an_entry_is_about_what_it_names() {
    let check = |entry: &str, expect: bool| {
        let text = format!("vulnerabilities: [{{id: CVE-3, {entry}}}]");
        let list = IgnoreList::read_lenient("i.yaml", text.as_bytes()).unwrap();
        assert_eq!(list.entries()[0].is_about(&finding_of(&|_| {})), expect, "{entry}");
    };
    check("statement: x", true);
    check("packages: [libssl1.1]", true);
    check("packages: [zlib, libssl1.1]", true);
    check("packages: [libssl]", false);
    check("purls: ['pkg:apk/alpine/libssl1.1']", true);
    check("purls: ['pkg:apk/alpine/libssl1.1@1.1.1d-r0']", false);
    check("packages: [libssl1.1], purls: ['pkg:apk/alpine/zlib']", false);
    check("paths: [usr/lib/app.jar]", true);
    check("paths: ['usr/**']", true);
    check("paths: ['META-INF/*']", true);
    check("paths: ['opt/**']", false);
    let list = IgnoreList::read_lenient(
        "i.yaml",
        b"vulnerabilities: [{id: CVE-3, purls: ['pkg:apk/alpine/libssl1.1']}]",
    )
    .unwrap();
    let unnamed =
        finding_of(&|value| value["Results"][0]["Vulnerabilities"][0]["PkgIdentifier"] = Value::Null);
    assert!(!list.entries()[0].is_about(&unnamed), "what has no package URL is meant by none");
    let other =
        finding_of(&|value| value["Results"][0]["Vulnerabilities"][0]["VulnerabilityID"] = "CVE-33".into());
    assert!(!list.entries()[0].is_about(&other));
}

#[test]
fn an_entry_ends_when_its_day_begins() {
    let check = |end: &str, at: &str, expired: bool| {
        let text = format!("vulnerabilities: [{{id: CVE-3, {end}, statement: x}}]");
        let list = IgnoreList::read("i.yaml", text.as_bytes()).unwrap();
        assert_eq!(list.entries()[0].is_expired(at.parse().unwrap()), expired, "{end} {at}");
    };
    for key in ["expired_at", "until"] {
        check(&format!("{key}: 2026-12-31"), "2026-12-30T23:59:59.999Z", false);
        check(&format!("{key}: 2026-12-31"), "2026-12-31T00:00:00Z", true);
        check(&format!("{key}: \"2026-12-31T12:00:00+02:00\""), "2026-12-31T09:59:59Z", false);
        check(&format!("{key}: \"2026-12-31T12:00:00+02:00\""), "2026-12-31T10:00:00Z", true);
    }
}

#[test]
fn reads_trivys_own_files() {
    let text = b"
vulnerabilities:
  - id: CVE-1
    paths:
      - \"usr/local/lib/python3.9/METADATA\"
    statement: Accept the risk
  - id: CVE-2
    purls:
      - \"pkg:deb/debian/libssl1.1\"
    expired_at: 2026-12-31
misconfigurations:
  - id: AVD-DS-0001
secrets:
licenses: []
";
    assert_eq!(IgnoreList::read_lenient("i.yaml", text).unwrap().entries().len(), 2);
    assert_eq!(IgnoreList::read_lenient("i.yaml", b"").unwrap().entries().len(), 0);
    assert_eq!(IgnoreList::read_lenient("i.yaml", b"vulnerabilities:").unwrap().entries().len(), 0);
}

#[test]
fn refuses_what_would_ignore_too_much() {
    let check = |text: &str, expect: &str| {
        let error = IgnoreList::read("i.yaml", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(expect), "{error}");
    };
    let entry = |entry: &str, expect: &str| {
        let expect = format!("read ignore list i.yaml: vulnerabilities[0], CVE-1: {expect}");
        check(&format!("vulnerabilities: [{{id: CVE-1, {entry}}}]"), &expect);
    };
    entry("statement: x", "it has no end (say with \"expired_at\"");
    entry("until: 2026-12-31", "it has no reason (say with \"statement\"");
    entry("until: 2026-12-31, statement: ' '", "it has no reason");
    entry(
        "until: 2026-12-31, expired_at: 2026-12-31, statement: x",
        "\"expired_at\" and \"until\" are the same",
    );
    entry(
        "until: 2026-13-01, statement: x",
        "\"2026-13-01\" is neither a date nor an RFC 3339 timestamp (write it as 2026-12-31)",
    );
    entry("until: soon, statement: x", "\"soon\" is neither");
    entry("expires: 2026-12-31", "unknown field `expires`");
    entry("until: 2026-12-31, statement: x, packages: []", "\"packages\" is empty");
    entry(
        "until: 2026-12-31, statement: x, packages: libssl",
        "invalid type: string \"libssl\", expected a sequence",
    );
    entry("until: 2026-12-31, statement: x, purls: [libssl]", "it is no package URL");
    entry(
        "until: 2026-12-31, statement: x, paths: ['[ab]']",
        "'[' in a path is not understood (a path may hold *, ** and ?)",
    );
    check(
        "vulnerabilities: [{until: 2026-12-31}]",
        "read ignore list i.yaml: vulnerabilities[0]: missing field `id`",
    );
    check(
        "vulnerabilities: [{id: '', until: 2026-12-31}]",
        "read ignore list i.yaml: vulnerabilities[0], : it has no id",
    );
    check("- id: CVE-1", "read ignore list i.yaml: ");
    check("vulnerabilites: []", "read ignore list i.yaml: unknown field `vulnerabilites`");
    check(
        "{vulnerabilities: []}\n---\n{vulnerabilities: []}",
        "read ignore list i.yaml: it has more than one document",
    );
    check("vulnerabilities: [{id: a, id: b}]", "read ignore list i.yaml:1:27: duplicate key \"id\"");
    check(
        &format!("vulnerabilities: [{}]", "{id: a},".repeat(MAX_IGNORED + 1)),
        "read ignore list i.yaml: it has more than 10000 entries",
    );
}
