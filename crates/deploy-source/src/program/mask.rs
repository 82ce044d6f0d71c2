//! Values given on a command line, kept out of what a program says about them.

use deploy_core::manifest::MASK;
use serde_json::Value;

/// Shorter ones are no secrets, and would be found in every sentence.
const SHORTEST: usize = 4;

/// Texts that are never shown.
#[derive(Clone, Default)]
pub(crate) struct Mask(Vec<String>);

impl Mask {
    /// The values of pairs as `--set` takes them (`a=b`, `a=b,c=d`, `a={b,c}`).
    pub(crate) fn of_pairs<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Vec::new()).and(pairs.into_iter().flat_map(values))
    }

    /// The same, and the texts in a value.
    pub(crate) fn and_of(self, value: &Value) -> Self {
        let mut found = Vec::new();
        texts(value, &mut found);
        self.and(found)
    }

    fn and(self, values: impl IntoIterator<Item = String>) -> Self {
        let mut all = self.0;
        all.extend(values.into_iter().filter(|value| is_worth_it(value)));
        // The longest first: one may be part of another.
        all.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Self(all)
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| text.replace(value, MASK))
    }
}

/// The whole value, and each part of it that Helm may take by itself.
fn values(pair: &str) -> Vec<String> {
    let mut found = vec![pair.split_once('=').map_or(pair, |(_, value)| value)];
    for part in pair.split(',') {
        match part.split_once('=') {
            Some((_, value)) => found.push(value),
            // A value that was cut off by its comma, and which Helm takes for a key.
            None => found.extend([part].into_iter().chain(part.split('.'))),
        }
    }
    found
        .into_iter()
        .map(|value| value.trim_start_matches('{').trim_end_matches(['}', '\\']))
        .flat_map(|value| [value.to_owned(), value.replace('\\', "")])
        .collect()
}

/// The whole of each text, and each of its lines: programs quote lines.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.extend(text.lines().map(|line| line.trim().to_owned()).chain([text.clone()]));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(values) => values.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

fn is_worth_it(value: &str) -> bool {
    value.chars().count() >= SHORTEST && !matches!(value, "true" | "false" | "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_show_nowhere() {
        let check = |pair: &str, text: &str, expect: &str| {
            assert_eq!(Mask::of_pairs([pair]).apply(text), expect, "{pair}");
        };
        check("db.password=hunter2", "key \"hunter2\" has no value", "key \"***\" has no value");
        check("a=one,b=hunter2", "hunter2 of a", "*** of a");
        check("a={hunter2,hunter3}", "[hunter2 hunter3]", "[*** ***]");
        check(r"a=hun\,ter2", r"hun,ter2 or hun\,ter2", "*** or ***");
        check("a=b=hunter2", "b=hunter2", "***");
        check("hunter2", "key \"hunter2\" has no value", "key \"***\" has no value");
        check("a.b=true", "true", "true");
        check("replicas=3", "line 3: 3 given", "line 3: 3 given");
        check("image.tag=", "image", "image");
        check("a=one,b.hunter2", "key \"hunter2\" of b has no value", "key \"***\" of b has no value");
        check("password=secret,other=secretive", "secretive and secret", "*** and ***");
    }

    #[test]
    fn texts_in_a_value_show_nowhere() {
        let value = json!({"a": {"b": ["hunter2", true, 1234]}, "c": "first line\n  hunter3\n", "d": "abc"});
        let mask = Mask::of_pairs(["e=hunter4"]).and_of(&value);
        assert_eq!(mask.apply("hunter2, hunter3 and hunter4, abc, 1234"), "***, *** and ***, abc, 1234");
    }

    proptest! {
        #[test]
        fn a_value_is_never_left(key in "[a-z.]{1,6}", value in "[A-Z0-9]{4,12}", around in "\\PC{0,20}") {
            let text = format!("{around}{value}{around}");
            let masked = Mask::of_pairs([&*format!("{key}={value}")]).apply(&text);
            prop_assert!(!masked.contains(&value));
        }

        #[test]
        fn no_pair_is_too_odd(pair in "\\PC{0,40}", text in "\\PC{0,40}") {
            Mask::of_pairs([&*pair]).apply(&text);
        }
    }
}
