//! What the program takes from its environment: read once, here, and handed on as data.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// Variables by their names. They may be secrets: there is no `Debug`.
#[derive(Default)]
pub(crate) struct Variables(BTreeMap<&'static str, OsString>);

impl Variables {
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        self.0.get(name).cloned()
    }
}

/// Where Docker's configuration is; the credentials for one registry, as CI keeps them in variables.
const REGISTRY_VARIABLES: [&str; 6] =
    ["DOCKER_CONFIG", "HOME", "USERPROFILE", "REGISTRY_HOST", "REGISTRY_USER", "REGISTRY_PASSWORD"];

/// The environment variables that this program knows, and the machine's name.
#[derive(Default)]
pub(crate) struct Environment {
    /// `KUBECONFIG_BASE64`: a kubeconfig, as CI keeps it in a variable.
    pub(crate) kubeconfig_base64: Option<String>,
    /// Who runs this, for the holder of the lock.
    pub(crate) holder: String,
    /// `GITHUB_STEP_SUMMARY`: the file that becomes the summary page of the CI job.
    pub(crate) step_summary: Option<PathBuf>,
    /// What says where credentials for registries are.
    pub(crate) registry_variables: Arc<Variables>,
    /// Whether stdout may be coloured.
    pub(crate) stdout_colour: bool,
    /// Whether stderr may be coloured.
    pub(crate) stderr_colour: bool,
    /// Whether stderr can show progress that is drawn over.
    pub(crate) stderr_draws: bool,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let colour = variable("NO_COLOR").is_none();
        let draws = variable("TERM").is_none_or(|term| term != "dumb");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self {
            kubeconfig_base64: variable("KUBECONFIG_BASE64"),
            step_summary: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            registry_variables: Arc::new(Variables::read()),
            holder: holder(&variable, host.as_deref(), std::process::id()),
            stdout_colour: colour && std::io::stdout().is_terminal(),
            stderr_colour: colour && std::io::stderr().is_terminal(),
            stderr_draws: draws && std::io::stderr().is_terminal(),
        }
    }
}

impl Variables {
    fn read() -> Self {
        let found = REGISTRY_VARIABLES.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        Self(found.collect())
    }
}

/// A variable that is there and not empty.
#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `user@host pid 4711`, and the CI job's URL where there is one: enough to find the run by.
fn holder(variable: &dyn Fn(&str) -> Option<String>, host: Option<&str>, pid: u32) -> String {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
    let user = first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "somebody".into());
    let host = host.map(|host| host.trim().to_owned()).or_else(|| first(&["HOSTNAME", "COMPUTERNAME"]));
    let holder = format!("{user}@{} pid {pid}", host.as_deref().unwrap_or("somewhere"));
    match job(variable) {
        Some(url) => format!("{holder} ({url})"),
        None => holder,
    }
}

/// The job's page: GitLab and Jenkins name it, for GitHub it is put together.
fn job(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let [server, repository, run] =
            ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"].map(variable);
        Some(format!("{}/{}/actions/runs/{}", server?, repository?, run?))
    };
    variable("CI_JOB_URL").or_else(|| variable("BUILD_URL")).or_else(github)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_holder() {
        let check = |variables: &[(&str, &str)], host: Option<&str>, expect: &str| {
            let variable =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
            assert_eq!(holder(&variable, host, 7), expect);
        };
        check(&[("USER", "ann")], Some("box\n"), "ann@box pid 7");
        check(&[("LOGNAME", "ann"), ("HOSTNAME", "pc")], None, "ann@pc pid 7");
        check(&[], None, "somebody@somewhere pid 7");
        check(
            &[("USER", "ci"), ("CI_JOB_URL", "https://ci.example/9")],
            Some("r"),
            "ci@r pid 7 (https://ci.example/9)",
        );
        let github = [
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GITHUB_REPOSITORY", "a/shop"),
            ("GITHUB_RUN_ID", "12"),
        ];
        check(&github, Some("r"), "somebody@r pid 7 (https://github.example/a/shop/actions/runs/12)");
    }
}
