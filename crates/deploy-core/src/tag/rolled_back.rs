//! What a failed rollout says of the tags it brought.

use std::collections::BTreeSet;

use serde_json::Value;

use super::hold::Hold;
use crate::clock::Timestamp;
use crate::image::Reference;
use crate::manifest::ObjectId;
use crate::outcome::{Cause, ObjectOutcome, Outcome, Status};

impl Hold {
    /// The holds that a rollout leaves which failed by itself: none of the tags it brought to what failed may run again, until lifted.
    ///
    /// Empty for a run that did not fail, was cancelled, or could not write: that says nothing of an image. Where what failed brought no other image, all
    /// images of the run are held. Images without a tag are left out: a policy chooses among tags.
    ///
    /// ```
    /// use deploy_core::outcome::Outcome;
    /// use deploy_core::tag::{Hold, Holds};
    ///
    /// async fn remember(outcome: &Outcome, holds: &Holds) -> deploy_core::error::Result<()> {
    ///     for hold in Hold::after(outcome, "production") {
    ///         holds.place(hold).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn after(outcome: &Outcome, environment: &str) -> Vec<Self> {
        let failed: BTreeSet<&ObjectId> = match (outcome.status, &outcome.cause) {
            (Status::Healthy | Status::Planned | Status::Incomplete, _) => return Vec::new(),
            (_, Some(Cause::Failed { failures })) => failures.iter().map(|failure| &failure.object).collect(),
            (_, Some(Cause::TimedOut { waiting })) => waiting.iter().map(|waiting| &waiting.object).collect(),
            // What looked healthy and was not: nothing says which of the images it was.
            (_, Some(Cause::Refuted { .. })) => BTreeSet::new(),
            _ => return Vec::new(),
        };
        let brought = |only: bool| {
            let objects = outcome.objects.iter().filter(|object| !only || failed.contains(&object.object));
            objects.flat_map(images).collect::<BTreeSet<Reference>>()
        };
        let mut images = brought(true);
        if images.is_empty() {
            images = brought(false);
        }
        let Some(cause) = &outcome.cause else { return Vec::new() };
        let (by, at) = (format!("run {}", outcome.deployment), outcome.started + outcome.took);
        images.iter().filter_map(|image| Self::of_failed(image, environment, &by, at, cause)).collect()
    }

    /// The hold of an image that failed; none without a tag.
    pub(crate) fn of_failed(
        image: &Reference,
        environment: &str,
        by: &str,
        at: Timestamp,
        cause: &Cause,
    ) -> Option<Self> {
        let hold = Self::not_this(image.repository().clone(), environment, image.tag()?.clone());
        Some(hold.by(by).at(at).because(shortened(&cause.to_string())))
    }
}

/// The images that an object's change brings.
fn images(object: &ObjectOutcome) -> Vec<Reference> {
    let mut found = Vec::new();
    for change in &object.diff {
        if let Some(after) = &change.after {
            let field = change.path.rsplit('.').next();
            texts(after, field == Some("image"), &mut found);
        }
    }
    // What is no reference was refused by the cluster, or is another field's.
    found.iter().filter_map(|text| text.parse().ok()).collect()
}

/// The texts of all fields `image`: of a new object the change is the whole of its `spec`.
fn texts<'a>(value: &'a Value, is_image: bool, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) if is_image => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, false, found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| texts(value, key == "image", found));
        }
        _ => {}
    }
}

/// One hold is a line among thousands.
fn shortened(why: &str) -> String {
    const MOST: usize = 300;
    match why.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", why.get(..end).unwrap_or_default()),
        None => why.to_owned(),
    }
}
