//! The difference between two objects as text, line by line.

use serde_json::Value;
use similar::{Algorithm, TextDiff};

use super::diff::comparable;
use crate::manifest::{MASK, Object, redact, to_yaml};

/// The lines around a change that are shown with it.
const CONTEXT: usize = 3;

/// The unified diff between two objects as YAML, `before` being the live one; empty if they are equal.
///
/// What the server owns and this engine's own annotations are left out, as in [`diff`](super::diff()). What
/// [`redact`] masks shows as `***`, or as `*** (before)` and `*** (after)` where it differs. A text of several lines
/// is compared line by line, unless it holds what YAML can only say in escapes, such as `\r`.
///
/// Time is bounded by counting steps: where the shortest diff is hard to find it is a longer one. The worst that etcd
/// takes, half a million lines with nothing in common, are a matter of seconds.
///
/// ```
/// use deploy_core::manifest::read;
/// use deploy_core::plan::unified;
///
/// let wanted = read("shop.yaml", b"
/// apiVersion: v1
/// kind: ConfigMap
/// metadata: {name: app, namespace: shop}
/// data:
///   app.ini: |
///     mode=fast
///     port=80
/// ")?.remove(0);
/// let live = wanted.clone().edit(|value| value["data"]["app.ini"] = "mode=slow\nport=80\n".into())?;
/// assert_eq!(unified(Some(&live), Some(&wanted)), "\
/// --- live/ConfigMap shop/app
/// +++ planned/ConfigMap shop/app
/// @@ -1,7 +1,7 @@
///  apiVersion: v1
///  data:
///    app.ini: |
/// -    mode=slow
/// +    mode=fast
///      port=80
///  kind: ConfigMap
///  metadata:
/// ");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[must_use]
pub fn unified(before: Option<&Object>, after: Option<&Object>) -> String {
    let value = |object: Option<&Object>| object.map(|object| comparable(object.value().clone()));
    let (old, new) = (value(before), value(after));
    if old == new {
        return String::new();
    }
    let (mut old_shown, mut new_shown) = (old.as_ref().map(redact), new.as_ref().map(redact));
    if let (Some(old), Some(new), Some(old_shown), Some(new_shown)) =
        (&old, &new, &mut old_shown, &mut new_shown)
    {
        tell_masks_apart(old, new, old_shown, new_shown);
    }
    let text = |value: Option<Value>| value.as_ref().map(to_yaml).unwrap_or_default();
    let (old, new) = (text(old_shown), text(new_shown));
    TextDiff::configure()
        // It gives up on the shortest diff by a count of steps. Others do by the clock.
        .algorithm(Algorithm::Myers)
        .diff_lines(&old, &new)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&title("live", before), &title("planned", after))
        .to_string()
}

/// Marks the values that differ but are both masked.
fn tell_masks_apart(old: &Value, new: &Value, old_shown: &mut Value, new_shown: &mut Value) {
    match (old_shown, new_shown) {
        (Value::Object(old_shown), Value::Object(new_shown)) => {
            for (key, old_shown) in old_shown {
                if let (Some(new_shown), Some(old), Some(new)) =
                    (new_shown.get_mut(key), old.get(key), new.get(key))
                {
                    tell_masks_apart(old, new, old_shown, new_shown);
                }
            }
        }
        (Value::Array(old_shown), Value::Array(new_shown)) => {
            for (index, (old_shown, new_shown)) in old_shown.iter_mut().zip(new_shown).enumerate() {
                if let (Some(old), Some(new)) = (old.get(index), new.get(index)) {
                    tell_masks_apart(old, new, old_shown, new_shown);
                }
            }
        }
        (old_shown, new_shown) if *old_shown == *MASK && *new_shown == *MASK && old != new => {
            *old_shown = format!("{MASK} (before)").into();
            *new_shown = format!("{MASK} (after)").into();
        }
        _ => {}
    }
}

