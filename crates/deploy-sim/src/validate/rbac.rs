//! Roles and their bindings.

use serde_json::Value;

use super::at::At;
use super::names;
use crate::status::Cause;

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn check_role(kind: &str, object: &At<'_>, out: &mut Vec<Cause>) {
    for rule in object.field("rules").items() {
        let [verbs, groups, resources, urls] =
            ["verbs", "apiGroups", "resources", "nonResourceURLs"].map(|field| rule.field(field));
        if !verbs.has_items() {
            out.push(verbs.required("verbs must contain at least one value"));
        }
        if urls.has_items() {
            if kind == "Role" {
                out.push(urls.invalid("namespaced rules cannot apply to non-resource URLs"));
            } else if groups.has_items() || resources.has_items() {
                out.push(urls.invalid("rules cannot apply to both regular resources and non-resource URLs"));
            }
            continue;
        }
        if !groups.has_items() {
            out.push(groups.required("resource rules must supply at least one api group"));
        }
        if !resources.has_items() {
            out.push(resources.required("resource rules must supply at least one resource"));
        }
    }
}

pub(super) fn check_binding(kind: &str, object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let role = object.field("roleRef");
    role.field("apiGroup").one_of(&[GROUP], out);
    let kinds: &[&str] = if kind == "RoleBinding" { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&role.field("kind").text()) {
        out.push(role.field("kind").unsupported(kinds));
    }
    let name = role.field("name");
    if name.text().is_empty() {
        out.push(name.required(""));
    } else {
        out.extend(name.invalid_for(names::path_segment(name.text())));
    }
    for subject in object.field("subjects").items() {
        check_subject(&subject, kind, out);
    }
    if before.is_some_and(|before| before.field("roleRef").value != role.value) {
        let text = |field: &str| Value::from(role.field(field).text());
        // As the server's type is written.
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            text("apiGroup"),
            text("kind"),
            text("name")
        );
        out.push(role.invalid_as(&shown, "cannot change roleRef"));
    }
}

fn check_subject(subject: &At<'_>, binding: &str, out: &mut Vec<Cause>) {
    let [kind, name, group] = ["kind", "name", "apiGroup"].map(|field| subject.field(field));
    if name.text().is_empty() {
        out.push(name.required(""));
    }
    match kind.text() {
        "ServiceAccount" => {
            if !name.text().is_empty() {
                out.extend(name.invalid_for(names::subdomain(name.text())));
            }
            if !group.text().is_empty() {
                out.push(group.unsupported(&[""]));
            }
            // In a RoleBinding its own namespace is meant.
            if binding == "ClusterRoleBinding" && subject.field("namespace").text().is_empty() {
                out.push(subject.field("namespace").required(""));
            }
        }
        "User" | "Group" => group.one_of(&[GROUP], out),
        _ => out.push(kind.unsupported(&["ServiceAccount", "User", "Group"])),
    }
}
