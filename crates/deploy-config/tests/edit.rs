//! Edits of texts: what is asked for, and not a byte more; or refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

use deploy_config::edit::{Change, Format, MAX_BYTES, MAX_DEPTH};
use deploy_core::error::Result;

fn change(edit: &str) -> Change {
    match edit.split_once(" = ") {
        Some((path, value)) => Change::put(path.parse().unwrap(), value),
        None => Change::remove(edit.parse().unwrap()),
    }
}

fn edited(format: Format, text: &str, edits: &[&str]) -> Result<String> {
    format.apply(text, &edits.iter().map(|edit| change(edit)).collect::<Vec<_>>())
}

/// Each edit is `path = value`, or a path whose value is removed. With every kind of line break, with and without a
/// byte order mark, and without a break at the end.
fn check(format: Format, text: &str, edits: &[&str], expect: &str) {
    for (from, to) in [("", ""), ("\n", "\r\n")] {
        let turned = |text: &str| if from.is_empty() { text.to_owned() } else { text.replace(from, to) };
        let bom = |text: &str| format!("\u{feff}{}", turned(text));
        let got = edited(format, &turned(text), edits);
        assert_eq!(got.unwrap_or_else(|error| panic!("{text:?} {edits:?}: {error:?}")), turned(expect));
        assert_eq!(edited(format, &bom(text), edits).unwrap(), bom(expect), "with a byte order mark");
        if let (Some(text), Some(expect)) = (text.strip_suffix('\n'), expect.strip_suffix('\n'))
            && text.contains('\n')
        {
            let got = edited(format, &turned(text), edits).unwrap();
            assert_eq!(got, turned(expect), "without a break at the end: {text:?} {edits:?}");
        }
    }
}

fn refused(format: Format, text: &str, edits: &[&str], message: &str) {
    let error = edited(format, text, edits).unwrap_err();
    assert!(error.to_string().contains(message), "{text:?} {edits:?}: {error}");
}

const YAML: Format = Format::Yaml;

#[test]
fn yaml_values() {
    check(YAML, "a: v1 # c\nb: 2\n", &["a = v2"], "a: v2 # c\nb: 2\n");
    check(YAML, "a: \"v1\"   # c\n", &["a = 1.10"], "a: \"1.10\"   # c\n");
    check(YAML, "a: 'v1'\nb: {}\n", &["a = 2026-11-21"], "a: '2026-11-21'\nb: {}\n");
    check(YAML, "a: v1\n", &["a = 0123"], "a: \"0123\"\n");
    check(YAML, "a: 1.9\n", &["a = 1.10"], "a: \"1.10\"\n");
    check(YAML, "a: 1.10\n", &["a = 1.10"], "a: 1.10\n");
    check(YAML, "a:   \"x\\u00e9\"  # é\nb: é\n", &["a = ü", "b = z"], "a:   \"ü\"  # é\nb: z\n");
    check(YAML, "a:\n  b:   v1\n  c: 1\nd: 2\n", &["a.b = v2"], "a:\n  b:   v2\n  c: 1\nd: 2\n");
    check(YAML, "a: # c\n  v1\nb: 1\n", &["a = v2"], "a: # c\n  v2\nb: 1\n");
    check(YAML, "a: one\n  two\nb: 1\n", &["a = v2"], "a: v2\nb: 1\n");
    check(YAML, "a: |\n  one\n\n  two\n\n# c\nb: 1\n", &["a = v2"], "a: \"v2\"\n\n# c\nb: 1\n");
    check(YAML, "a: >-\n  one\nb: 1\n", &["a = v2"], "a: \"v2\"\nb: 1\n");
    check(YAML, "a: |+\n  one\n\nb: 1\n", &["a = v2"], "a: \"v2\"\nb: 1\n");
    check(YAML, "x:\n- a: |\n    one | two\n  b: 1\n", &["x[0].a = v2"], "x:\n- a: \"v2\"\n  b: 1\n");
    check(YAML, "a:\nb: 1\n", &["a = v2"], "a: v2\nb: 1\n");
    check(YAML, "a: # c\nb: 1\n", &["a = v2"], "a: v2 # c\nb: 1\n");
    check(YAML, "a: ~ # c\n", &["a = v2"], "a: v2 # c\n");
    check(YAML, "\"a b\": v1\n", &["[\"a b\"] = v2"], "\"a b\": v2\n");
    check(YAML, "shop:tag: v1\n", &["[\"shop:tag\"] = v2"], "shop:tag: v2\n");
    check(YAML, "a: !!str 1\nb: &x v1\n", &["a = 2", "b = v2"], "a: !!str \"2\"\nb: &x v2\n");
    check(YAML, "? a\n: v1\n", &["a = v2"], "? a\n: v2\n");
    check(YAML, "a: ''\n", &["a = v2"], "a: 'v2'\n");
    check(YAML, "a: v1\n...\n", &["a = v2"], "a: v2\n...\n");
    check(YAML, "%YAML 1.2\n---\na: v1\n", &["a = v2"], "%YAML 1.2\n---\na: v2\n");
}

