//! Where reports come from.

use async_trait::async_trait;
use deploy_core::error::{Error, Result};
use deploy_core::image::Reference;

use super::Report;

/// The report on an image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scanned {
    /// The image, with its digest if the source had to know it.
    pub image: Reference,
    /// The report.
    pub report: Report,
}

impl Scanned {
    /// The report on `image`.
    pub fn new(image: Reference, report: Report) -> Self {
        Self { image, report }
    }
}

/// Has reports on images, or makes them.
#[async_trait]
pub trait ReportSource: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// The newest report on an image.
    ///
    /// # Errors
    /// If there is none, or it cannot be told: a report that cannot be read is never left out.
    async fn report(&self, image: &Reference) -> Result<Scanned>;
}

/// The newest of the reports that are on the image. Those that do not say when they were made are the oldest.
pub(super) fn newest(
    reports: impl IntoIterator<Item = Report>,
    image: &Reference,
) -> Result<Report, Vec<Report>> {
    let (of, others): (Vec<Report>, Vec<Report>) =
        reports.into_iter().partition(|report| report.is_of(image));
    of.into_iter().max_by_key(|report| report.created).ok_or(others)
}

/// The error that none of these reports is on the image.
pub(super) fn none_is_of(others: &[Report], image: &Reference) -> Error {
    let of: Vec<_> =
        others.iter().map(|report| format!("{} is of {}", report.name, report.subject())).collect();
    Error::invalid(format!("no report is on {image}: {}", of.join(", ")))
        .help("scan the image under the reference that is deployed")
}
