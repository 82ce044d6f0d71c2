//! Random manifests from templates (`kinds.yaml`, which says how they are written).

use deploy_core::manifest::read;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::Union;
use serde_json::{Map, Value};

/// The template of each kind, with the custom resources in `group`.
pub(crate) fn templates(group: &str) -> Vec<Value> {
    let text = include_str!("kinds.yaml").replace("$GROUP", group);
    let mut templates: Vec<Value> = read("kinds.yaml", text.as_bytes())
        .expect("good templates")
        .into_iter()
        .map(|template| template.value().clone())
        .collect();
    let pods = templates.iter().find(|template| template["kind"] == "PodTemplate").expect("pods").clone();
    for template in &mut templates {
        template["metadata"] = pods["metadata"].clone();
        if let Some(place) = template.pointer_mut("/spec/template").filter(|place| *place == "$template") {
            *place = pods["template"].clone();
        }
    }
    templates
}

/// Some of what a template has.
pub(crate) fn some_of(template: &Value) -> BoxedStrategy<Value> {
    match template {
        Value::Object(fields) => match fields.get("oneOf").and_then(Value::as_array) {
            Some(options) => Union::new(options.iter().map(some_of)).boxed(),
            None => some_fields(fields),
        },
        Value::Array(items) => some_items(items, 1),
        scalar => Just(scalar.clone()).boxed(),
    }
}

fn some_fields(fields: &Map<String, Value>) -> BoxedStrategy<Value> {
    let field = |(key, template): (&String, &Value)| {
        let name = key.trim_end_matches(['?', '!']);
        let value = match template {
            Value::Array(items) if key.ends_with('!') => some_items(items, items.len()),
            template => some_of(template),
        };
        let field = match key.len() - name.len() {
            _ if !key.ends_with('?') => value.prop_map(Some).boxed(),
            1 => prop::option::weighted(0.5, value).boxed(),
            _ => prop::option::weighted(0.05, value).boxed(),
        };
        (name.to_owned(), field)
    };
    let (names, values): (Vec<_>, Vec<_>) = fields.iter().map(field).unzip();
    let present = |(name, value): (&String, Option<Value>)| Some((name.clone(), value?));
    values.prop_map(move |values| names.iter().zip(values).filter_map(present).collect()).boxed()
}

fn some_items(items: &[Value], at_least: usize) -> BoxedStrategy<Value> {
    let count = items.len();
    let chosen = subsequence((0..count).collect::<Vec<_>>(), at_least.min(count)..=count).prop_shuffle();
    let items: Vec<_> = items.iter().map(some_of).collect();
    (chosen, items)
        .prop_map(|(chosen, items)| chosen.into_iter().map(|place| items[place].clone()).collect())
        .boxed()
}
