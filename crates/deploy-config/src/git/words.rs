//! What git says when it fails. Only this file knows its phrases, which are those of its source with `LC_ALL=C`.

use deploy_core::error::{Error, ErrorKind};

use super::address::masked;

/// The most characters of git's words that are shown.
const MAX_SHOWN: usize = 300;

/// Phrases in lowercase, what they mean, and what to do. The first that is found counts.
const PHRASES: [(&str, ErrorKind, &str); 46] = {
    use ErrorKind::{
        Conflict, Forbidden, InvalidInput, Locked, NotFound, Unauthorized, Unavailable, Unsupported,
    };
    const SIGN_IN: &str = "give credentials: a token, a key, or a credential helper that asks nobody";
    const RIGHT: &str = "see who may write there";
    const WHERE: &str = "see its name, and whether these credentials may see it";
    const LATER: &str = "try again later";
    const KEY: &str = "see that the key is there, and needs no passphrase or lies in an agent";
    const AUTHOR: &str = "say who writes commits (Repository::author)";
    const LOCK: &str = "another git works there, or one was killed: then remove the lock file that it names";
    const HOST: &str = "add the host's key to known_hosts";
    [
        ("could not read username", Unauthorized, SIGN_IN),
        ("could not read password", Unauthorized, SIGN_IN),
        ("terminal prompts disabled", Unauthorized, SIGN_IN),
        ("authentication failed", Unauthorized, SIGN_IN),
        ("invalid username or", Unauthorized, SIGN_IN),
        ("requested url returned error: 401", Unauthorized, SIGN_IN),
        ("permission denied (", Unauthorized, SIGN_IN),
        ("host key verification failed", Unauthorized, HOST),
        ("requested url returned error: 403", Forbidden, RIGHT),
        ("write access to repository not granted", Forbidden, RIGHT),
        ("access denied", Forbidden, RIGHT),
        ("unable to create temporary object directory", Forbidden, RIGHT),
        ("insufficient permission", Forbidden, RIGHT),
        ("dubious ownership", Forbidden, "add the folder to safe.directory in git's configuration"),
        ("not allowed", Forbidden, "see what protocols git may use (protocol.allow)"),
        ("failed to sign", InvalidInput, KEY),
        ("couldn't load public key", InvalidInput, KEY),
        ("no private key found", InvalidInput, KEY),
        ("gpg failed", InvalidInput, KEY),
        ("tell me who you are", InvalidInput, AUTHOR),
        ("empty ident name", InvalidInput, AUTHOR),
        ("unable to auto-detect email", InvalidInput, AUTHOR),
        ("mismatched algorithms", Unsupported, "only repositories with SHA-1 are fetched"),
        ("could not resolve host", Unavailable, "see the name of the host"),
        ("connection refused", Unavailable, LATER),
        ("couldn't connect to server", Unavailable, LATER),
        ("failed to connect", Unavailable, LATER),
        ("network is unreachable", Unavailable, LATER),
        ("no route to host", Unavailable, LATER),
        ("timed out", Unavailable, LATER),
        ("connection reset", Unavailable, LATER),
        ("connection closed", Unavailable, LATER),
        ("hung up", Unavailable, LATER),
        ("early eof", Unavailable, LATER),
        ("requested url returned error: 5", Unavailable, LATER),
        ("requested url returned error: 429", Unavailable, LATER),
        ("no space left", Unavailable, "free some space"),
        ("index.lock", Locked, LOCK),
        ("cannot lock ref", Locked, LOCK),
        (".lock': file exists", Locked, LOCK),
        ("would be overwritten by merge", Conflict, "commit or stash what you changed"),
        ("not possible to fast-forward", Conflict, "bring the branch to the remote's state"),
        ("couldn't find remote ref", NotFound, WHERE),
        ("not found", NotFound, WHERE),
        ("does not appear to be a git repository", NotFound, WHERE),
        ("not a git repository", NotFound, "name the folder of a work tree"),
    ]
};

/// What a failure means that git told so of.
pub(super) fn failed(told: &str, secrets: &[String]) -> Error {
    let lower = told.to_lowercase();
    let found = PHRASES.iter().find(|(phrase, ..)| lower.contains(phrase));
    let (kind, help) =
        found.map_or((ErrorKind::Internal, "see what git says"), |(_, kind, help)| (*kind, *help));
    Error::new(kind, shown(told, secrets)).help(help)
}

