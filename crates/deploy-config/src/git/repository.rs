//! Where a repository is, and how git is run on it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deploy_core::error::{Error, Result};
use deploy_core::secret::SecretText;
use deploy_program::{Tool, Version};

use super::address::Address;
use super::run::Git;

const GIT: Tool = Tool {
    name: "git",
    // Since then it takes configuration from its environment, where no other process sees it.
    oldest: Version::new(2, 31),
    newest: 2,
    home: "https://git-scm.com/downloads",
    hidden: &HIDDEN,
};

/// What would make git work on another repository (inside of a hook, say), or tell more than is asked for.
const HIDDEN: [&str; 22] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CURL_VERBOSE",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NOTES_REF",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_PACKET",
    "GIT_WORK_TREE",
    "GPG_TTY",
    "SSH_ASKPASS",
];

/// No question is asked, no pager opened, nothing translated; paths are paths.
const VARIABLES: [(&str, &str); 8] = [
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_EDITOR", "true"),
    ("GIT_PAGER", "cat"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
];

/// Against what a person's configuration would add.
const CONFIG: [(&str, &str); 10] = [
    ("advice.pushUpdateRejected", "false"),
    ("color.ui", "false"),
    ("fetch.prune", "false"),
    ("gc.auto", "0"),
    ("i18n.commitEncoding", "UTF-8"),
    ("maintenance.auto", "false"),
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
];

/// How SSH is called where the configuration does not say it.
const SSH: (&str, &str) = ("core.sshCommand", "ssh -oBatchMode=yes");

/// A repository of Git, on the other side of a URL or opened in a work tree.
///
/// `Debug` shows no credentials.
#[derive(Clone)]
pub struct Repository {
    place: Place,
    branch: String,
    remote: String,
    program: PathBuf,
    signs: bool,
    variables: Vec<(String, String)>,
    config: Vec<(String, String)>,
    timeout: Duration,
    problem: Option<&'static str>,
}

/// Where it is.
#[derive(Clone)]
enum Place {
    Url(Address),
    WorkTree(PathBuf),
}

impl Repository {
    /// The repository at `url`: `https://…`, `ssh://…`, `git@host:path`, `file://…`. What is needed of it is fetched into a temporary
    /// folder. A name and a password in an HTTP URL are taken out of it, as if they were given to [`Repository::credentials`].
    pub fn at(url: &str) -> Self {
        Self::new(Place::Url(Address::new(url)))
    }

    /// The repository that the work tree in `folder` belongs to.
    pub fn work_tree(folder: impl Into<PathBuf>) -> Self {
        Self::new(Place::WorkTree(folder.into()))
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            branch: "main".to_owned(),
            remote: "origin".to_owned(),
            program: GIT.name.into(),
            signs: false,
            variables: Vec::new(),
            config: Vec::new(),
            timeout: Duration::from_secs(120),
            problem: None,
        }
    }

    /// The branch. Default: `main`.
    #[must_use]
    pub fn branch(self, branch: impl Into<String>) -> Self {
        Self { branch: branch.into(), ..self }
    }

    /// The remote of a work tree. Default: `origin`.
    #[must_use]
    pub fn remote(self, name: impl Into<String>) -> Self {
        Self { remote: name.into(), ..self }
    }

    /// Who writes commits. Default: who git's own configuration says.
    #[must_use]
    pub fn author(mut self, name: impl Into<String>, email: impl Into<String>) -> Self {
        let (name, email) = (name.into(), email.into());
        for (part, value) in [("NAME", name), ("EMAIL", email)] {
            for whose in ["AUTHOR", "COMMITTER"] {
                self.variables.push((format!("GIT_{whose}_{part}"), value.clone()));
            }
        }
        self
    }

    /// The name and the password or token for an HTTP URL; sent with every request to its host, so that no 401 comes first. Without them
    /// git asks its credential helpers.
    #[must_use]
    pub fn credentials(mut self, user: &str, password: &SecretText) -> Self {
        let given = match &mut self.place {
            Place::Url(address) => address.authorize(user, password.reveal()),
            Place::WorkTree(_) => false,
        };
        if !given {
            self.problem = Some("credentials are for an HTTP URL");
        }
        self
    }

    /// Signs commits with an SSH key: the path of a key without a passphrase or in an agent (git 2.34 or later). Default: none are signed,
    /// whatever `commit.gpgSign` says.
    #[must_use]
    pub fn sign_with_ssh(self, key: impl Into<String>) -> Self {
        self.sign("ssh", key)
    }

    /// Signs commits with an OpenPGP key, by its id.
    #[must_use]
    pub fn sign_with_gpg(self, key: impl Into<String>) -> Self {
        self.sign("openpgp", key)
    }

    fn sign(self, format: &str, key: impl Into<String>) -> Self {
        let signs = Self { signs: true, ..self };
        signs.config("gpg.format", format).config("user.signingKey", key)
    }

    /// Sets a variable of git's environment, which is the caller's otherwise: `GIT_SSH_COMMAND`, `GIT_CONFIG_GLOBAL`.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Sets a value of git's configuration, above that of all its files: `http.proxy`, `core.sshCommand`. Other processes do not see it.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((name.into(), value.into()));
        self
    }

    /// Where the git program is: a name that is looked up in `PATH`, or a whole path. Default: `git`.
    #[must_use]
    pub fn program(self, path: impl Into<PathBuf>) -> Self {
        Self { program: path.into(), ..self }
    }

    /// How long one run of git may take. Default: 120 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn branch_ref(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    pub(super) fn branch_name(&self) -> &str {
        &self.branch
    }

    /// What fetch and push call it.
    pub(super) fn remote_name(&self) -> &str {
        match &self.place {
            Place::Url(address) => address.url(),
            Place::WorkTree(_) => &self.remote,
        }
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Url(_) => None,
            Place::WorkTree(folder) => Some(folder),
        }
    }

    pub(super) fn signs(&self) -> bool {
        self.signs
    }

    /// Refuses what git would take for something else.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(problem) = self.problem {
            return Err(Error::invalid(problem).on(self));
        }
        let remote = self.remote_name();
        if remote.is_empty() || remote.starts_with('-') || remote.contains(char::is_control) {
            return Err(Error::invalid("this is no name of a repository").on(self));
        }
        check_branch(&self.branch)
    }

    /// Git, to be run in `folder`. SSH asks nobody, unless somebody said how it is to be called.
    pub(super) async fn git(&self, folder: &Path) -> Result<Git> {
        let git = self.git_with(folder, &[]);
        let ssh = git.run(&["config", "--get", SSH.0]).await?;
        Ok(if ssh.success() { git } else { self.git_with(folder, &[SSH]) })
    }

    fn git_with(&self, folder: &Path, more: &[(&'static str, &'static str)]) -> Git {
        let mut program = GIT.at(&self.program).named("git").folder(folder).timeout(self.timeout);
        let hooks = [("core.hooksPath", "/dev/null")];
        let (address, hooks) = match &self.place {
            Place::Url(address) => (address.config(), &hooks[..]),
            Place::WorkTree(_) => (None, &[][..]),
        };
        let own = CONFIG.iter().chain(hooks).chain(more).map(|(name, value)| (*name, *value));
        let given = self.config.iter().map(|(name, value)| (&**name, &**value));
        let address = address.iter().map(|(name, value)| (&**name, &**value));
        let mut count = 0;
        for (name, value) in own.chain(address).chain(given) {
            program = program
                .variable(format!("GIT_CONFIG_KEY_{count}"), name)
                .variable(format!("GIT_CONFIG_VALUE_{count}"), value);
            count += 1;
        }
        program = program.variable("GIT_CONFIG_COUNT", count.to_string());
        for (name, value) in VARIABLES {
            program = program.variable(name, value);
        }
        for (name, value) in &self.variables {
            program = program.variable(name, value);
        }
        let secrets = match &self.place {
            Place::Url(address) => address.secrets().to_vec(),
            Place::WorkTree(_) => Vec::new(),
        };
        Git::new(program, secrets)
    }

    /// Refuses a git that is too old.
    pub(super) async fn check_version(&self) -> Result<()> {
        let program = GIT.at(&self.program).named("git").timeout(self.timeout);
        let ran = program.run(&["version"]).await?;
        let out = String::from_utf8_lossy(&ran.out);
        let found = out.strip_prefix("git version ").and_then(|text| Version::of(text.trim()));
        match found {
            Some(found) => GIT.check(&program, found),
            None => Err(Error::invalid("it does not say which version it is").on("git").help(GIT.install())),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Url(address) => write!(f, "{address}"),
            Place::WorkTree(folder) => write!(f, "{}", folder.display()),
        }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({self}, {})", self.branch)
    }
}

