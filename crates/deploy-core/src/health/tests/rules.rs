//! A user's own rules.

use std::sync::Arc;

use serde_json::json;

use super::Story;
use crate::clock::Timestamp;
use crate::health::{Assessment, Failure, Judge, Patience, Reason, World};
use crate::manifest::Object;

#[test]
fn a_rule_takes_the_built_in_ones_place() {
    let rule = |object: &Object, _: &World, _: &Patience, _: Timestamp| match object
        .get("/status/phase")
        .and_then(serde_json::Value::as_str)
    {
        Some("Done") => Assessment::healthy("done"),
        Some("Broken") => Assessment::failed(Failure::new(
            Reason::Custom { cause: "Broken".into() },
            object.id(),
            "it broke",
        )),
        _ => Assessment::progressing("working"),
    };
    let thing = |phase: &str| json!({"apiVersion": "shop.example/v1", "kind": "Thing", "metadata": {"name": "x"}, "status": {"phase": phase}});
    let mut story = Story::of(thing("Working"));
    story.is("healthy");
    story.judge = Judge::default().rule("shop.example", "Thing", Arc::new(rule));
    story
        .is("progressing")
        .see(thing("Broken"))
        .is("Broken")
        .because("Thing.shop.example x: Broken: it broke");
    story.see(thing("Done")).is("healthy");
}
