//! `inspect`: what an image says of itself.

use deploy_core::error::Result;
use deploy_core::image::Reference;
use deploy_core::registry::{ImageFacts, Registry};
use serde_json::json;

use crate::Done;
use crate::paint::{Paint, printable};

pub(crate) async fn inspect(image: &Reference, registry: &dyn Registry) -> Result<Done> {
    let facts = registry.inspect(image).await?;
    let text = text(image, &facts);
    let mut json = json!(facts);
    json["image"] = json!(image);
    Ok(Done::told(json, move |_: Paint| text.clone()))
}

fn text(image: &Reference, facts: &ImageFacts) -> String {
    let ImageFacts { digest, platforms, created, revision, source, labels, .. } = facts;
    let created = created.map(|time| time.to_string());
    let lines = [
        ("image", Some(image.to_string())),
        ("digest", Some(digest.to_string())),
        ("platforms", (!platforms.is_empty()).then(|| platforms.join(", "))),
        ("created", created),
        ("revision", revision.clone()),
        ("source", source.clone()),
    ];
    let mut out = String::new();
    for (name, value) in lines {
        out += &format!("{name:<10} {}\n", one_line(value.as_deref().unwrap_or("-")));
    }
    for (number, (name, value)) in labels.iter().enumerate() {
        let head = if number == 0 { "labels" } else { "" };
        out += &format!("{head:<10} {}={}\n", one_line(name), one_line(value));
    }
    out
}

/// Whoever built the image wrote it.
fn one_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::memory::MemoryRegistry;

    #[tokio::test]
    async fn facts_are_lines() {
        let registry = MemoryRegistry::new();
        let image: Reference = "registry.example/shop/api:v1".parse().unwrap();
        let digest = registry.put(&image, "4f1c2d9");
        let mut facts = registry.inspect(&image).await.unwrap();
        facts.labels = [("a".to_owned(), "x\n\x1b[2J".to_owned()), ("b".to_owned(), "y".to_owned())].into();
        registry.put_facts(&image, facts);
        let done = inspect(&image, &registry).await.unwrap();
        assert_eq!(
            (done.text)(Paint(false)),
            format!(
                "image      registry.example/shop/api:v1\ndigest     {digest}\nplatforms  linux/amd64\ncreated    -\n\
                 revision   4f1c2d9\nsource     -\nlabels     a=x \u{fffd}[2J\n           b=y\n"
            )
        );
        assert_eq!((&done.json["image"], &done.json["revision"]), (&json!(image), &json!("4f1c2d9")));
        let gone = inspect(&"registry.example/shop/api:v2".parse().unwrap(), &registry).await;
        assert!(gone.err().unwrap().to_string().contains("no such image"));
    }
}
