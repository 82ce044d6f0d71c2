//! The table scenario × cluster, made from what the tests printed.

use std::collections::BTreeMap;
use std::fmt::Write;

const HEAD: &str = "# Scenarios

A scenario is one text that runs on two clusters: the embedded one, and a live Kubernetes node. Those with programs or with users of a
kubeconfig find the embedded one behind a port, in real time. `.ci/run live` writes this table from what it ran, and fails where it is
not the one committed.

";

/// What came of a test; of several runs the greatest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    #[default]
    NotRun,
    Passed,
    Failed,
}

#[derive(Debug, Default)]
struct Row<'a> {
    embedded: Option<Came>,
    /// On the embedded cluster behind a port.
    served: Option<Came>,
    live: Option<Came>,
    /// What it needs beside a cluster.
    needs: Option<&'a str>,
}

/// The document for what runs of `cargo test` printed, one after the other.
///
/// # Errors
/// If there is a scenario that failed, or did not run on a cluster that it is for; and if there is none at all.
pub fn scenario_table(printed: &str) -> Result<String, String> {
    let rows = rows(printed);
    if rows.is_empty() {
        return Err("no scenario ran".to_owned());
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|((file, name), row)| Some(format!("{file} {name}: {}", row.wrong()?)))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let (all, embedded) = (rows.len(), rows.values().filter(|row| row.is_embedded()).count());
    let mut text =
        format!("{HEAD}{all} scenarios on a live cluster, {embedded} of them on the embedded one as well.\n");
    text.push_str("\n| | scenario | embedded | live |\n| --- | --- | --- | --- |\n");
    for ((file, name), row) in &rows {
        let embedded = match row.needs {
            Some(needs) if row.embedded.is_none() => {
                format!("{} {needs}", if row.served.is_some() { "✓ with" } else { "needs" })
            }
            _ => "✓".to_owned(),
        };
        writeln!(text, "| {file} | {name} | {embedded} | ✓ |").map_err(|error| error.to_string())?;
    }
    Ok(text)
}

/// By file and name.
fn rows(printed: &str) -> BTreeMap<(String, String), Row<'_>> {
    let mut rows: BTreeMap<_, Row<'_>> = BTreeMap::new();
    let mut folder = None;
    for line in printed.lines() {
        if let Some(target) = line.trim_start().strip_prefix("Running ") {
            folder = folder_of(target);
        }
        let (Some(folder), Some(printed)) = (folder, line.strip_prefix("test ")) else { continue };
        let Some((path, result)) = printed.split_once(" ... ") else { continue };
        let Some((scenario, cluster)) = path.rsplit_once("::") else { continue };
        let Some((file, name)) = scenario.rsplit_once("::") else { continue };
        let key = (format!("{folder}{}", file.replace("::", "/")), name.replace('_', " "));
        let came = match result {
            "ok" => Came::Passed,
            ignored if ignored.starts_with("ignored") => Came::NotRun,
            _ => Came::Failed,
        };
        match cluster {
            "embedded" => {
                let row = rows.entry(key).or_default();
                row.embedded = row.embedded.max(Some(came));
            }
            "served" => {
                let row = rows.entry(key).or_default();
                row.served = row.served.max(Some(came));
            }
            "live" => {
                let row = rows.entry(key).or_default();
                row.live = row.live.max(Some(came));
                row.needs = row.needs.or(result.strip_prefix("ignored, needs a cluster and "));
            }
            _ => {}
        }
    }
    rows
}

/// What stands before the files of a target that has scenarios, which cargo names by its path.
fn folder_of(target: &str) -> Option<&'static str> {
    match target.split_once('/')?.0 {
        "scenarios" => Some(""),
        "far" => Some("far/"),
        _ => None,
    }
}

