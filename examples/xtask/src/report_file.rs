//! How a run ended, kept in files: what `--report` names, and the summary page of the CI job.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use deploy_core::outcome::Outcome;
use deploy_core::report::{html, markdown};

use crate::paint::Tone;
use crate::report::json;
use crate::session::Teller;

/// A file whose name says what it is to hold.
#[derive(Clone, Debug)]
pub(crate) struct ReportFile {
    path: PathBuf,
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Json,
    Markdown,
    Html,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Form::Json,
            Some("md") => Form::Markdown,
            Some("html") => Form::Html,
            _ => return Err("a report is a file that ends in .json, .md or .html".to_owned()),
        };
        Ok(Self { path, form })
    }
}

impl ReportFile {
    fn write(&self, outcome: &Outcome) -> io::Result<()> {
        let text = match self.form {
            Form::Json => format!("{:#}\n", json(outcome)),
            Form::Markdown => markdown(outcome),
            Form::Html => html(outcome),
        };
        fs::write(&self.path, text)
    }
}

/// Writes every report. One that cannot be written is told, and is no reason to fail a deployment that is done.
pub(crate) fn keep(outcome: &Outcome, files: &[ReportFile], teller: &Teller<'_>) {
    let tell = |what: &str, path: &Path, written: io::Result<()>| match written {
        Ok(()) => teller.progress.tell(Tone::Plain, &format!("{what} is in {}", path.display())),
        Err(error) => {
            let text = format!("warning: {what} cannot be written to {}: {error}", path.display());
            teller.progress.tell(Tone::Warn, &text);
        }
    };
    for file in files {
        tell("the report", &file.path, file.write(outcome));
    }
    if let Some(path) = teller.step_summary {
        tell("the job's summary", path, append(outcome, path));
    }
}

/// After what other steps of the job wrote.
fn append(outcome: &Outcome, path: &Path) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(markdown(outcome).as_bytes())
}

#[cfg(test)]
mod tests {
    use deploy_core::memory::MemoryTarget;
    use deploy_core::run::Policy;

    use super::*;
    use crate::sample::run;

    /// A file of this test's own, removed in the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id())))
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.0).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn the_name_says_what_it_holds() {
        let outcome = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        let check = |name: &str, start: &str| {
            let scratch = Scratch::new(name);
            let file: ReportFile = scratch.0.to_str().unwrap().parse().unwrap();
            file.write(&outcome).unwrap();
            assert!(scratch.text().starts_with(start), "{}", scratch.text());
        };
        check("a.json", "{\n  \"bundle\": ");
        check("a.md", "## ✅ ConfigMap shop/app: healthy\n");
        check("a.html", "<!DOCTYPE html>");
        for name in ["report", "report.txt", ".md", ""] {
            assert!(name.parse::<ReportFile>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_summary_goes_on() {
        let outcome = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        let scratch = Scratch::new("summary");
        for _ in 0..2 {
            append(&outcome, &scratch.0).unwrap();
        }
        assert_eq!(scratch.text(), markdown(&outcome).repeat(2));
    }
}
