//! A record in an Event's words.

use deploy_core::audit::AuditRecord;

/// What the API allows of a message, in bytes.
const MAX_NOTE: usize = 1024;
/// What the API allows of a reason, in bytes.
const MAX_REASON: usize = 128;
/// How the words begin that tell of a step back or a refusal.
const WARNINGS: [&str; 9] =
    ["rollback", "rolledback", "undo", "fail", "refus", "reject", "den", "hold", "abort"];

/// `roll back` as `RollBack`: a reason is one word in CamelCase.
pub(super) fn reason(action: &str) -> String {
    let words = action.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut reason = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        reason.push_str(&first.to_ascii_uppercase());
        reason.push_str(rest);
    }
    reason.truncate(MAX_REASON);
    if reason.is_empty() { "Recorded".to_owned() } else { reason }
}

/// Whether it is something to look at.
pub(super) fn warns(action: &str) -> bool {
    let plain: String =
        action.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    WARNINGS.iter().any(|beginning| plain.starts_with(beginning))
}

/// The record as one line.
pub(super) fn note(record: &AuditRecord) -> String {
    let AuditRecord { who, action, subject, why, from, to, facts, .. } = record;
    let change = match (from, to) {
        (Some(from), Some(to)) => format!(": {from} -> {to}"),
        (None, Some(to)) => format!(": {to}"),
        (Some(from), None) => format!(": {from} is gone"),
        (None, None) => String::new(),
    };
    let by = if who.is_empty() { String::new() } else { format!(", by {who}") };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
    let note = format!("{action} {subject}{change}{by}{why}{facts}");
    let line = note.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= MAX_NOTE { line } else { format!("{}…", short(&line, MAX_NOTE - '…'.len_utf8())) }
}

/// As much of a text as fits, in bytes.
pub(super) fn short(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::clock::Timestamp;

    #[test]
    fn reasons() {
        let check = |action: &str, expect: &str, warning: bool| {
            assert_eq!((reason(action).as_str(), warns(action)), (expect, warning), "{action}");
        };
        check("deploy", "Deploy", false);
        check("roll back", "RollBack", true);
        check("rollback", "Rollback", true);
        check("rolled-back", "RolledBack", true);
        check("deploymentFailed", "DeploymentFailed", false);
        check("failed", "Failed", true);
        check("refused", "Refused", true);
        check("approve", "Approve", false);
        check("", "Recorded", false);
        check("größer", "GrEr", false);
        check(&"x".repeat(200), &format!("X{}", "x".repeat(127)), false);
    }

    #[test]
    fn a_note_is_one_line() {
        let check = |record: AuditRecord, expect: &str| assert_eq!(note(&record), expect);
        let record = |action: &str| AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", action, "shop");
        check(record("deploy"), "deploy shop, by ci");
        let full = record("deploy").change(Some("v1".into()), Some("v2".into())).because("two\nlines");
        check(
            full.fact("commit", "5f2c1e9").fact("run", "7"),
            "deploy shop: v1 -> v2, by ci: two lines (commit=5f2c1e9, run=7)",
        );
        check(record("deploy").change(None, Some("v1".into())), "deploy shop: v1, by ci");
        check(record("remove").change(Some("v1".into()), None), "remove shop: v1 is gone, by ci");
        check(AuditRecord::new(Timestamp::UNIX_EPOCH, "", "", ""), "");
        let long = note(&record("deploy").because("größe ".repeat(1000)));
        assert!(long.len() <= MAX_NOTE && long.len() > MAX_NOTE - 8 && long.ends_with('…'), "{}", long.len());
    }
}