#[test]
fn yaml_lists_and_flow() {
    let text = "s:\n- name: web\n  image: w:1\n-   name: api # c\n    image: a:1\n";
    check(YAML, text, &["s[name=api].image = a:2"], &text.replace("a:1", "a:2"));
    check(YAML, text, &["s[0].image = w:2"], &text.replace("w:1", "w:2"));
    check(YAML, "l: [a, 'b', c] # x\n", &["l[1] = d", "l[2] = 1"], "l: [a, 'd', \"1\"] # x\n");
    check(YAML, "i: {r: x, t: v1} # c\n", &["i.t = v2"], "i: {r: x, t: v2} # c\n");
    check(YAML, "i: {r: x}\n", &["i.t = v2"], "i: {r: x, t: v2}\n");
    check(YAML, "i: {}\n", &["i.t = v2"], "i: {t: v2}\n");
    check(YAML, "i: { r: x, }\n", &["i.t = v2"], "i: { r: x, t: v2 }\n");
    check(YAML, "i: {\n  r: x # c\n}\nj: 1\n", &["i.t = v2"], "i: {\n  r: x, # c\n  t: v2\n}\nj: 1\n");
    check(YAML, "i: {\n  r: x, # c\n}\n", &["i.t = v2"], "i: {\n  r: x, # c\n  t: v2,\n}\n");
    check(YAML, "i: {r: x, t: v1}\n", &["i.t"], "i: {r: x}\n");
    check(YAML, "i: {r: x, t: v1}\n", &["i.r"], "i: {t: v1}\n");
    check(YAML, "i: {r: x}\n", &["i.r"], "i: {}\n");
    check(YAML, "i: {\n  r: x, # c\n  t: v1\n}\n", &["i.r"], "i: {\n  t: v1\n}\n");
    check(YAML, "i: {\n  r: x, # c\n  t: v1\n}\n", &["i.t"], "i: {\n  r: x # c\n}\n");
    check(YAML, "s: [{id: a, t: v1}]\n", &["s[id=b].t = v2"], "s: [{id: a, t: v1}, {id: b, t: v2}]\n");
    check(YAML, "{a: 1}\n", &["b.c = v2"], "{a: 1, b: {c: v2}}\n");
}

#[test]
fn yaml_new_keys() {
    check(YAML, "a: 1\n", &["b = v2"], "a: 1\nb: v2\n");
    check(YAML, "a: 1\n# end\n", &["b = v2"], "a: 1\nb: v2\n# end\n");
    check(YAML, "a:\n    x: 1 # c\nb: 2\n", &["a.w = v2"], "a:\n    x: 1 # c\n    w: v2\nb: 2\n");
    check(YAML, "a:\n    x: 1\n", &["b.w.z = v2"], "a:\n    x: 1\nb:\n    w:\n        z: v2\n");
    check(YAML, "a: |\n  one\n\n  two\nb: 1\n", &["c = v2"], "a: |\n  one\n\n  two\nb: 1\nc: v2\n");
    check(YAML, "x:\n  a: |\n    one\n\ny: 1\n", &["x.c = v2"], "x:\n  a: |\n    one\n  c: v2\n\ny: 1\n");
    check(YAML, "x:\n  a: |+\n    one\n\ny: 1\n", &["x.c = v2"], "x:\n  a: |+\n    one\n\n  c: v2\ny: 1\n");
    check(YAML, "s:\n  - id: a\n    t: 1\n", &["s[id=a].u = v2"], "s:\n  - id: a\n    t: 1\n    u: v2\n");
    check(YAML, "s:\n  - id: a\n", &["s[id=b].t = v2"], "s:\n  - id: a\n  - id: b\n    t: v2\n");
    check(YAML, "s:\n- id: a\nx: 1\n", &["s[id=b].t = v2"], "s:\n- id: a\n- id: b\n  t: v2\nx: 1\n");
    check(YAML, "x:\n  - 1\n", &["s[id=b].t = v2"], "x:\n  - 1\ns:\n  - id: b\n    t: v2\n");
    check(YAML, "a:\nb: 1\n", &["a.x = v2"], "a:\n  x: v2\nb: 1\n");
    check(YAML, "a: null # c\n", &["a.x = v2"], "a: {x: v2} # c\n");
    check(YAML, "a: {}\nb: 1\n", &["a.x.w = v2"], "a: {x: {w: v2}}\nb: 1\n");
    check(YAML, "a: [1, 2]\n", &["yes = v2"], "a: [1, 2]\n\"yes\": v2\n");
    check(YAML, "a:\n  - x: {n: 1}\n", &["b = v2"], "a:\n  - x: {n: 1}\nb: v2\n");
    check(YAML, "a: 1\n", &["b.c = 1", "b.d = 2"], "a: 1\nb:\n  c: \"1\"\n  d: \"2\"\n");
    check(YAML, "a: 1\n---\nb: 1\n", &["[0].x = v2"], "a: 1\nx: v2\n---\nb: 1\n");
    assert_eq!(edited(YAML, "", &["a.b = v1"]).unwrap(), "a:\n  b: v1\n");
    assert_eq!(edited(YAML, "# only\n", &["a = v1"]).unwrap(), "# only\na: v1\n");
    assert_eq!(edited(YAML, "---\n", &["a = v1"]).unwrap(), "---\na: v1\n");
}

