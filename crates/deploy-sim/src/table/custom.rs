//! Columns that a definition says (`additionalPrinterColumns`), by paths in JSON's dress.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::definition;
use super::human::duration;
use crate::controllers::object::{int, list, name, text};

/// More columns than anybody reads; steps of a path.
const MAX: usize = 100;
/// Bytes of a path.
const LONGEST: usize = 1_024;
/// Conditions in conditions.
const DEEPEST: usize = 4;

/// The columns of a version of a definition; its age where it says none.
fn said(version: &Value) -> Vec<Value> {
    match list(version, "/additionalPrinterColumns") {
        [] => vec![json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})],
        columns => columns.iter().take(MAX).cloned().collect(),
    }
}

pub(super) fn columns(version: &Value) -> Value {
    let mut columns = vec![definition("Name", "string", "name", "", 0)];
    columns.extend(said(version).iter().map(|column| {
        let priority = int(column, "/priority").unwrap_or(0);
        let description = match text(column, "/description") {
            "" if text(column, "/jsonPath") == ".metadata.creationTimestamp" => String::new(),
            "" => format!(
                "Custom resource definition column (in JSONPath format): {}",
                text(column, "/jsonPath")
            ),
            description => description.to_owned(),
        };
        definition(
            text(column, "/name"),
            text(column, "/type"),
            text(column, "/format"),
            &description,
            priority,
        )
    }));
    columns.into()
}

/// The columns of a version of a definition, their paths read.
#[derive(Debug)]
pub(super) struct Cells(Vec<(String, Option<Vec<Step>>)>);

impl Cells {
    pub(super) fn read(version: &Value) -> Self {
        let columns = said(version);
        let read = |column: &Value| (text(column, "/type").to_owned(), path(text(column, "/jsonPath")));
        Self(columns.iter().map(read).collect())
    }

    /// What an object shows in them, behind its name.
    pub(super) fn of(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let mut cells = vec![name(object).into()];
        cells.extend(self.0.iter().map(|(of, path)| {
            let found = path.as_ref().and_then(|path| find(object, path));
            found.map_or(Value::Null, |found| cell(of, found, now))
        }));
        cells
    }
}

fn cell(of: &str, found: &Value, now: Timestamp) -> Value {
    match (of, found) {
        ("string", Value::String(_))
        | ("integer" | "number", Value::Number(_))
        | ("boolean", Value::Bool(_)) => match found.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "as Go cuts it off")]
            Some(number) if of == "integer" && found.is_f64() => (number as i64).into(),
            _ => found.clone(),
        },
        ("string", Value::Null) => "<no value>".into(),
        ("string", other) => other.to_string().into(),
        ("date", Value::String(moment)) => match moment.parse() {
            Ok(moment) => duration(moment, now).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}

#[derive(Debug)]
pub(super) enum Step {
    Field(String),
    /// From the end where it is negative.
    Item(i64),
    All,
    /// Items of which this is so: a path is there, or has a value, or has another.
    Where(Vec<Step>, Option<(bool, Value)>),
}

/// The first value that a path leads to.
fn find<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = path.split_first() else { return Some(value) };
    let on = |found: &'a Value| find(found, rest);
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).and_then(on),
        (Step::Item(index), Value::Array(items)) => {
            let count = i64::try_from(items.len()).ok()?;
            let index = if *index < 0 { index + count } else { *index };
            items.get(usize::try_from(index).ok()?).and_then(on)
        }
        (Step::All, Value::Array(items)) => items.iter().find_map(on),
        (Step::All, Value::Object(fields)) => fields.values().find_map(on),
        (Step::Where(path, None), Value::Array(items)) => {
            items.iter().filter(|item| find(item, path).is_some()).find_map(on)
        }
        (Step::Where(path, Some((equal, expected))), Value::Array(items)) => {
            let fits = |item: &&Value| find(item, path).is_some_and(|found| (found == expected) == *equal);
            items.iter().filter(fits).find_map(on)
        }
        _ => None,
    }
}

/// Reads a path; `None` where it is none, or more than columns need.
fn path(text: &str) -> Option<Vec<Step>> {
    if text.len() <= LONGEST { steps(text, DEEPEST) } else { None }
}

/// The steps of a path, whose conditions have paths in them, as often as `depth` says.
fn steps(path: &str, depth: usize) -> Option<Vec<Step>> {
    let mut rest = path.trim().trim_start_matches('$');
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < MAX {
        if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = bracket(after)?;
            steps.push(in_brackets(inside, depth)?);
            rest = after;
            continue;
        }
        rest = rest.strip_prefix('.')?;
        if rest.is_empty() && steps.is_empty() {
            break;
        }
        let mut name = String::new();
        let mut letters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' => {
                    end = at;
                    break;
                }
                letter => name.push(letter),
            }
        }
        rest = rest.get(end..)?;
        steps.push(if name == "*" { Step::All } else { Step::Field(name).named()? });
    }
    Some(steps)
}