impl Row<'_> {
    fn is_embedded(&self) -> bool {
        self.embedded.or(self.served).is_some()
    }

    fn wrong(&self) -> Option<&'static str> {
        match (self.embedded.max(self.served), self.live) {
            (Some(Came::Failed), _) => Some("failed on the embedded cluster"),
            (_, Some(Came::Failed)) => Some("failed on a live cluster"),
            (Some(Came::NotRun), _) => Some("did not run on the embedded cluster"),
            (None, _) if self.needs.is_none() => {
                Some("did not run on the embedded cluster, and nobody says why")
            }
            (_, None | Some(Came::NotRun)) => Some("did not run on a live cluster"),
            (None | Some(Came::Passed), Some(Came::Passed)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMBEDDED: &str = "
     Running scenarios/main.rs (target/debug/deps/scenarios-1)

running 4 tests
test takeover::from_kubectl::live ... ignored, needs a cluster and kubectl
test takeover::from_helm::live ... ignored, needs a cluster and helm
test takeover::from_helm::served ... ignored, needs a cluster and helm
test verbs::undo::it_comes_back::live ... ignored, needs a cluster: tests/cluster/up
test verbs::undo::it_comes_back::embedded ... ok
test conformance::files::manifests ... ok
test install::embedded ... ok
     Running far/main.rs (target/debug/deps/far-1)
test takeover::of_a_node::embedded ... ok
test takeover::of_a_node::live ... ignored, needs a cluster and kubectl: tests/cluster/up
     Running unittests src/lib.rs (target/debug/deps/deploy_tests-1)
test crash::other::live ... ok
";
    const LIVE: &str = "
     Running scenarios/main.rs (target/debug/deps/scenarios-1)
test takeover::from_kubectl::live ... ok
test takeover::from_helm::live ... ok
test takeover::from_helm::served ... ok
test verbs::undo::it_comes_back::live ... ok
test same::the_answers ... ok
     Running far/main.rs (target/debug/deps/far-1)
test takeover::of_a_node::live ... ok
";

    #[test]
    fn one_row_for_each_scenario() {
        let table = scenario_table(&[LIVE, EMBEDDED].concat()).unwrap();
        assert_eq!(table, scenario_table(&[EMBEDDED, LIVE].concat()).unwrap(), "in whatever order they ran");
        let (head, rows) = table.split_once("| --- |\n").unwrap();
        assert!(head.contains("4 scenarios on a live cluster, 3 of them"), "{head}");
        assert_eq!(
            rows,
            "| far/takeover | of a node | ✓ | ✓ |\n| takeover | from helm | ✓ with helm | ✓ |\n| takeover | from kubectl | needs kubectl | ✓ |\n| verbs/undo | it comes back | ✓ | ✓ |\n"
        );
    }

    #[test]
    fn what_is_not_green_makes_no_table() {
        let failed = |test: &str| {
            let line = format!("test {test} ... ");
            [EMBEDDED, LIVE].concat().replace(&format!("{line}ok"), &format!("{line}FAILED"))
        };
        for (printed, expected) in [
            ("", "no scenario ran"),
            (
                EMBEDDED,
                "far/takeover of a node: did not run on a live cluster\ntakeover from helm: did not run on the embedded cluster\ntakeover from kubectl: did not run on a live cluster\nverbs/undo it comes back: did not run on a live cluster",
            ),
            (
                LIVE,
                "far/takeover of a node: did not run on the embedded cluster, and nobody says why\ntakeover from kubectl: did not run on the embedded cluster, and nobody says why\nverbs/undo it comes back: did not run on the embedded cluster, and nobody says why",
            ),
            (
                &failed("verbs::undo::it_comes_back::embedded"),
                "verbs/undo it comes back: failed on the embedded cluster",
            ),
            (&failed("takeover::from_kubectl::live"), "takeover from kubectl: failed on a live cluster"),
        ] {
            assert_eq!(scenario_table(printed), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_failure_stays_one_however_often_it_passes() {
        let again = "Running scenarios/main.rs\ntest verbs::undo::it_comes_back::live ... FAILED\n";
        for printed in [[EMBEDDED, LIVE, again], [again, EMBEDDED, LIVE]] {
            assert!(scenario_table(&printed.concat()).is_err());
        }
    }
}
