//! A script as it is written down.
//!
//! ```text
//! # What it is about
//! ## A part of it
//! $ kubectl get pods          is run on both clusters; codes, standard outputs and standard errors are compared
//! ~ kubectl wait …            is run on both, and has to succeed: it only brings both to the same state
//! … 3 Running: kubectl get …  is repeated on both until its output has the text, then not compared
//! ≠ Why the command above differs
//! ```
//!
//! Commands are the shell's, in a directory of their own with the files of `files/`.

/// A script.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) title: String,
    pub(crate) parts: Vec<Part>,
}

/// A part of one.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
}

/// A line of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Compared. `differs`: why it is not equal.
    Compare { command: String, differs: Option<String> },
    /// Brings both to the same state.
    Both(String),
    /// Until the output has the text.
    Until { text: String, command: String },
}

impl Script {
    /// Reads one.
    ///
    /// # Panics
    /// At a line of no known form.
    pub(crate) fn parse(text: &str) -> Self {
        let mut script = Self { title: String::new(), parts: Vec::new() };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.trim().to_owned();
            let step = match mark {
                "#" => {
                    script.title = rest;
                    continue;
                }
                "##" => {
                    script.parts.push(Part { title: rest, steps: Vec::new() });
                    continue;
                }
                "≠" => {
                    let last = script.parts.last_mut().and_then(|part| part.steps.last_mut());
                    let Some(Step::Compare { differs: differs @ None, .. }) = last else {
                        panic!("no command before: {line}")
                    };
                    *differs = Some(rest);
                    continue;
                }
                "$" => Step::Compare { command: rest, differs: None },
                "~" => Step::Both(rest),
                "…" => {
                    let (text, command) = rest.split_once(": ").expect("a text and a command");
                    Step::Until { text: text.to_owned(), command: command.to_owned() }
                }
                _ => panic!("no step: {line}"),
            };
            script.parts.last_mut().expect("a part before").steps.push(step);
        }
        script
    }

    /// Its steps, in their order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().flat_map(|part| &part.steps)
    }
}

#[test]
fn it_is_read() {
    let script =
        Script::parse("# T\n\n## P\n$ kubectl get a\n≠ no a\n~ kubectl wait\n… 3 of: kubectl get b\n");
    assert_eq!((script.title.as_str(), script.parts[0].title.as_str()), ("T", "P"));
    let steps: Vec<_> = script.steps().collect();
    assert_eq!(
        steps,
        [
            &Step::Compare { command: "kubectl get a".to_owned(), differs: Some("no a".to_owned()) },
            &Step::Both("kubectl wait".to_owned()),
            &Step::Until { text: "3 of".to_owned(), command: "kubectl get b".to_owned() },
        ]
    );
}
