//! `kubectl set image`, as a bundle: followed and rolled back like any other.
//!
//! ```no_run
//! use deploy_core::manifest::ImageOverride;
//! use deploy_core::{rollout::Rollout, run::Run};
//! use deploy_k8s::{Apply, Cluster, KindName, SetImages};
//! use std::sync::Arc;
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let api = "deployment/api".parse::<KindName>()?.in_namespace("shop");
//! let images = vec![ImageOverride::new("api", "registry.example/api:v2")?];
//! let change = SetImages::new(&Apply::new(Cluster::builder().build().await?), api, images);
//! let outcome = Rollout::new(Arc::new(change.target())).run_derived(&change, Run::new()).await?;
//! # Ok(())
//! # }
//! ```

use async_trait::async_trait;
use deploy_core::error::Result;
use deploy_core::manifest::{Bundle, ImageOverride, Object, ObjectId};
use deploy_core::source::Derive;
use k8s_fields::{FieldPath, FieldSet, Operation, PathElement, project};
use serde_json::Value;

use crate::apply::{Apply, Conflicts, managers};

/// Sets containers' images on a live workload.
#[derive(Clone, Debug)]
pub struct SetImages {
    target: Apply,
    workload: ObjectId,
    images: Vec<ImageOverride>,
}

impl SetImages {
    /// Sets `images` on `workload`, as the field manager of `target`.
    pub fn new(target: &Apply, workload: ObjectId, images: Vec<ImageOverride>) -> Self {
        // The images have an owner already; to set them is what was asked for.
        Self { target: target.clone().in_part().conflicts(Conflicts::Force), workload, images }
    }

    /// The target to roll it out on.
    pub fn target(&self) -> Apply {
        self.target.clone()
    }
}

#[async_trait]
impl Derive for SetImages {
    async fn derive(&self) -> Result<Bundle> {
        let bundle = self.target.with_images(&self.workload, &self.images).await;
        bundle.map_err(|error| error.during("set image"))
    }
}

impl Apply {
    /// The bundle that sets containers' images on a live workload and changes nothing else: what this field manager owns of it
    /// already, and the images.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such object; [`InvalidInput`](ErrorKind::InvalidInput) for a container it does not
    /// have (those it has are listed) and for a kind without containers.
    async fn with_images(&self, id: &ObjectId, images: &[ImageOverride]) -> Result<Bundle> {
        let live = self.live(id).await?;
        let wanted = images
            .iter()
            .cloned()
            .fold(Bundle::builder().objects([Object::new(live.clone())?]), |bundle, image| {
                bundle.image(image)
            })
            .build()?;
        let wanted = wanted.objects().first().map(|object| object.value().clone()).unwrap_or_default();
        let owned = self.fields_with_images(&live, &wanted)?;
        Bundle::builder().objects([Object::new(project(&wanted, &owned))?]).build()
    }

    /// What this manager owns, and the images that change.
    fn fields_with_images(&self, live: &Value, wanted: &Value) -> Result<FieldSet> {
        let managed = managers(live)?;
        let ours = managed.find(self.manager(), Operation::Apply, None).map(|entry| entry.fields.clone());
        let mut fields = ours.unwrap_or_default();
        for path in POD_SPECS {
            for containers in ["containers", "initContainers"] {
                let pointer = format!("/{}/{containers}", path.join("/"));
                let list = |object: &'_ Value| {
                    object.pointer(&pointer).and_then(Value::as_array).cloned().unwrap_or_default()
                };
                for (before, _) in
                    list(live).iter().zip(list(wanted)).filter(|(before, after)| *before != after)
                {
                    let name = before.get("name").and_then(Value::as_str).unwrap_or_default();
                    let containers = FieldPath::fields(path.iter().copied().chain([containers]));
                    let container = containers.child(PathElement::key([("name", name)]));
                    fields.insert(&container.child(PathElement::field("image")));
                }
            }
        }
        Ok(fields)
    }
}

/// Where the kinds of [`KindName`](crate::KindName) keep their containers.
const POD_SPECS: [&[&str]; 3] =
    [&["spec", "template", "spec"], &["spec", "jobTemplate", "spec", "template", "spec"], &["spec"]];
