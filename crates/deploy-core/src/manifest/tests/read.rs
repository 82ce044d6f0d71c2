use std::fmt::Write as _;

use serde_json::{Value, json};

use super::good;
use crate::manifest::*;

fn one(text: &str) -> Value {
    good(text).remove(0).into_value()
}

/// The error of a text that must be bad.
fn bad(bytes: impl AsRef<[u8]>) -> crate::error::Error {
    read("t.yaml", bytes.as_ref()).expect_err("must be refused")
}

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";

#[test]
fn documents_and_what_is_around_them() {
    let check = |text: &str, names: &[&str]| {
        let found: Vec<String> = good(text).iter().map(|object| object.name().to_owned()).collect();
        assert_eq!(found, names, "{text:?}");
    };
    let object = |name: &str| format!("apiVersion: v1\nkind: K\nmetadata:\n  name: {name}\n");
    let (a, b) = (object("a"), object("b"));
    check("", &[]);
    check("\n\n", &[]);
    check("# comment\n", &[]);
    check("---\n---\n# x\n---\n", &[]);
    check("null\n---\n~\n", &[]);
    check(&a, &["a"]);
    check(&format!("\u{feff}{a}"), &["a"]);
    check(&format!("\u{feff}# c\n---\n{a}"), &["a"]);
    check(&a.replace('\n', "\r\n"), &["a"]);
    check(&format!("---\n{a}---\n# nothing\n---\n{b}...\n"), &["a", "b"]);
    check(&format!("--- # c\n{a}\n---\n\n{b}"), &["a", "b"]);
    let json = |name: &str| format!(r#"{{"apiVersion":"v1","kind":"K","metadata":{{"name":"{name}"}}}}"#);
    check(&json("a"), &["a"]);
    check(&(json("a") + &json("b")), &["a", "b"]);
    check(&format!("{}\n{}\n", json("a"), json("b")), &["a", "b"]);
    check(&format!("{}\n---\n{b}---\n{}", json("a"), json("c")), &["a", "b", "c"]);
    check("{apiVersion: v1, kind: K, metadata: {name: a}}", &["a"]);
}

#[test]
fn lists_stand_for_their_items() {
    let objects = good(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: a}}\n- apiVersion: v1\n  \
         kind: List\n  items:\n  - apiVersion: v1\n    kind: B\n    metadata:\n      name: b\n",
    );
    let shown: Vec<String> =
        objects.iter().map(|object| format!("{} {}", object.origin().unwrap(), object.id())).collect();
    assert_eq!(shown, ["t.yaml:4:3 A a", "t.yaml:8:5 B b"]);
    assert_eq!(objects[1].place("/metadata/name").unwrap().to_string(), "t.yaml:11:13");

    let typed = good("apiVersion: apps/v1\nkind: DeploymentList\nitems: [{metadata: {name: a}}]\n");
    assert_eq!(typed[0].value()["apiVersion"], "apps/v1");
    assert_eq!(typed[0].kind(), "Deployment");
    // A kind that only ends so, and an empty list.
    assert_eq!(good("{apiVersion: x.io/v1, kind: AllowList, metadata: {name: a}}").len(), 1);
    assert_eq!(good("{apiVersion: v1, kind: List, items: []}").len(), 0);
}

#[test]
fn json_is_read_exactly() {
    let text = r#"{"apiVersion":"v1","kind":"K","metadata":{"name":"a"},"s":"\ud83d\ude00\"\\\/é\u0041","n":[0,-1,1e3,1.5,18446744073709551615],"yes":"no","<<":{"a":1},"e":{},"l":[]}"#;
    let mut expect: Value = serde_json::from_str(text).unwrap();
    expect["n"][2] = json!(1000);
    assert_eq!(one(text), expect);
    let objects =
        good("{\"apiVersion\": \"v1\",\n \"kind\": \"K\",\n \"metadata\": {\"name\": \"é\", \"x\": 1}}");
    assert_eq!(objects[0].place("/metadata/x").unwrap().to_string(), "t.yaml:3:33");
}

#[test]
fn places_of_values() {
    let text = "# c\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, labels: {a/b: c}}\nspec:\n  template:\n    \
                spec:\n      containers:\n      - name: a\n        image: b\n      - {image: c}\n";
    let object = good(text).remove(0);
    let check = |pointer: &str, place: &str| {
        assert_eq!(object.place(pointer).unwrap().to_string(), format!("t.yaml:{place}"), "{pointer}");
    };
    check("", "2:1");
    check("/kind", "3:7");
    check("/metadata/labels/a~1b", "4:35");
    check("/spec/template/spec/containers/0/image", "10:16");
    check("/spec/template/spec/containers/1/image", "11:17");
    check("/spec/template/spec/containers/0/ports/3", "9:9");
    check("/nothing", "2:1");
    let aliased = format!("{HEAD}a: &a {{b: 1}}\nc: *a\nd:\n  <<: *a\n  e: 2\n");
    let object = good(&aliased).remove(0);
    assert_eq!(object.place("/c/b").unwrap().line, 5);
    assert_eq!(object.place("/d/b").unwrap().to_string(), "t.yaml:7:3");
}