#[test]
fn yaml_removed_keys() {
    check(YAML, "a: 1\nb: 2 # c\nc: 3\n", &["b"], "a: 1\nc: 3\n");
    check(YAML, "a: 1\n# above\nb: 2\nc: 3\n", &["b"], "a: 1\n# above\nc: 3\n");
    check(YAML, "a:\n  x: 1\n  y: 2\nb: 3\n", &["a.y"], "a:\n  x: 1\nb: 3\n");
    check(YAML, "a: # c\n  # d\n  x: 1\nb: 3\n", &["a.x"], "a: {} # c\n  # d\nb: 3\n");
    check(YAML, "a: |\n  one\n  two\nb: 3\n", &["a"], "b: 3\n");
    check(YAML, "s:\n- n: a\n  t: 1\n", &["s[0].t"], "s:\n- n: a\n");
    check(YAML, "s:\n- n: a\n  t: 1\n", &["s[0].n"], "s:\n- t: 1\n");
    check(YAML, "s:\n- n: a\n", &["s[0].n"], "s:\n- {}\n");
    check(YAML, "a: 1\n", &["b", "c.d"], "a: 1\n");
    check(YAML, "a: null\n", &["a"], "a: null\n");
    assert_eq!(edited(YAML, "# top\na: 1\n", &["a"]).unwrap(), "# top\n");
}

#[test]
fn yaml_anchors() {
    let text = "base: &b\n  tag: v1\n  own: &free x\nuse: *b\nmore:\n  <<: *b\n  own: z\n  extra: 1\n";
    for (path, value) in [("use.tag", "v1"), ("more.tag", "v1"), ("more.own", "z")] {
        assert_eq!(YAML.get(text, &path.parse().unwrap()).unwrap().as_deref(), Some(value), "{path}");
    }
    refused(YAML, text, &["base.tag = v2"], "lines 2 and 4: an edit would change both");
    refused(YAML, text, &["use.tag = v2"], "lines 4 and 2: an edit would change both");
    refused(YAML, text, &["more.tag = v2"], "from a merge key, lines 6 and 2");
    refused(YAML, text, &["base.new = v2"], "an edit would change both");
    refused(YAML, text, &["more.own"], "that value would show");
    check(YAML, text, &["more.own = w"], &text.replace("own: z", "own: w"));
    check(YAML, text, &["more.new = w"], &text.replace("extra: 1\n", "extra: 1\n  new: w\n"));
    check(YAML, "a: &x v1\nb: 1\n", &["a = v2"], "a: &x v2\nb: 1\n");
    check(YAML, "a: &x v1\nb: *x\nc: v1\n", &["c = v2"], "a: &x v1\nb: *x\nc: v2\n");
    refused(YAML, "a: &x {k: 1}\nb:\n  k: 2\n  <<: *x\n", &["b.k = v2"], "written and merged after that");
    refused(YAML, "a: &a [*a]\n", &["b = 1"], "stands inside the value that it repeats");
}

