//! `running`: which image, digest and commit runs where.

use deploy_core::error::Result;
use deploy_core::image::Reference;
use deploy_core::inventory::{Inventory, RunningImage};
use serde_json::{Value, json};

use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::table::{commit, table};

/// What runs in a namespace.
pub(crate) struct Running {
    namespace: String,
    images: Vec<RunningImage>,
}

pub(crate) async fn running(session: &Session) -> Result<Running> {
    session.ready();
    let images = session.unless_cancelled(session.cluster.running(&session.namespace)).await?;
    Ok(Running { namespace: session.namespace.clone(), images })
}

impl Running {
    pub(crate) fn json(&self) -> Value {
        json!({"namespace": self.namespace, "running": self.images})
    }

    pub(crate) fn text(&self, paint: Paint) -> String {
        if self.images.is_empty() {
            return format!("nothing runs in {}\n", self.namespace);
        }
        let head = ["WORKLOAD", "CONTAINER", "IMAGE", "TAG", "DIGEST", "COMMIT", "DEPLOYED", "BY"];
        table(head, self.images.iter().map(|image| (cells(image), tone(image))), paint)
    }
}

/// Several digests: a rollout is under way, or the tag was moved between two pods.
fn tone(image: &RunningImage) -> Tone {
    if image.digests.len() > 1 { Tone::Warn } else { Tone::Plain }
}

fn cells(row: &RunningImage) -> [String; 8] {
    let (image, tag) = match row.image.parse::<Reference>() {
        Ok(image) => {
            let tag = image.tag().map(ToString::to_string).unwrap_or_default();
            (image.repository().familiar().to_owned(), tag)
        }
        Err(_) => (row.image.clone(), String::new()),
    };
    [
        format!("{} {}", row.workload.kind, row.workload.name),
        row.container.clone(),
        image,
        tag,
        row.digests.iter().map(|digest| short(digest)).collect::<Vec<_>>().join(" "),
        commit(row.git_revision.as_deref().unwrap_or_default()).to_owned(),
        row.deployed.map(|time| time.to_string()).unwrap_or_default(),
        row.revision.clone().unwrap_or_default(),
    ]
}

/// A digest as short as Docker shows it; with --json it is whole.
fn short(digest: &str) -> &str {
    let hex = digest.rsplit(':').next().unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::ObjectId;

    #[test]
    fn a_container_is_a_line() {
        let workload = ObjectId::new("apps", "Deployment", Some("shop"), "api");
        let mut image =
            RunningImage::new(workload.clone(), "api", "registry.example/shop/api:main.7.4f1c2d9");
        image.digests = vec![format!("sha256:{}", "ab".repeat(32)), format!("sha256:{}", "cd".repeat(32))];
        image.git_revision = Some("4f1c2d9b7a5e3c1d0f2e4a6b8c0d1e2f3a4b5c6d".into());
        image.deployed = Some("2026-03-04T05:06:07Z".parse().unwrap());
        image.revision = Some("release shop revision 3".into());
        let odd = RunningImage::new(workload, "side", "NOT AN IMAGE");
        let running = Running { namespace: "shop".into(), images: vec![image, odd] };
        assert_eq!(
            running.text(Paint(false)),
            "WORKLOAD        CONTAINER  IMAGE                      TAG             DIGEST                     COMMIT        DEPLOYED              BY\n\
             Deployment api  api        registry.example/shop/api  main.7.4f1c2d9  abababababab cdcdcdcdcdcd  4f1c2d9b7a5e  2026-03-04T05:06:07Z  release shop revision 3\n\
             Deployment api  side       NOT AN IMAGE\n"
        );
        assert_eq!(running.json()["running"][0]["gitRevision"], "4f1c2d9b7a5e3c1d0f2e4a6b8c0d1e2f3a4b5c6d");
        let none = Running { namespace: "shop".into(), images: Vec::new() };
        assert_eq!(none.text(Paint(true)), "nothing runs in shop\n");
    }
}