impl Step {
    fn named(self) -> Option<Self> {
        Some(self).filter(|step| !matches!(step, Self::Field(name) if name.is_empty()))
    }
}

/// What stands until the bracket closes, and what stands after; brackets in quotes do not count.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None, '[') => depth += 1,
            (None, ']') if depth > 0 => depth -= 1,
            (None, ']') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn in_brackets(inside: &str, depth: usize) -> Option<Step> {
    if let Some(condition) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        let compared = ["==", "!="].into_iter().find_map(|sign| {
            let (path, value) = condition.split_once(sign)?;
            Some((path, sign == "==", value))
        });
        let path_of = |text: &str| steps(text.trim().strip_prefix('@')?, depth.checked_sub(1)?);
        return match compared {
            None => Some(Step::Where(path_of(condition)?, None)),
            Some((path, equal, value)) => Some(Step::Where(path_of(path)?, Some((equal, literal(value)?)))),
        };
    }
    match unquoted(inside) {
        Some(name) => Some(Step::Field(name.to_owned())),
        None if inside == "*" => Some(Step::All),
        None => inside.parse().ok().map(Step::Item),
    }
}

fn unquoted(text: &str) -> Option<&str> {
    let text = text.trim();
    ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

fn literal(text: &str) -> Option<Value> {
    unquoted(text).map(Value::from).or_else(|| serde_json::from_str(text.trim()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let object = json!({
            "spec": {"size": 3, "a.b": "dotted", "list": [{"name": "x", "n": 1}, {"name": "y", "n": 2}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Old", "status": "False"}]},
        });
        let check = |path: &str, expect: Value| {
            let found = super::path(path).and_then(|path| find(&object, &path)).cloned().unwrap_or_default();
            assert_eq!(found, expect, "{path}");
        };
        check(".spec.size", json!(3));
        check(".spec.a\\.b", json!("dotted"));
        check(".spec['a.b']", json!("dotted"));
        check(".spec.list[1].name", json!("y"));
        check(".spec.list[-1].name", json!("y"));
        check(".spec.list[*].name", json!("x"));
        check(".spec.list[?(@.n==2)].name", json!("y"));
        check(".status.conditions[?(@.type==\"Ready\")].status", json!("True"));
        check(".status.conditions[?(@.type == 'Old')].status", json!("False"));
        check(".status.conditions[?(@.type!=\"Ready\")].status", json!("False"));
        check(".spec.list[?(@.nothing)].name", Value::Null);
        for nothing in
            [".spec.nothing", ".spec.list[9].name", ".spec[", "spec", ".spec..size", ".spec.size.x"]
        {
            check(nothing, Value::Null);
        }
        check(".spec.list[?(@.tags[?(@.x)])].name", Value::Null);
    }

    #[test]
    fn paths_of_no_end_are_none() {
        let nested = |depth: usize| format!(".a{}.x{}", "[?(@".repeat(depth), ")]".repeat(depth));
        for (path, is_one) in [
            (nested(DEEPEST), true),
            (nested(DEEPEST + 1), false),
            (nested(100_000), false),
            ("[?(@".repeat(200), false),
            (format!(".{}", "a".repeat(LONGEST)), false),
        ] {
            assert_eq!(super::path(&path).is_some(), is_one, "{} bytes", path.len());
        }
    }

    #[test]
    fn cells_by_type() {
        let now = "2026-01-01T01:00:00Z".parse().unwrap();
        let check =
            |of: &str, found: Value, expect: Value| assert_eq!(cell(of, &found, now), expect, "{of} {found}");
        check("string", json!("a"), json!("a"));
        check("string", json!(3), json!("3"));
        check("string", json!({"a": [1]}), json!("{\"a\":[1]}"));
        check("integer", json!(3), json!(3));
        check("integer", json!(3.7), json!(3));
        check("integer", json!("3"), Value::Null);
        check("number", json!(1.5), json!(1.5));
        check("boolean", json!(true), json!(true));
        check("date", json!("2026-01-01T00:00:00Z"), json!("60m"));
        check("date", json!("yesterday"), json!("<invalid>"));
    }

    #[test]
    fn columns_are_the_definitions_or_the_age() {
        let names = |version: Value| -> Vec<String> {
            let columns = columns(&version);
            list(&columns, "").iter().map(|column| text(column, "/name").to_owned()).collect()
        };
        assert_eq!(names(json!({})), ["Name", "Age"]);
        let said = json!({"additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]});
        assert_eq!(names(said), ["Name", "Size"]);
    }
}