#[test]
fn errors_name_the_place_and_show_the_line() {
    let check = |text: &str, message: &str, line: &str| {
        let error = bad(text);
        assert_eq!(error.to_string(), message, "{text:?}");
        assert_eq!(excerpt(&error).map(ToString::to_string).unwrap_or_default(), line, "{text:?}");
    };
    check(
        &format!("{HEAD}data:\n  image: x\n  other: y\n  image: z\n"),
        "t.yaml:7:3: duplicate key \"image\" (first at t.yaml:5:3)",
        "    7 |   image: z\n      |   ^",
    );
    check(
        &format!("{HEAD}data:\n  a: [b\nc: d\n"),
        "t.yaml:6:2: invalid indentation",
        "    6 | c: d\n      |  ^",
    );
    check(
        &format!("{HEAD}x: {{{{ .Values.x }}}}\n"),
        "t.yaml:4:5: a key must be a scalar, not a map or a list (this looks like a template: render it first)",
        "    4 | x: {{ .Values.x }}\n      |     ^",
    );
    check(
        &format!("{HEAD}x: *y\n"),
        "t.yaml:4:4: while parsing node, found unknown anchor",
        "    4 | x: *y\n      |    ^",
    );
    check(
        &format!("{HEAD}a: &y 1\n---\n{HEAD}x: *y\n"),
        "t.yaml:9:4: this alias has no anchor in its document",
        "    9 | x: *y\n      |    ^",
    );
    check(
        &format!("{HEAD}x: &y [*y]\n"),
        "t.yaml:4:8: this alias stands inside the value that it repeats",
        "    4 | x: &y [*y]\n      |        ^",
    );
    check(
        &format!("{HEAD}x: .inf\n"),
        "t.yaml:4:4: infinity and not-a-number cannot be said in JSON: quote it if it is text",
        "    4 | x: .inf\n      |    ^",
    );
    check(
        &format!("{HEAD}x: !!int a\n"),
        "t.yaml:4:4: this value is no !!int",
        "    4 | x: !!int a\n      |    ^",
    );
    check(
        &format!("{HEAD}x:\n  <<: 1\n"),
        "t.yaml:5:3: a merge key needs a map, or a list of maps",
        "    5 |   <<: 1\n      |   ^",
    );
    check(
        "- a\n",
        "t.yaml:1:1: a manifest must be a map with apiVersion, kind and metadata",
        "    1 | ***\n      | ^",
    );
    check(
        "kind: K\nmetadata: {name: a}\n",
        "t.yaml:1:1: K a: apiVersion is missing",
        "    1 | kind: K\n      | ^",
    );
    check(
        "# c\n\napiVersion: v1\nkind: Job\nmetadata:\n  generateName: a-\n",
        "t.yaml:3:1: Job: metadata.name is missing (generateName cannot be applied: give it a name)",
        "    3 | apiVersion: v1\n      | ^",
    );
    check(
        "{\"kind\": \"K\",\n \"a\": 1,\n \"a\": 2}",
        "t.yaml:3:2: duplicate key \"a\" (first at t.yaml:2:2)",
        "    3 |  \"a\": 2}\n      |  ^",
    );
}

#[test]
fn secret_values_show_nowhere() {
    let check = |text: &str| {
        let error = bad(text);
        let mut shown = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
        shown += &excerpt(&error).map(ToString::to_string).unwrap_or_default();
        assert!(!shown.contains("hunter2"), "{shown}");
    };
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n";
    check(&format!("{secret}stringData:\n  a: hunter2\n  a: hunter2\n"));
    check(&format!("{secret}stringData:\n  a: hunter2: x\n"));
    check(&format!("{secret}stringData:\n  a: !!int hunter2\n"));
    check(&format!("{secret}stringData:\n  a: !!binary hunter2\n"));
    check(&format!("{secret}stringData:\n  - hunter2\n b: c"));
    check(&format!("{secret}stringData: {{a: hunter2, a: hunter2}}\n"));
    check(&format!("{secret}stringData:\n  a: |\n    x\n   hunter2\n  b: \"\n"));
    check("stringData:\n  a: hunter2\n  a: hunter2\nkind: Secret\n");
    check("stringData:\n  a: hunter2\n  a: hunter2\n");
    check("stringData:\n  a: hunter2\n  a: hunter2\n---\nkind: ConfigMap\n");
    check("{\"kind\":\"Secret\",\"data\":{\"a\":\"hunter2\",\"a\":\"hunter2\"}}");
    check("kind: &k Secret\ndata:\n  a: hunter2\n  a: hunter2\n");
    check("kind: List\nitems:\n- kind: ConfigMap\n- kind: Secret\n  data: {a: hunter2, a: hunter2}\n");
    let error = bad(format!("{secret}data:\n  password: hunter2\n  password: hunter2\n"));
    assert_eq!(excerpt(&error).unwrap().to_string(), "    6 |   password: ***\n      |   ^");
}

