//! JSON values to YAML, as `kubectl` prints it.
//!
//! No library does it: `serde-saphyr` 2.1, the best of those that are kept, writes literal blocks that Go's reader
//! refuses (a tab first). Here the reader next door decides which text may stand without quotes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::yaml;

/// The longest key, as written, that needs no `?` before it; readers look for its colon 1024 characters ahead.
const MAX_SIMPLE_KEY: usize = 128;

/// Writes `value` as YAML the way `kubectl` prints it: in block style, indented by two spaces, lists not indented
/// below their key, keys in the map's order. For an object that is `to_yaml(object.value())`.
///
/// [`read`](super::read) gives the same value back, and so does a reader of YAML 1.2; only a whole float (`1.0`)
/// becomes an integer, as it does in Go. Text of several lines is a literal block. Text that a reader could take for
/// something else (`yes`, `0777`, `12:30`) is quoted. Control characters, `\r`, other signs for a line break, and marks
/// that reverse the direction of reading are escaped, so that what is shown is what is there.
///
/// ```
/// use serde_json::json;
///
/// let yaml = deploy_core::manifest::to_yaml(&json!({
///     "data": {"mode": "0644", "motd": "Hello,\nworld\n"},
///     "ports": [80, {"name": "admin", "hosts": []}],
/// }));
/// assert_eq!(yaml, "\
/// data:
///   mode: \"0644\"
///   motd: |
///     Hello,
///     world
/// ports:
/// - 80
/// - hosts: []
///   name: admin
/// ");
/// ```
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        // How far a block is indented that stands in no map and no list, readers see differently.
        Value::String(text) => {
            inline(&mut out, text);
            out.push('\n');
        }
        value => node(&mut out, value, 0),
    }
    out
}

/// Writes a value where the text ends, and its line break; lines after the first start at column `indent`.
fn node(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => block_map(out, map, indent),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                pad(out, if index == 0 { 0 } else { indent });
                out.push_str("- ");
                node(out, item, indent + 2);
            }
        }
        Value::String(text) if is_literal(text) => literal(out, text, indent),
        Value::String(text) => {
            inline(out, text);
            out.push('\n');
        }
        // JSON's own form is YAML too.
        scalar_or_empty => {
            out.push_str(&scalar_or_empty.to_string());
            out.push('\n');
        }
    }
}

fn block_map(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (index, (key, value)) in map.iter().enumerate() {
        pad(out, if index == 0 { 0 } else { indent });
        let start = out.len();
        inline(out, key);
        if out.len() - start > MAX_SIMPLE_KEY {
            out.insert_str(start, "? ");
            out.push('\n');
            pad(out, indent);
        }
        out.push(':');
        let (separator, before, indent) = match value {
            Value::Object(map) if !map.is_empty() => ('\n', indent + 2, indent + 2),
            Value::Array(items) if !items.is_empty() => ('\n', indent, indent),
            _ => (' ', 0, indent + 2),
        };
        out.push(separator);
        pad(out, before);
        node(out, value, indent);
    }
}

/// `|` keeps one line break at the end, `|-` none, `|+` all of them.
fn literal(out: &mut String, text: &str, indent: usize) {
    let lines = text.trim_end_matches('\n');
    let breaks = text.len() - lines.len();
    out.push('|');
    if text.trim_start_matches('\n').starts_with([' ', '\t']) {
        // Readers would count it as indentation.
        out.push('2');
    }
    match breaks {
        0 => out.push('-'),
        1 => {}
        _ => out.push('+'),
    }
    for line in lines.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
    out.extend(std::iter::repeat_n('\n', breaks.max(1)));
}

/// Text on the line, quoted if need be.
fn inline(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_shown(c) => out.push(c),
            // Writing to a string cannot fail.
            c => drop(write!(out, "\\u{:04X}", u32::from(c))),
        }
    }
    out.push('"');
}

fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && text.chars().any(|c| c != '\n')
        && text.chars().all(|c| is_shown(c) || c == '\n' || c == '\t')
}