#[test]
fn yaml_documents() {
    let text = "---\nkind: A\ntag: v1\n---\nkind: B\ntag: v1\n---\n# nothing\n";
    let expect = "---\nkind: A\ntag: v1\n---\nkind: B\ntag: v2\n---\n# nothing\n";
    check(YAML, text, &["[1].tag = v2"], expect);
    check(YAML, text, &["[kind=B].tag = v2"], expect);
    refused(YAML, text, &["tag = v2"], "it holds several documents, at lines 2 and 5");
    refused(YAML, text, &["[2].tag = v2"], "it has only 2 documents");
    refused(YAML, text, &["[kind=C].tag = v2"], "no document has kind=C");
}

#[test]
fn yaml_refused() {
    let check = |text: &str, edit: &str, message: &str| refused(YAML, text, &[edit], message);
    check("a: {b: 1}\n", "a = v2", "line 1 holds a map, not a value");
    check("a: [1]\n", "a.b = v2", "line 1 holds a list, not a map");
    check("a: v1\n", "a.b = v2", "line 1 holds a value, not a map");
    check("a: v1\na: v2\n", "a = v3", "stands twice, at lines 1 and 2");
    check("l:\n- n: a\n- n: a\n", "l[n=a].t = 1", "several items have n=a, at lines 2 and 3");
    check("l: [1]\n", "l[1] = 2", "item 1 of a list is not there");
    check("l: [1, 2]\n", "l[0]", "an item of a list is not removed");
    check("a: !!int 3\n", "a = 4", "has a tag");
    check("a: | # c\n  one\n", "a = v2", "the comment beside it would be lost");
    check("- # c\n", "[0].a = 1", "null stands where a map");
    check("a: \"x\n", "a = 1", "line 1: while scanning a quoted scalar");
    check("l:\n- n: a\n  # c\n  t: 1\n", "l[0].n", "a comment stands between");
    refused(YAML, "a: 1\n", &["a = 2", "a = 3"], "named twice");
    // A block at the end of the text has no last line break until something follows.
    refused(YAML, "a: |\n  x", &["b = 1"], "would change more");
    refused(YAML, "a: |\n  x\nb: 1", &["b"], "would change more");
    refused(YAML, "l:\n- n: a\n  t: 1\n", &["l[0].t = 2", "l[n=a].t = 3"], "two keys name the same place");
}

#[test]
fn json() {
    let j = Format::Json;
    check(j, "{\n\t\"a\": 1,\n\t\"b\": \"x\"\n}\n", &["a = 2"], "{\n\t\"a\": \"2\",\n\t\"b\": \"x\"\n}\n");
    check(
        j,
        "{\n  \"a\": {\n    \"t\": \"v1\"\n  }\n}\n",
        &["a.u.w = q\"\\"],
        "{\n  \"a\": {\n    \"t\": \"v1\",\n    \"u\": {\"w\": \"q\\\"\\\\\"}\n  }\n}\n",
    );
    check(j, "{\n  \"a\": 1,\n  \"b\": 2\n}\n", &["b"], "{\n  \"a\": 1\n}\n");
    check(j, "{\n  \"a\": 1,\n  \"b\": 2\n}\n", &["a"], "{\n  \"b\": 2\n}\n");
    check(j, "{\"a\":1}\n", &["a"], "{}\n");
    check(j, "{}\n", &["a = #1"], "{\"a\": \"#1\"}\n");
    check(j, "{\"a\": null}\n", &["a = v1"], "{\"a\": \"v1\"}\n");
    check(j, "{\"a\": \"#\", \"b\": \"#\"}\n", &["a"], "{\"b\": \"#\"}\n");
    check(
        j,
        "{\"l\": [{\"n\": \"a\"}]}\n",
        &["l[n=b].t = 1"],
        "{\"l\": [{\"n\": \"a\"}, {\"n\": \"b\", \"t\": \"1\"}]}\n",
    );
    refused(j, "{\"a\": 1, \"a\": 2}", &["a = 3"], "stands twice");
    refused(j, "{\"a\": 1,}", &["a = 3"], "line 1: a key in double quotes is missing");
    refused(j, "", &["a = 3"], "it is empty");
}

