//! What the added templates answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deploy_core::chart::Chart;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{self, Object};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::archive::PROBE;
use super::output::{self, Manifest};
use super::rendered::Rendered;

/// Of the chart that asks.
#[derive(Deserialize)]
struct Given {
    #[serde(rename = "given")]
    values: Option<Map<String, Value>>,
    metadata: Map<String, Value>,
    defaults: Option<Map<String, Value>>,
}

/// Of the chart itself.
#[derive(Deserialize)]
struct Told {
    notes: String,
    /// As the templates see them: the given ones over the chart's and its subcharts' own.
    values: Option<Map<String, Value>>,
    /// Text by path.
    crds: BTreeMap<String, String>,
}

/// Puts together what was printed for the chart, and for the chart that asks.
pub(super) fn rendered(printed: &[u8], answered: &[u8]) -> Result<Rendered> {
    let (printed, answered) = (text(printed)?, text(answered)?);
    let (_, Given { values: given, metadata, defaults }) = answer(output::split(answered), "given")?;
    let name = metadata.get("name").and_then(Value::as_str).unwrap_or_default();
    let (manifests, told): (_, Told) = answer(output::split(printed), name)?;
    let (given, mut defaults) = (given.unwrap_or_default(), defaults.unwrap_or_default());
    complete(&mut defaults, told.values.unwrap_or_default(), &given);
    Ok(Rendered {
        objects: output::objects(&manifests)?,
        crds: crds(told.crds)?,
        chart: Chart::new(name, "").metadata(metadata).defaults(defaults).values(given).notes(told.notes),
    })
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Error::invalid("what it renders is not UTF-8 text").source(error))
}

/// What the template that was added to the chart `name` answers, and the other manifests.
fn answer<'a, T: DeserializeOwned>(
    mut manifests: Vec<Manifest<'a>>,
    name: &str,
) -> Result<(Vec<Manifest<'a>>, T)> {
    let missing = |why: &str| {
        Error::new(ErrorKind::Internal, format!("helm does not answer in the way that is known: {why}"))
    };
    let source = format!("{name}/{PROBE}");
    let place = manifests.iter().position(|manifest| manifest.source == source);
    let manifest = place.map(|place| manifests.remove(place)).ok_or_else(|| missing("no answer"))?;
    let encoded = manifest.text.lines().find_map(|line| line.strip_prefix("  answer: "));
    let json = STANDARD
        .decode(encoded.unwrap_or_default().trim())
        .map_err(|error| missing("it is not base64").source(error))?;
    // The text of serde_json's errors may hold a value.
    let answer = serde_json::from_slice(&json).map_err(|error| {
        missing(&format!("line {}, column {} of it is not what was asked", error.line(), error.column()))
    })?;
    Ok((manifests, answer))
}

/// Adds what the subcharts' own values are, as Helm records it: what the templates see and nobody gave.
fn complete(defaults: &mut Map<String, Value>, seen: Map<String, Value>, given: &Map<String, Value>) {
    for (key, value) in seen {
        match (defaults.get_mut(&key), given.get(&key), value) {
            (Some(Value::Object(defaults)), Some(Value::Object(given)), Value::Object(seen)) => {
                complete(defaults, seen, given);
            }
            (Some(Value::Object(defaults)), None, Value::Object(seen)) => {
                complete(defaults, seen, &Map::new());
            }
            (None, Some(Value::Object(given)), Value::Object(seen)) => {
                let mut found = Map::new();
                complete(&mut found, seen, given);
                if !found.is_empty() {
                    defaults.insert(key, found.into());
                }
            }
            (None, None, value) => {
                defaults.insert(key, value);
            }
            _ => {}
        }
    }
}

