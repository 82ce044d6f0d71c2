//! Edits of texts: any text is edited or refused, and what was set is read back. The first line says what is edited.
#![no_main]

use deploy_config::edit::{Change, Format, KeyPath};

libfuzzer_sys::fuzz_target!(|input: &str| {
    let (edit, text) = input.split_once('\n').unwrap_or((input, ""));
    let (path, value) = match edit.split_once(" = ") {
        Some((path, value)) => (path, Some(value.to_owned())),
        None => (edit, None),
    };
    let Ok(path) = path.parse::<KeyPath>() else { return };
    assert_eq!(path.to_string().parse::<KeyPath>().expect("we wrote it"), path);
    let changes = [Change { path, value }];
    let [Change { path, value }] = &changes;
    for format in [Format::Yaml, Format::Json, Format::Toml, Format::Dotenv] {
        if let Ok(edited) = format.apply(text, &changes) {
            assert_eq!(format.get(&edited, path).expect("it was read before"), *value);
            assert_eq!(format.apply(&edited, &changes).expect("it was edited before"), edited);
        }
    }
});