#[test]
fn toml() {
    let t = Format::Toml;
    let text = "# top\nx = 1 # c\n\n[app] # h\n  # above\n  tag = 'v1' # c\n  n.m = 2\n\n[[l]]\nname = \"a\"\n[l.sub]\nz = 1\n";
    check(t, text, &["app.tag = v2"], &text.replace("'v1'", "'v2'"));
    check(t, text, &["app.tag = it's"], &text.replace("'v1'", "\"it's\""));
    check(t, text, &["x = 1.10"], &text.replace("x = 1 ", "x = \"1.10\" "));
    check(t, text, &["app.new = v2"], &text.replace("n.m = 2\n", "n.m = 2\n  new = \"v2\"\n"));
    check(t, text, &["app.n.o = v2"], &text.replace("n.m = 2\n", "n.m = 2\n  n.o = \"v2\"\n"));
    check(t, text, &["y.z = v2"], &text.replace("x = 1 # c\n", "x = 1 # c\ny.z = \"v2\"\n"));
    check(t, text, &["app.tag"], &text.replace("  tag = 'v1' # c\n", ""));
    check(t, text, &["app.n.m"], &text.replace("  n.m = 2\n", ""));
    check(t, text, &["l[name=a].sub.z = 2"], &text.replace("z = 1", "z = \"2\""));
    check(t, text, &["l[0].tag = v2"], &text.replace("name = \"a\"\n", "name = \"a\"\ntag = \"v2\"\n"));
    check(t, "a = { b = 1 } # c\n", &["a.c = v2"], "a = { b = 1, c = \"v2\" } # c\n");
    check(t, "a = { b = 1, c = 2 }\n", &["a.c"], "a = { b = 1 }\n");
    check(
        t,
        "[a]\n",
        &["a.\"\u{2028}\" = v2".replace(".\"\u{2028}\"", "[\"x y\"]").as_str()],
        "[a]\n\"x y\" = \"v2\"\n",
    );
    assert_eq!(edited(t, "", &["a.b = v1"]).unwrap(), "a.b = \"v1\"\n");
    assert_eq!(edited(t, "[x]\n", &["a = v1"]).unwrap(), "a = \"v1\"\n[x]\n");
    refused(t, "[a.b]\nc = 1\n", &["a.x = 1"], "its table has no header of its own");
    refused(t, "a = 1\na = 2\n", &["a = 1"], "line 2: duplicate key");
    assert_eq!(t.get("a = 2026-11-21\n", &"a".parse().unwrap()).unwrap().as_deref(), Some("2026-11-21"));
}

#[test]
fn dotenv() {
    let d = Format::Dotenv;
    let text = "# top\nexport A=v1 # c\nB='x y'\nC=\"q\\n\"\n\nD=\n";
    check(d, text, &["A = v2", "B = it", "C = r"], "# top\nexport A=v2 # c\nB='it'\nC=\"r\"\n\nD=\n");
    check(d, text, &["A = a b"], &text.replace("v1", "'a b'"));
    check(d, text, &["B = it's $x"], &text.replace("'x y'", "\"it's \\$x\""));
    check(d, text, &["D = v2"], &text.replace("D=", "D=v2"));
    check(d, text, &["E = v2"], &text.replace("D=\n", "D=\nE=v2\n"));
    check(d, text, &["B"], &text.replace("B='x y'\n", ""));
    assert_eq!(edited(d, "", &["A = v1"]).unwrap(), "A=v1\n");
    assert_eq!(d.get("A=\"x\ny\"\n", &"A".parse().unwrap()).unwrap().as_deref(), Some("x\ny"));
    refused(d, "A=$HOME/x\n", &["A = 1"], "line 1 refers to other variables");
    refused(d, "A=1\n\nA=2\n", &["A = 3"], "line 3: the key \"A\" stands twice (first at line 1)");
    refused(d, "A=1\nnonsense\n", &["A = 3"], "line 2: it has no =");
    refused(d, "A=1\n", &["[\"a b\"] = 3"], "this is no name of a variable");
}

#[test]
fn what_is_too_large_is_refused() {
    refused(YAML, &" ".repeat(MAX_BYTES + 1), &["a = 1"], "over 16 MiB");
    refused(YAML, &"[".repeat(MAX_DEPTH + 1), &["a = 1"], "nested deeper than 100");
    refused(Format::Json, &"[".repeat(MAX_DEPTH + 2), &["a = 1"], "nested deeper than 100");
    refused(YAML, &format!("[{}]", "1,".repeat(1_000_001)), &["a = 1"], "more than 1000000 values");
    let twice = "a: &a {<<: [*a0, *a0]}\n".replace("&a ", "&a1 ");
    let mut bomb = String::from("x: &a0 {k: 1}\n");
    for level in 1..60 {
        bomb += &twice
            .replace("a:", &format!("k{level}:"))
            .replace("&a1", &format!("&a{level}"))
            .replace("*a0", &format!("*a{}", level - 1));
    }
    refused(YAML, &bomb, &["k59.none = 1"], "merge keys repeat too many maps");
}