/// A part of git's rules for names (git-check-ref-format); git itself checks the rest.
pub(super) fn check_branch(branch: &str) -> Result<()> {
    let bad = branch.is_empty()
        || branch.starts_with(['-', '/', '.'])
        || branch.ends_with(['/', '.'])
        || branch.contains("..")
        || branch.contains("@{")
        || branch.contains("//")
        || branch.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c));
    if bad {
        return Err(
            Error::invalid("this is no name of a branch").on(format!("branch {}", branch.escape_debug()))
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_options_or_patterns_are_refused() {
        let check = |branch: &str, good: bool| assert_eq!(check_branch(branch).is_ok(), good, "{branch}");
        check("main", true);
        check("deploy/shop-v1.2", true);
        check("größe", true);
        for branch in
            ["", "-d", "--force", "a..b", "a b", "a:b", "*", "a^", "/a", "a/", "a\nb", "@{u}", "a//b", ".a"]
        {
            check(branch, false);
        }
        for url in ["", "--upload-pack=x", "a\nb"] {
            assert!(Repository::at(url).check().is_err(), "{url}");
        }
        assert!(Repository::work_tree(".").remote("-x").check().is_err());
        assert!(Repository::work_tree(".").credentials("a", &SecretText::new("b")).check().is_err());
        assert!(Repository::at("https://host/x.git").credentials("a", &SecretText::new("b")).check().is_ok());
    }

    #[test]
    fn no_credentials_show() {
        let repository =
            Repository::at("https://ci:hunter2@host/x.git").credentials("ci", &SecretText::new("hunter3"));
        assert_eq!(repository.to_string(), "https://host/x.git");
        assert!(
            !format!("{repository:?} {:?}", repository.git_with(Path::new("/"), &[SSH])).contains("hunter")
        );
        assert!(!repository.remote_name().contains("hunter"), "it would stand in the list of processes");
    }
}
