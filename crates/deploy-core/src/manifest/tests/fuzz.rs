use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::manifest::*;

/// JSON as YAML's block style, strings quoted.
fn write_yaml(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "\n{:indent$}-", "");
                write_yaml(item, indent + 2, out);
            }
        }
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let _ = write!(out, "\n{:indent$}{}:", "", Value::from(key.as_str()));
                write_yaml(value, indent + 2, out);
            }
        }
        scalar => {
            let _ = write!(out, " {scalar}");
        }
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        prop_oneof![
            Just("yes"),
            Just("0777"),
            Just("1e3"),
            Just("~"),
            Just("<<"),
            Just("- a"),
            Just("a: b"),
            Just(" ")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[ -~]{1,8}", inner, 0..5)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

fn whole(value: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "spec": value})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("x", &bytes);
        let _ = read_lenient("x", &bytes);
    }

    #[test]
    fn yaml_like_text_never_panics(words in prop::collection::vec(
        prop_oneof![
            "[a-c]{1,2}", "[ \t]{1,3}", "\n {0,4}", "[\\[\\]{},:?!&*|>'\"%@`#~-]", "(- |: |<<: |---\n|\\.\\.\\.\n|!!int |&a |\\*a )",
            Just("\u{feff}".to_owned()), Just("\r\n".to_owned()), Just("é".to_owned()), Just("kind: List\nitems:\n".to_owned()),
        ], 0..40)
    ) {
        let text = words.concat();
        let (strict, lenient) = (read("x", text.as_bytes()), read_lenient("x", text.as_bytes()));
        if let Ok(objects) = &strict {
            prop_assert_eq!(lenient.as_ref().ok(), Some(objects));
        }
        for error in [strict, lenient].into_iter().filter_map(Result::err) {
            prop_assert!(error.to_string().starts_with("x:"), "{error}");
            let _ = excerpt(&error).map(ToString::to_string);
        }
    }

    #[test]
    fn arbitrary_json_survives_as_yaml(value in json_value()) {
        let value = whole(&value);
        let mut yaml = String::new();
        write_yaml(&value, 0, &mut yaml);
        let objects = read("x", yaml.as_bytes()).unwrap();
        prop_assert_eq!(objects[0].value(), &value, "{}", yaml);
    }

    #[test]
    fn arbitrary_json_survives_as_json(value in json_value(), pretty in any::<bool>()) {
        let value = whole(&value);
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let objects = read("x", text.repeat(2).as_bytes()).unwrap();
        prop_assert_eq!(objects.len(), 2);
        prop_assert_eq!(objects[1].value(), &value);
    }

    #[test]
    fn every_value_has_its_own_place(value in json_value()) {
        let text = serde_json::to_string(&whole(&value)).unwrap();
        let object = read("x", text.as_bytes()).unwrap().remove(0);
        let mut pending = vec![(String::new(), object.value().clone())];
        while let Some((pointer, value)) = pending.pop() {
            let place = object.place(&pointer).unwrap();
            let rest: String = text.chars().skip(place.column - 1).collect();
            let mut found = serde_json::Deserializer::from_str(&rest).into_iter::<Value>();
            prop_assert_eq!(&found.next().unwrap().unwrap(), &value, "{}", pointer);
            match value {
                Value::Array(items) => {
                    pending.extend(items.into_iter().enumerate().map(|(index, item)| (format!("{pointer}/{index}"), item)));
                }
                Value::Object(map) => pending.extend(map.into_iter().map(|(key, value)| {
                    (format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), value)
                })),
                _ => {}
            }
        }
    }
}
