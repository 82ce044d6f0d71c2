//! Composes the lines of a command out of a request.

use std::fmt::Write as _;

use deploy_core::error::{Error, Result};

use super::payload::{Pack, archive, lines, wrap};
use super::request::{Request, Verb};
use super::rules::rules;

/// The most bytes of a whole request: SSM takes 64 KB of document and parameters; the rest is room for both to grow.
pub const MAX_REQUEST: usize = 48 * 1024;

/// The most bytes of one value.
const MAX_VALUE: usize = 4_096;

/// All parameters: each is always sent, so that no variable of the node's environment is ever taken for one.
const NAMES: &[&str] = &[
    "VERB",
    "APP",
    "ID",
    "STATE_DIR",
    "KUBECTL",
    "KUBECONFIG",
    "TIMEOUT",
    "ROLLBACK_TIMEOUT",
    "ON_FAILURE",
    "VALIDATE",
    "REQUEST_TIMEOUT",
    "FIELD_MANAGER",
    "FORCE_CONFLICTS",
    "PRUNE",
    "KEEP",
    "SHA256",
    "URL",
    "S3_URI",
    "GIT_REVISION",
    "PROGRESS_URL",
    "RESULT_URL",
    "LOG_URL",
    "NUMBER",
    "WHY",
];

impl Verb {
    fn pack(self) -> Pack {
        match self {
            Self::Deploy | Self::Rollback => Pack::Deploy,
            Self::Attach | Self::Cancel => Pack::Wait,
            _ => Pack::Ask,
        }
    }

    fn needs_id(self) -> bool {
        self.pack() != Pack::Ask
    }
}

impl Request {
    /// The bytes that this request takes as JSON, as far as this crate writes it.
    ///
    /// # Errors
    /// As [`commands`](Self::commands), but for the size.
    pub fn size(&self) -> Result<usize> {
        Ok(size(&self.compose()?))
    }

    /// The lines for `AWS-RunShellScript`, none with a line break.
    ///
    /// # Errors
    /// `InvalidInput` if a value holds a NUL or is too long, if the id or the package is missing, and if the whole is larger than
    /// [`MAX_REQUEST`]: then the package must go through a bucket.
    pub fn commands(&self) -> Result<Vec<String>> {
        let commands = self.compose()?;
        let size = size(&commands);
        if size > MAX_REQUEST {
            let package = self.inline.as_ref().map_or(0, Vec::len);
            let message = format!(
                "the request has {size} bytes, {package} of them the package before base64; SSM's limit leaves {MAX_REQUEST}"
            );
            return Err(Error::invalid(message).help("use a bucket: then only the package's address is sent"));
        }
        Ok(commands)
    }

    fn compose(&self) -> Result<Vec<String>> {
        if self.verb.needs_id() && !self.values.contains_key("ID") {
            return Err(Error::invalid(format!("{} needs the id of a deployment", self.verb.name())));
        }
        if self.verb == Verb::Deploy && !self.values.contains_key("SHA256") {
            return Err(Error::invalid("no package is given to deploy"));
        }
        if matches!(self.verb, Verb::Rollback | Verb::Show | Verb::Fail)
            && !self.values.contains_key("NUMBER")
        {
            return Err(Error::invalid(format!("{} needs the number of a bundle", self.verb.name())));
        }
        let mut commands: Vec<String> = BEGIN.lines().map(str::to_owned).collect();
        block(&mut commands, UNPACK, lines(self.verb.pack()));
        let mut own = vec![("params", self.parameters()?)];
        if self.verb.pack() == Pack::Deploy {
            own.push(("rules.awk", rules(&self.patience)));
        }
        block(&mut commands, UNPACK, &wrap(&archive(&own)));
        if let Some(package) = &self.inline {
            block(&mut commands, "base64 -d >\"$WORK/package.tar.gz\"", &wrap(package));
        }
        commands.push(". \"$HERE/node.sh\"".into());
        Ok(commands)
    }

    /// The parameters as assignments, each value in single quotes. They travel in base64, so that neither SSM's own
    /// `{{substitution}}` nor a line of a value can be taken for anything else.
    fn parameters(&self) -> Result<String> {
        let mut out = String::new();
        for name in NAMES {
            let value = self.values.get(name).map(String::as_str).unwrap_or_default();
            if value.contains('\0') {
                return Err(Error::invalid(format!("{name} holds a NUL, which no shell can")));
            }
            if value.len() > MAX_VALUE {
                return Err(Error::invalid(format!(
                    "{name} has {} bytes; the limit is {MAX_VALUE}",
                    value.len()
                )));
            }
            let _ = writeln!(out, "{name}='{}'", value.replace('\'', r"'\''"));
        }
        Ok(out)
    }
}

/// Everything before the scripts are there. The words of its errors are constants.
const BEGIN: &str = r#"set -eu
umask 077
PATH=${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}
export PATH
refuse() { printf 'deploy-ssm/1 {"error":{"kind":"unavailable","message":"%s","help":null}}\n' "$1"; exit 1; }
for tool in mktemp base64 gzip tar awk; do command -v "$tool" >/dev/null 2>&1 || refuse "$tool is not on the node"; done
WORK=$(mktemp -d "${TMPDIR:-/tmp}/deploy-ssm.XXXXXX" 2>/dev/null) || refuse 'no temporary folder can be made on the node: is the disk full?'
trap 'rm -rf "$WORK"' EXIT
trap 'exit 1' HUP INT TERM
HERE=$WORK/node
mkdir "$HERE""#;

/// Unpacks an archive beside the scripts.
const UNPACK: &str = "base64 -d | gzip -dc | tar -xf - -C \"$HERE\"";

/// Lines of base64 as the input of a shell command.
fn block(commands: &mut Vec<String>, into: &str, lines: &[String]) {
    commands.push(format!(
        "{{ {into}; }} <<'END' || refuse 'the command could not be unpacked on the node: is the disk full?'"
    ));
    commands.extend_from_slice(lines);
    commands.push("END".into());
}

/// As it goes over the wire: a JSON array of strings, and room for the rest of the request.
fn size(commands: &[String]) -> usize {
    const REST: usize = 1_024;
    let quotes = |line: &str| line.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\t')).count();
    commands.iter().map(|line| line.len() + quotes(line) + 3).sum::<usize>() + REST
}