/// Whether every reader takes `text` for itself if it is not quoted.
fn is_plain(text: &str) -> bool {
    let undashed = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or(text);
    undashed.starts_with(|c: char| c.is_alphanumeric() || "/._$(".contains(c))
        && !text.starts_with("...")
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_shown)
        && yaml::is_text(text)
        && !is_number_elsewhere(text)
}

/// Whether `text` has the looks of a number or a date to some reader, be it of YAML 1.1 or 1.2.
fn is_number_elsewhere(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text).to_ascii_lowercase();
    let is_float = unsigned.replace('_', "").parse::<f64>().is_ok();
    let has_radix = ["0x", "0o", "0b"].iter().any(|radix| unsigned.starts_with(radix));
    let is_date_or_base_60 = (unsigned.contains([':', '_']) || unsigned.get(4..5) == Some("-"))
        && unsigned.chars().all(|c| c.is_ascii_digit() || ":-+_. tz".contains(c));
    is_float || has_radix || is_date_or_base_60
}

/// Whether a character stands for itself, on a screen as in every reader. U+2028 to U+202E and U+2066 to U+2069 break
/// lines or reverse the direction of reading.
fn is_shown(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn pad(out: &mut String, columns: usize) {
    out.extend(std::iter::repeat_n(' ', columns));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::read;

    fn check(value: &Value, expect: &str) {
        assert_eq!(to_yaml(value), expect, "{value}");
    }

    #[test]
    fn collections_are_blocks() {
        check(&json!({}), "{}\n");
        check(&json!([]), "[]\n");
        check(&json!({"b": 1, "a": {"d": null, "c": {}}}), "a:\n  c: {}\n  d: null\nb: 1\n");
        check(&json!({"a": [1, [], {}]}), "a:\n- 1\n- []\n- {}\n");
        check(
            &json!({"a": {"b": [{"c": [1, 2], "d": 3}]}}),
            "a:\n  b:\n  - c:\n    - 1\n    - 2\n    d: 3\n",
        );
        check(&json!([[1, [2]], [{"a": [3]}]]), "- - 1\n  - - 2\n- - a:\n    - 3\n");
        check(&json!({"a": ["x\ny", {"b": "x\ny"}]}), "a:\n- |-\n  x\n  y\n- b: |-\n    x\n    y\n");
        let key = "k".repeat(129);
        check(&json!({&key: 1}), &format!("? {key}\n: 1\n"));
        check(&json!({"a": {&key: {"b": [1]}}}), &format!("a:\n  ? {key}\n  :\n    b:\n    - 1\n"));
        check(&json!({&key: [1, 2]}), &format!("? {key}\n:\n- 1\n- 2\n"));
    }

    #[test]
    fn numbers_are_exact() {
        check(&json!([u64::MAX, i64::MIN, 0.1]), "- 18446744073709551615\n- -9223372036854775808\n- 0.1\n");
    }

    #[test]
    fn several_lines_are_literal_where_that_is_exact() {
        let value = |text: &str, expect: &str| check(&json!({"a": text}), &format!("a: {expect}\n"));
        value("x\ny", "|-\n  x\n  y");
        value("x\ny\n", "|\n  x\n  y");
        value("x\n\n\n", "|+\n  x\n\n");
        value("x\n", "|\n  x");
        value("\nx\n\n- y: #\n", "|\n\n  x\n\n  - y: #");
        value("  x\ny\n", "|2\n    x\n  y");
        value("\n\tx\ny", "|2-\n\n  \tx\n  y");
        value("x \n\ty\n ", "|-\n  x \n  \ty\n   ");
        value("x\r\ny\r\n", r#""x\r\ny\r\n""#);
        value("\n", r#""\n""#);
        value("x\ny\u{2028}\n", r#""x\ny\u2028\n""#);
        value("x\n\u{1b}[31m", r#""x\n\u001B[31m""#);
        value("⚠️ é\n𝄞\n", "|\n  ⚠️ é\n  𝄞");
        check(&json!("x\ny\n"), "\"x\\ny\\n\"\n");
    }

    #[test]
    fn text_is_plain_only_if_all_readers_take_it_for_itself() {
        let plain = "api;nginx:1.27-alpine;10.0.0.1;10.0.0.0/8;500m;1.2.3-rc.1;1.2.3-1;6d4b75cb6d;--flag=x;-c;/bin/sh;\
            $(POD_IP);a, [b] {c};it's;a:b;a#b;é;v1;.a;_a;yEs;none";
        for text in plain.split(';') {
            check(&json!({text: text}), &format!("{text}: {text}\n"));
        }
        let marks = "; ;a ; a;a: b;a:;a #b;#a;- a;-;--;---;--- a;...;... a;? a;?;: a;\
            *;&a;!a;|;>;%a;@a;`a;'a;[a;{a;{{ .a }};,;=;<<;~";
        let words = "y;N;yes;on;Off;true;null;NULL;inf;.inf;-.Inf;.NaN";
        let numbers = "0;0777;0999;+1;1_000;_;1_;0x1f;0xfffffffffffffffffffff;0o17;0b11;1e3;1e999;1.;.5;-.5;1_0e999;\
            99999999999999999999999;190:20:30;2020-01-01;2020-01-01T00:00:00Z;2020-1-1 1:2:3.4 +1";
        for text in [marks, words, numbers].iter().flat_map(|list| list.split(';')) {
            check(&json!({text: text}), &format!("\"{text}\": \"{text}\"\n"));
        }
    }

    #[test]
    fn what_does_not_show_is_escaped() {
        let check = |text: &str, expect: &str| check(&json!([text]), &format!("- \"{expect}\"\n"));
        check("\"\\", r#"\"\\"#);
        check("a\tb", r"a\tb");
        check("\0\u{7f}\u{85}\u{9f}", r"\u0000\u007F\u0085\u009F");
        check("a\u{202e}b\u{2066}c\u{feff}\u{fffe}", r"a\u202Eb\u2066c\uFEFF\uFFFE");
    }

    /// The table says what Go's reader makes of a plain scalar.
    #[test]
    fn go_reads_what_is_plain_as_itself() {
        let table = include_str!("../../tests/data/kubernetes-scalars.json");
        let rows: Vec<Value> = serde_json::from_str(table).unwrap();
        let mut plain = 0;
        for row in rows {
            let text = row["in"].as_str().unwrap();
            if is_plain(text) {
                plain += 1;
                assert_eq!((&row["value"], &row["key"]), (&json!(text), &json!(format!("={text}"))));
            }
        }
        assert!(plain > 10, "{plain}");
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            "[0-9a-fxob_.:eE+-]{1,8}",
            "[yYnNoOtTfFu~.]{1,3}[eEsSfFlL]{0,3}",
            "[-?:.$(/+_a1]{1,4}",
            "( {0,3}[ab\t:#-]{0,2} ?\n){0,6}",
            "[\n \ta]{1,6}",
            "[ \n\t\ra#:'\"\\\\{},|%1.\u{0}\u{7f}\u{85}\u{a0}\u{2028}\u{202e}\u{feff}\u{fffe}é\u{301}😀-]{0,10}",
            "(ab ?){60,80}",
            "x{1020,1030}: ?",
        ]
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<u64>().prop_map(Value::from),
            1 => proptest::num::f64::NORMAL.prop_map(Value::from),
            1 => (-1e6..1e6).prop_map(|float: f64| Value::from(float)),
            8 => text().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..4)
                    .prop_map(|map| Value::Object(Map::from_iter(map))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn reading_gives_back_what_was_written(value in json_value()) {
            let object = json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "spec": value});
            // Through the reader first: it makes an integer of a float such as 1.0, as Go does.
            let object = read("x", object.to_string().as_bytes()).unwrap().remove(0);
            let yaml = to_yaml(object.value());
            prop_assert_eq!(read("x", yaml.as_bytes()).unwrap(), [object], "{}", yaml);
        }

        #[test]
        fn what_is_written_shows_as_it_is(value in json_value()) {
            for c in to_yaml(&value).chars() {
                prop_assert!(is_shown(c) || c == '\n' || c == '\t', "{c:?}");
            }
        }
    }
}