#[test]
fn what_is_no_text_is_refused() {
    let check = |bytes: &[u8], message: &str| assert_eq!(bad(bytes).to_string(), message);
    check(b"a: 1\nb: \xff\n", "t.yaml: line 2 is not UTF-8 text");
    check(b"\x7fELF\0\0", "t.yaml: it is a binary file, not a manifest");
    check(b"\xff\xfea\0", "t.yaml: it is UTF-16: save it as UTF-8");
    check(b"\x1f\x8b\x08\xff", "t.yaml: line 1 is not UTF-8 text");
    check(&vec![b' '; MAX_BYTES + 1], "t.yaml: it is 33554433 bytes, over the limit of 32 MiB");
}

#[test]
fn bombs_are_refused() {
    let check = |text: &str, message: &str| {
        let error = bad(text).to_string();
        assert!(error.contains(message), "{message}: {error}");
    };
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        let _ = writeln!(laughs, "a{level}: &a{level} [{items}]");
    }
    check(&laughs, "repeat more than 32 MiB");
    let big = "y".repeat(1_000_000);
    check(&format!("a: &a {big}\nb: [{}]\n", vec!["*a"; 100].join(", ")), "repeat more than 32 MiB");
    check(&format!("a: &a {{b: {big}}}\nc:\n{}", "- {<<: *a}\n".repeat(100)), "repeat more than 32 MiB");
    let mut chain = String::from("a0: &a0 x\n");
    for level in 1..200 {
        let _ = writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1);
    }
    check(&chain, "nested deeper than 100");
    check(&"[".repeat(10_000), "limit");
    check(&"- ".repeat(10_000), "nested deeper than 100");
    check(&"? ".repeat(10_000), "a key must be a scalar");
    check(&"{\"a\":".repeat(10_000), "limit");
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    check(&format!("{HEAD}a: {}\n", nested(MAX_DEPTH)), "nested deeper than 100");
    assert_eq!(good(&format!("{HEAD}a: {}\n", nested(MAX_DEPTH - 1))).len(), 1);
    let json = |depth: usize| {
        format!(r#"{{"apiVersion":"v1","kind":"K","metadata":{{"name":"a"}},"a":{}}}"#, nested(depth))
    };
    check(&json(MAX_DEPTH), "nested deeper than 100");
    check(&json(120), "nested deeper than 100");
    assert_eq!(good(&json(MAX_DEPTH - 1)).len(), 1);
    check(&format!("a: [{}]", "1,".repeat(MAX_VALUES)), "more than 2000000 values");
    check(&format!("a:\n{}", "- 1\n".repeat(MAX_VALUES)), "more than 2000000 values");
    check(&format!("a: [{}]\n", "[1],".repeat(MAX_VALUES / 2)), "more than 2000000 values");
}

#[test]
fn aliases_and_merge_keys_of_real_files() {
    let value = one(&format!(
        "{HEAD}x-env: &env {{A: '1', B: '2'}}\nx-more: &more {{B: '3', C: '4'}}\none:\n  <<: *env\n  A: '9'\ntwo:\n  \
         <<: [*env, *more]\nthree: *env\n"
    ));
    assert_eq!(value["one"], json!({"A": "9", "B": "2"}));
    assert_eq!(value["two"], json!({"A": "1", "B": "2", "C": "4"}));
    assert_eq!(value["three"], json!({"A": "1", "B": "2"}));
    // Written before the merge key with the same value: nobody can disagree.
    assert_eq!(one(&format!("{HEAD}x: &x {{a: 1}}\nz:\n  a: 1\n  <<: *x\n"))["z"], json!({"a": 1}));
}

#[test]
fn what_was_applied_before_is_read_leniently() {
    let check = |text: &str, expected: Value| {
        let text = format!("{HEAD}{text}");
        assert!(read("t.yaml", text.as_bytes()).is_err(), "{text:?}");
        let object = read_lenient("t.yaml", text.as_bytes()).unwrap().remove(0);
        assert_eq!(object.value()["data"], expected, "{text:?}");
    };
    check("data: {a: old, a: new}\n", json!({"a": "new"}));
    check("data: {a: {x: 1, y: 2}, a: {x: 3}}\n", json!({"a": {"x": 3}}));
    check("data: {a: old}\ndata: {b: new}\n", json!({"b": "new"}));
    check("data: {on: 1, true: 2}\n", json!({"true": 2}));
    check("b: &b {a: 1, c: 2}\ndata: {a: 3, <<: *b}\n", json!({"a": 1, "c": 2}));
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"K\", \"metadata\": {\"name\": \"a\"}, \"data\": 1, \"data\": 2}";
    assert_eq!(read_lenient("t", json.as_bytes()).unwrap()[0].value()["data"], 2);
    let object = read_lenient("t", format!("{HEAD}data: {{a: 1,\n a: 2}}\n").as_bytes()).unwrap().remove(0);
    assert_eq!(object.place("/data/a").unwrap().to_string(), "t:5:5");
}