/// Whether git says that nothing was sent.
pub(super) fn nothing_was_sent(error: &Error) -> bool {
    let early = ["could not resolve host", "connection refused", "couldn't connect", "failed to connect"];
    match error.kind() {
        ErrorKind::Unauthorized | ErrorKind::NotFound | ErrorKind::Forbidden => true,
        _ => early.iter().any(|phrase| error.message().to_lowercase().contains(phrase)),
    }
}

/// What the other side said, in one line.
pub(super) fn told(text: &str, secrets: &[String]) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("remote:"));
    let words: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    (!words.is_empty()).then(|| clean(&words.join(" "), secrets))
}

/// The line that says most: the other side's own, else what git calls fatal or an error, else the last.
fn shown(text: &str, secrets: &[String]) -> String {
    let said = |line: &str| -> Option<String> {
        let own = line.strip_prefix("fatal:").or_else(|| line.strip_prefix("error:"))?;
        Some(own.trim().to_owned())
    };
    // What comes after the first is how others met its consequences.
    let own = text.lines().find_map(said);
    let line = match (told(text, secrets), own) {
        (Some(told), Some(own)) => format!("{own}; the remote says: {told}"),
        (Some(told), None) => told,
        (None, Some(own)) => match text.lines().find(|line| is_ssh(line)) {
            Some(ssh) => ssh.trim().to_owned(),
            None => own,
        },
        (None, None) => text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it failed without a word")
            .to_owned(),
    };
    clean(&line, secrets)
}

/// Git only says that it could not read; ssh says why.
fn is_ssh(line: &str) -> bool {
    line.contains("Permission denied (")
        || line.starts_with("ssh: ")
        || line.starts_with("Host key verification")
}

/// One line without control characters and credentials, of bounded length.
pub(super) fn clean(text: &str, secrets: &[String]) -> String {
    let mut out = masked(text);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        out = out.replace(secret.as_str(), "***");
    }
    let out: String = out.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = out.char_indices().nth(MAX_SHOWN) {
        out.truncate(end);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_has_a_kind() {
        use ErrorKind::{Forbidden, Internal, InvalidInput, NotFound, Unauthorized, Unavailable};
        let check = |told: &str, kind: ErrorKind, message: &str| {
            let error = failed(told, &["hunter2".to_owned()]);
            assert_eq!((error.kind(), error.message()), (kind, message));
        };
        check(
            "fatal: could not read Username for 'http://host': terminal prompts disabled\n",
            Unauthorized,
            "could not read Username for 'http://host': terminal prompts disabled",
        );
        check(
            "git@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure\n",
            Unauthorized,
            "git@host: Permission denied (publickey).",
        );
        check(
            "remote: Repository not found.\nfatal: repository 'https://ci:x@host/x.git/' not found\n",
            NotFound,
            "repository 'https://***@host/x.git/' not found; the remote says: Repository not found.",
        );
        check(
            "fatal: couldn't find remote ref refs/heads/x\n",
            NotFound,
            "couldn't find remote ref refs/heads/x",
        );
        check(
            "fatal: unable to access 'http://host/x/': The requested URL returned error: 403\n",
            Forbidden,
            "unable to access 'http://host/x/': The requested URL returned error: 403",
        );
        check(
            "fatal: unable to access 'https://host/': Could not resolve host: host",
            Unavailable,
            "unable to access 'https://host/': Could not resolve host: host",
        );
        check(
            "error: gpg failed to sign the data\nfatal: failed to write commit object",
            InvalidInput,
            "gpg failed to sign the data",
        );
        check("fatal: \u{1b}[31mhunter2\u{7} odd\n", Internal, "[31m*** odd");
        check("", Internal, "it failed without a word");
        check(&format!("fatal: {}", "x".repeat(1000)), Internal, &format!("{}…", "x".repeat(300)));
    }

    #[test]
    fn the_other_side_is_heard_in_one_line() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(told(text, &[]).as_deref(), expect);
        check(
            "remote: error: GH006: Protected branch.        \nremote: \nremote: ask a\tfriend\nTo x\n",
            Some("error: GH006: Protected branch. ask a friend"),
        );
        check("To x\n ! [rejected]\n", None);
    }
}