/// As `git diff` names the sides, `/dev/null` being what is not there. A name may be anything before the API server
/// has seen it, even a line break.
fn title(side: &str, object: Option<&Object>) -> String {
    object.map_or_else(
        || "/dev/null".into(),
        |object| format!("{side}/{}", object.id().to_string().escape_debug()),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;
    use crate::manifest::{DEPLOYMENT_ID, GIT_REVISION, LAST_APPLIED};
    use crate::plan::diff;

    fn object(kind: &str, mut value: Value) -> Object {
        value["apiVersion"] = "v1".into();
        value["kind"] = kind.into();
        value["metadata"]["name"] = "x".into();
        Object::new(value).unwrap()
    }

    /// The lines of the diff below its two titles.
    fn check(kind: &str, before: Option<Value>, after: Option<Value>, expect: &[&str]) {
        let object = |value: Option<Value>| value.map(|value| object(kind, value));
        let diff = unified(object(before).as_ref(), object(after).as_ref());
        assert_eq!(diff.lines().skip(2).collect::<Vec<_>>(), expect, "{diff}");
    }

    fn secret(before: Value, after: Value, expect: &[&str]) {
        let changed = |line: &&str| line.starts_with(['+', '-']);
        let diff = unified(Some(&object("Secret", before)), Some(&object("Secret", after)));
        assert_eq!(diff.lines().skip(2).filter(changed).collect::<Vec<_>>(), expect, "{diff}");
    }

    #[test]
    fn shows_three_lines_around_each_change() {
        let mut list: Vec<u32> = (0..20).collect();
        let before = json!({"spec": list});
        list[5] = 50;
        list.remove(17);
        check(
            "K",
            Some(before),
            Some(json!({"spec": list})),
            &[
                "@@ -8,7 +8,7 @@",
                " - 2",
                " - 3",
                " - 4",
                "-- 5",
                "+- 50",
                " - 6",
                " - 7",
                " - 8",
                "@@ -20,6 +20,5 @@",
                " - 14",
                " - 15",
                " - 16",
                "-- 17",
                " - 18",
                " - 19",
            ],
        );
    }

    #[test]
    fn shows_an_object_that_comes_or_goes_as_a_whole() {
        let lines = |sign: &str| {
            ["apiVersion: v1", "kind: K", "metadata:", "  name: x"].map(|line| format!("{sign}{line}"))
        };
        let check = |before: Option<Value>, after: Option<Value>, hunk: &str, lines: [String; 4]| {
            let expect: Vec<&str> = std::iter::once(hunk).chain(lines.iter().map(String::as_str)).collect();
            check("K", before, after, &expect);
        };
        check(None, Some(json!({})), "@@ -0,0 +1,4 @@", lines("+"));
        check(Some(json!({})), None, "@@ -1,4 +0,0 @@", lines("-"));
        assert_eq!(unified(None, None), "");
    }

    #[test]
    fn names_the_sides() {
        let check = |before: Option<&Object>, after: Option<&Object>, expect: [&str; 2]| {
            assert_eq!(unified(before, after).lines().take(2).collect::<Vec<_>>(), expect);
        };
        let [old, new] = ["1", "2"].map(|value| object("Pod", json!({"spec": value})).in_namespace("shop"));
        check(Some(&old), Some(&new), ["--- live/Pod shop/x", "+++ planned/Pod shop/x"]);
        check(None, Some(&new), ["--- /dev/null", "+++ planned/Pod shop/x"]);
        check(Some(&old), None, ["--- live/Pod shop/x", "+++ /dev/null"]);
        let odd = new.edit(|value| value["metadata"]["name"] = "a\n+b\u{1b}[2J".into()).unwrap();
        check(None, Some(&odd), ["--- /dev/null", r"+++ planned/Pod shop/a\n+b\u{1b}[2J"]);
    }

    #[test]
    fn leaves_the_servers_fields_and_our_traces_out() {
        let live = |number: u32| {
            let text = number.to_string();
            json!({
                "status": {"ready": number},
                "metadata": {
                    "managedFields": [number], "resourceVersion": text, "uid": text, "generation": number, "creationTimestamp": text,
                    "annotations": {DEPLOYMENT_ID: text, GIT_REVISION: text, LAST_APPLIED: text},
                },
            })
        };
        check("K", Some(live(1)), Some(live(2)), &[]);
        check("K", Some(live(1)), Some(json!({})), &[]);
    }

    #[test]
    fn a_secrets_values_change_unseen() {
        secret(
            json!({"data": {"same": "MQ==", "password": "b25l", "gone": "eQ=="}}),
            json!({"data": {"same": "MQ==", "password": "dHdv", "new": "eA=="}}),
            &[
                r#"-  gone: "***""#,
                r#"-  password: "*** (before)""#,
                r#"+  new: "***""#,
                r#"+  password: "*** (after)""#,
            ],
        );
        secret(
            json!({"stringData": {"a": "one\ntwo\n"}}),
            json!({"stringData": {"a": "one\n"}}),
            &[r#"-  a: "*** (before)""#, r#"+  a: "*** (after)""#],
        );
        secret(
            json!({"data": "one"}),
            json!({"data": "two"}),
            &[r#"-data: "*** (before)""#, r#"+data: "*** (after)""#],
        );
        secret(
            json!({"data": null}),
            json!({"data": {"a": "b25l"}}),
            &["-data: null", "+data:", r#"+  a: "***""#],
        );
        secret(json!({"type": "a"}), json!({"type": "b"}), &["-type: a", "+type: b"]);
        let list = |value: &str| json!({"items": [{"data": {"a": value}}]});
        let [old, new] = ["one", "two"].map(|value| object("SecretList", list(value)));
        assert!(unified(Some(&old), Some(&new)).contains("*** (after)"));
    }

    /// Few different lines in no order are the hardest: the search for the shortest diff is quadratic.
    #[test]
    fn long_texts_without_likeness_are_compared_too() {
        let value = |mut state: u32| {
            let next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                format!("{}\n", state >> 29)
            };
            let text: String = std::iter::repeat_with(next).take(30_000).collect();
            object("ConfigMap", json!({"data": {"a": text}}))
        };
        let (old, new) = (value(1), value(2));
        let diff = unified(Some(&old), Some(&new));
        let (old, new) = (to_yaml(old.value()), to_yaml(new.value()));
        assert_eq!(patched(&old, &diff), new.lines().collect::<Vec<_>>());
    }

    /// The lines that `patch` makes of `text`.
    fn patched<'a>(text: &'a str, diff: &'a str) -> Vec<&'a str> {
        let mut old = text.lines();
        let mut new = Vec::new();
        let mut read = 0;
        for line in diff.lines().skip(2) {
            if let Some(hunk) = line.strip_prefix("@@ -") {
                let (start, length) = hunk.split_once(' ').unwrap().0.split_once(',').unwrap_or((hunk, "1"));
                let start: usize = start.split(' ').next().unwrap().parse().unwrap();
                // A hunk that removes nothing names the line before it.
                let before = if length == "0" { start } else { start - 1 };
                new.extend(old.by_ref().take(before - read));
                read = before;
                continue;
            }
            let (sign, rest) = line.split_at(1);
            if sign != "+" {
                assert_eq!(old.next(), Some(rest));
                read += 1;
            }
            if sign != "-" {
                new.push(rest);
            }
        }
        new.extend(old);
        new
    }

    fn spec() -> impl Strategy<Value = Value> {
        let text = || "[a-c]{1,2}|([a-c ]\n){0,9}";
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), text().prop_map(Value::from)];
        leaf.prop_recursive(3, 30, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..6)
                    .prop_map(|map| Value::Object(Map::from_iter(map))),
            ]
        })
    }

    /// Texts of letters that stand nowhere else.
    fn hidden() -> impl Strategy<Value = Value> {
        let text = || "[а-я\n]{1,6}".prop_map(Value::from);
        let map = || {
            prop::collection::btree_map("[a-c]", text(), 0..4)
                .prop_map(|map| Value::Object(Map::from_iter(map)))
        };
        let field = || prop_oneof![8 => map(), 1 => text(), 1 => prop::collection::vec(text(), 0..3).prop_map(Value::from)];
        (field(), field(), text()).prop_map(|(data, string_data, copy)| {
            json!({"data": data, "stringData": string_data, "metadata": {"annotations": {LAST_APPLIED: copy}}})
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn patching_the_one_gives_the_other(old in spec(), new in spec(), kind in "Secret|ConfigMap") {
            let [old, new] = [old, new].map(|spec| object(&kind, json!({"spec": spec})));
            let diff = unified(Some(&old), Some(&new));
            prop_assert_eq!(unified(Some(&new), Some(&new)), "");
            let (old, new) = (to_yaml(old.value()), to_yaml(new.value()));
            prop_assert_eq!(patched(&old, &diff), new.lines().collect::<Vec<_>>(), "{}", diff);
        }

        #[test]
        fn secrets_show_that_they_change_and_never_how(old in hidden(), new in hidden()) {
            let secret = |value: &Value| object("Secret", value.clone());
            let sides = [Some(secret(&old)), Some(secret(&new)), None];
            for before in &sides {
                for after in &sides {
                    let (before, after) = (before.as_ref(), after.as_ref());
                    let text = unified(before, after);
                    prop_assert!(!text.contains(|c: char| ('а'..='я').contains(&c)), "{}", text);
                    prop_assert_eq!(text.is_empty(), diff(before, after).is_empty(), "{}", text);
                }
            }
        }
    }
}
