//! Reports that somebody made before.

use std::io::Read;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Reference;

use super::source::{newest, none_is_of};
use super::{MAX_REPORT_BYTES, Report, ReportSource, Scanned};

/// Reports that somebody made before: files, or bytes. Of several on one image the newest counts.
///
/// Files are read each time that the gate is asked. An image without a digest is found by its repository and tag, whatever that stood for when
/// it was scanned: deploy by digest, or give the gate a registry ([`ScanReport::registry`](super::ScanReport::registry)).
///
/// ```no_run
/// use deploy_verify::scan::GivenReports;
///
/// let reports = GivenReports::new().file("reports/api.json").file("reports/worker.json");
/// ```
#[derive(Clone, Debug, Default)]
pub struct GivenReports {
    given: Vec<Given>,
}

#[derive(Clone, Debug)]
enum Given {
    File(PathBuf),
    Bytes(String, Vec<u8>),
}

impl GivenReports {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The report in a file.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.given.push(Given::File(path.into()));
        self
    }

    /// The report in these bytes, `name` being what errors call it.
    #[must_use]
    pub fn bytes(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.given.push(Given::Bytes(name.into(), bytes.into()));
        self
    }
}

impl Given {
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Bytes(name, _) => name.clone(),
        }
    }

    fn read(&self) -> Result<Report> {
        match self {
            Self::File(path) => Report::read(&self.name(), &read(path)?),
            Self::Bytes(name, bytes) => Report::read(name, bytes),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::InvalidInput,
        };
        Error::new(kind, format!("it cannot be read: {error}")).during("read report").on(path.display())
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that too much is seen as such.
    file.take(MAX_REPORT_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

#[async_trait]
impl ReportSource for GivenReports {
    fn describe(&self) -> String {
        self.given.iter().map(Given::name).collect::<Vec<_>>().join(", ")
    }

    async fn report(&self, image: &Reference) -> Result<Scanned> {
        if self.given.is_empty() {
            return Err(Error::invalid("no report was given"));
        }
        let given = self.given.clone();
        let read = move || given.iter().map(Given::read).collect::<Result<Vec<_>>>();
        let reports = tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
            let kind = if error.is_cancelled() { ErrorKind::Cancelled } else { ErrorKind::Internal };
            Err(Error::new(kind, "the thread that reads the reports did not end well").source(error))
        })?;
        match newest(reports, image) {
            Ok(report) => Ok(Scanned::new(image.clone(), report)),
            Err(others) => Err(none_is_of(&others, image)),
        }
    }
}
