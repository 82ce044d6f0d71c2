//! An [`Outcome`] as a report (stage *outcome*): Markdown for a CI job's summary page, and one HTML file with the timeline as a picture.
//!
//! Pure: an outcome in, text out, the same every time. Whatever stands in names, messages and logs is shown as text: it cannot add markup
//! to a page. Secrets' values are masked in the outcome already.
//!
//! ```
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::{memory::MemoryTarget, report, rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let bundle = Bundle::builder().objects(read("app.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}")?).build()?;
//! let outcome = Rollout::new(Arc::new(MemoryTarget::new())).run(&bundle, Run::new().named("shop")).await?;
//!
//! let page = report::markdown(&outcome); // append it to the file that $GITHUB_STEP_SUMMARY names
//! assert!(page.starts_with("## ✅ shop: healthy"));
//! let file = report::html(&outcome); // keep it as an artifact of the job
//! assert!(file.starts_with("<!DOCTYPE html>"));
//! // An outcome is data: JSON needs no report.
//! let json = serde_json::to_string_pretty(&outcome).map_err(|error| deploy_core::error::Error::invalid(error.to_string()))?;
//! assert!(json.contains(r#""status": "healthy""#));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod axis;
mod facts;
mod gantt;
mod html;
mod lanes;
mod markdown;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use html::html;
pub use markdown::{MARKDOWN_BYTES, markdown};

#[cfg(doc)]
use crate::outcome::Outcome;

/// The most lanes of a picture.
const MAX_LANES: usize = 200;
/// The most events that are listed, half of them the first, half the last.
const MAX_EVENTS: usize = 400;
/// The most objects that are listed.
const MAX_OBJECTS: usize = 300;
/// The most bytes of one container's log, or of one diff.
const MAX_BLOCK: usize = 32 * 1024;
/// The most pods, Events, notes, causes.
const MAX_ITEMS: usize = 100;

/// The first and the last of `items`, `max` in all, and how many between them were left out.
fn ends<T>(items: &[T], max: usize) -> (&[T], usize, &[T]) {
    if items.len() <= max {
        return (items, 0, &[]);
    }
    let (first, rest) = items.split_at(max / 2);
    let (hidden, last) = rest.split_at(rest.len() - (max - max / 2));
    (first, hidden.len(), last)
}
