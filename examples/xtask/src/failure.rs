//! Errors as a person reads them, and as data.

use std::error::Error as StdError;

use deploy_core::error::Error;
use deploy_core::manifest::excerpt;
use deploy_k8s::{FieldConflict, FieldConflicts};
use serde_json::{Value, json};

use crate::images::{PreflightTable, Unchosen};
use crate::paint::{Paint, Tone, printable};

/// The error as data, with the fields that others own if these were in the way.
pub(crate) fn json(error: &Error) -> Value {
    let mut json = json!(error);
    if let Some(found) = PreflightTable::of(error) {
        json["images"] = json!(found.report().images);
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(FieldConflicts { fields, .. }) = cause.downcast_ref() {
            json["conflicts"] = fields.iter().map(conflict).collect();
            break;
        }
        source = cause.source();
    }
    json
}

fn conflict(conflict: &FieldConflict) -> Value {
    let FieldConflict { field, manager, by_apply, subresource, since, .. } = conflict;
    json!({"field": field, "manager": manager, "byApply": by_apply, "subresource": subresource, "since": since})
}

/// `error: …`, the line of the file it is about, and the causes that say something new.
pub(crate) fn render(error: &Error, paint: Paint) -> String {
    let mut said = error.to_string();
    let mut out = format!("{} {}\n", paint.text(Tone::Bad, "error:"), printable(&said));
    if let Some(excerpt) = excerpt(error) {
        out += &format!("{}\n", printable(&excerpt.to_string()));
        return out;
    }
    if let Some(found) = PreflightTable::of(error) {
        return out + "\n" + &found.text(paint);
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Unchosen(table)) = cause.downcast_ref() {
            return out + "\n" + table;
        }
        let text = cause.to_string();
        if !said.contains(&text) {
            out += &format!("{} {}\n", paint.text(Tone::Dim, "caused by:"), printable(&text));
            said = text;
        }
        source = cause.source();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::read;

    #[test]
    fn an_error_without_conflicts_has_none() {
        let found = json(&Error::invalid("no").on("a.yaml").source("refused"));
        assert_eq!(
            found,
            json!({"kind": "invalidInput", "object": "a.yaml", "message": "a.yaml: no", "retry": false})
        );
    }

    #[test]
    fn causes_are_told_once() {
        let check = |error: Error, text: &str| assert_eq!(render(&error, Paint(false)), text);
        check(Error::invalid("no"), "error: no\n");
        check(Error::invalid("no: refused").source("refused"), "error: no: refused\n");
        check(
            Error::invalid("no").source(Error::invalid("refused").source("port 1")),
            "error: no\ncaused by: refused\ncaused by: port 1\n",
        );
    }

    #[test]
    fn bad_yaml_shows_its_line() {
        let error = read("a.yaml", b"kind: Service\nport: 80\nport: 81\n").unwrap_err();
        let text = render(&error, Paint(false));
        assert!(text.ends_with("\n    3 | port: 81\n      | ^\n"), "{text}");
        assert!(!text.contains("caused by"), "{text}");
    }
}