/// The chart's own first, then its subcharts', each by name.
fn crds(files: BTreeMap<String, String>) -> Result<Vec<Object>> {
    let mut files: Vec<(String, String)> = files
        .into_iter()
        .filter(|(path, _)| [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending)))
        .collect();
    files.sort_by_key(|(path, _)| path.matches("/charts/").count());
    let mut objects = Vec::new();
    for (path, text) in files {
        objects.append(&mut manifest::read(&path, text.as_bytes())?);
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answering(chart: &str, answer: &Value) -> String {
        let encoded = STANDARD.encode(answer.to_string());
        format!("---\n# Source: {chart}/{PROBE}\napiVersion: v1\ndata:\n  answer: {encoded}\n")
    }

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn puts_together_what_was_answered() {
        let app =
            "---\n# Source: shop/templates/app.yaml\napiVersion: v1\nkind: Service\nmetadata: {name: api}\n";
        let crd =
            "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: NAME}}";
        let crds = json!({
            "shop/charts/db/crds/a.yaml": crd.replace("NAME", "theirs"),
            "shop/crds/z.yaml": crd.replace("NAME", "ours"),
            "shop/crds/readme.md": "not: [yaml",
        });
        let values = json!({"a": 2, "db": {"size": 5}});
        let told = answering("shop", &json!({"notes": "hi\n", "values": values, "crds": crds}));
        let metadata = json!({"name": "shop", "version": "1.2.0"});
        let answered =
            answering("given", &json!({"given": {"a": 2}, "metadata": metadata, "defaults": {"a": 1}}));
        let found = rendered((told + app).as_bytes(), answered.as_bytes()).unwrap();
        let names =
            |objects: &[Object]| objects.iter().map(|object| object.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(
            (names(&found.objects), names(&found.crds)),
            (vec!["api".into()], vec!["ours".into(), "theirs".into()])
        );
        assert_eq!(found.crds[1].origin().unwrap().to_string(), "shop/charts/db/crds/a.yaml:1:1");
        let expect = Chart::new("shop", "1.2.0")
            .metadata(map(metadata))
            .defaults(map(json!({"a": 1, "db": {"size": 5}})))
            .values(map(json!({"a": 2})))
            .notes("hi\n");
        assert_eq!(found.chart, expect);
    }

    #[test]
    fn completes_the_values() {
        let check = |defaults: Value, seen: Value, given: Value, expect: Value| {
            let mut found = map(defaults);
            complete(&mut found, map(seen), &map(given));
            assert_eq!(Value::from(found), expect);
        };
        check(json!({}), json!({}), json!({}), json!({}));
        check(json!({"a": 1}), json!({"a": 1}), json!({}), json!({"a": 1}));
        check(json!({"a": 1}), json!({"a": 2}), json!({"a": 2}), json!({"a": 1}));
        check(json!({}), json!({"a": 2}), json!({"a": 2}), json!({}));
        check(json!({}), json!({"db": {"size": 1}}), json!({}), json!({"db": {"size": 1}}));
        let seen = json!({"db": {"size": 2, "name": "x", "tls": {"on": true, "key": "k"}}});
        let given = json!({"db": {"size": 2, "tls": {"key": "k"}}});
        check(json!({}), seen.clone(), given.clone(), json!({"db": {"name": "x", "tls": {"on": true}}}));
        check(
            json!({"db": {"size": 1}}),
            seen,
            given,
            json!({"db": {"size": 1, "name": "x", "tls": {"on": true}}}),
        );
        check(json!({}), json!({"db": {"size": 2}}), json!({"db": {"size": 2}}), json!({}));
        // A default that was taken away, and one of another type.
        check(json!({"a": {"b": 1}}), json!({"a": {}}), json!({"a": {"b": null}}), json!({"a": {"b": 1}}));
        check(json!({"a": 1}), json!({"a": {"b": 1}}), json!({"a": {"b": 1}}), json!({"a": 1}));
    }

    #[test]
    fn another_answer_is_an_error_without_values() {
        let good = answering("given", &json!({"given": {}, "metadata": {"name": "shop"}, "defaults": null}));
        let check = |printed: &str, answered: &str, why: &str| {
            let error = rendered(printed.as_bytes(), answered.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
        };
        check("", "", "no answer");
        check("", &good, "no answer");
        check(&good.replace("given", "shop"), &good, "not what was asked");
        check(&answering("shop", &json!({"notes": {"hunter2": 1}})), &good, "not what was asked");
        check("---\n# Source: shop/templates/deploy-source.yaml\ndata:\n  answer: ?\n", &good, "base64");
        check("---\n# Source: shop/templates/deploy-source.yaml\n", &good, "not what was asked");
    }
}
