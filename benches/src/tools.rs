//! The tools that are compared, and how each is asked for the same.

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// As kubectl works: nothing is kept but the objects.
    Xtask,
    /// With lock and journal.
    XtaskNamed,
    /// As helm works: with lock and recorded revisions.
    XtaskRelease,
    Kubectl,
    Helm,
}

impl Tool {
    pub(crate) const ALL: [Self; 5] =
        [Self::Xtask, Self::XtaskNamed, Self::XtaskRelease, Self::Kubectl, Self::Helm];

    /// For namespaces.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Xtask => "xtask",
            Self::XtaskNamed => "xtask-named",
            Self::XtaskRelease => "xtask-release",
            Self::Kubectl => "kubectl",
            Self::Helm => "helm",
        }
    }

    /// The order of a round: each tool is the first one in turn.
    pub(crate) fn in_turn(round: u32) -> [Self; 5] {
        let mut tools = Self::ALL;
        tools.rotate_left(round as usize % Self::ALL.len());
        tools
    }

    /// The command line that applies manifests.
    pub(crate) fn apply<'a>(self, manifests: &'a Manifests, namespace: &'a str) -> Vec<&'a str> {
        let path = manifests.folder.as_str();
        match self {
            Self::Xtask => vec!["apply", "-f", path, "-n", namespace, "--stats"],
            Self::XtaskNamed => vec!["apply", "-f", path, "-n", namespace, "--stats", "--name", "bench"],
            Self::XtaskRelease => vec!["release", "upgrade", "bench", "-f", path, "-n", namespace, "--stats"],
            Self::Kubectl => vec!["apply", "--server-side", "-f", path, "-n", namespace],
            Self::Helm => vec!["upgrade", "--install", "bench", &manifests.chart, "-n", namespace],
        }
    }
}

/// The same manifests for each tool.
pub(crate) struct Manifests {
    /// A folder of manifests.
    pub(crate) folder: String,
    /// A chart whose one template they are.
    pub(crate) chart: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_first_in_turn() {
        let first: Vec<Tool> = (0..5).filter_map(|round| Tool::in_turn(round).first().copied()).collect();
        assert_eq!(first, Tool::ALL);
        assert_eq!(Tool::in_turn(6), Tool::in_turn(1));
    }
}
