//! The rules of names, in the words of `apimachinery/pkg/util/validation`. Each answers what is wrong, nothing where
//! nothing is.

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
    '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which \
    must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. \
    '*.example.com', regex used for validation is \
    '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or \
    '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex \
    used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
    'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const HTTP_HEADER: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', \
    regex used for validation is '[-A-Za-z0-9]+')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
    '93%', regex used for validation is '[0-9]+%')";

pub(super) const IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
pub(super) const PORT: &str = "must be between 1 and 65535, inclusive";

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// Ends with letters or digits, with `inner` between them.
fn is_word(text: &str, ends: fn(char) -> bool, inner: &str) -> bool {
    text.starts_with(ends) && text.ends_with(ends) && text.chars().all(|c| ends(c) || inner.contains(c))
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|label| is_word(label, is_lower, "-"))
}

fn collect<const N: usize>(reasons: [(bool, &str); N]) -> Vec<String> {
    reasons.into_iter().filter(|(wrong, _)| *wrong).map(|(_, why)| why.to_owned()).collect()
}

/// A label of RFC 1123: names of Namespaces, Services, StatefulSets, containers, volumes.
pub(super) fn label(text: &str) -> Vec<String> {
    let valid = is_word(text, is_lower, "-");
    let dots = !valid && is_subdomain(text);
    collect([
        (text.len() > 63, "must be no more than 63 characters"),
        (dots, "must not contain dots"),
        (!valid && !dots, LABEL),
    ])
}

/// A subdomain of RFC 1123: what most names are.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    collect([(text.len() > 253, "must be no more than 253 characters"), (!is_subdomain(text), SUBDOMAIN)])
}

pub(super) fn wildcard(text: &str) -> Vec<String> {
    let valid = text.strip_prefix("*.").is_some_and(is_subdomain);
    collect([(text.len() > 253, "must be no more than 253 characters"), (!valid, WILDCARD)])
}

pub(super) fn label_1035(text: &str) -> Vec<String> {
    let valid = is_word(text, is_lower, "-") && text.starts_with(|c: char| c.is_ascii_lowercase());
    collect([(text.len() > 63, "must be no more than 63 characters"), (!valid, LABEL_1035)])
}

/// A part of a path: names of roles and bindings.
pub(super) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    let signs = ["/", "%"].into_iter().filter(|sign| text.contains(sign));
    signs.map(|sign| format!("may not contain '{sign}'")).collect()
}

/// The key of a label or annotation, the name of a finalizer or resource.
pub(super) fn qualified(text: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                reasons.push("prefix part must be non-empty".to_owned());
            } else {
                reasons.extend(subdomain(prefix).into_iter().map(|why| format!("prefix part {why}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a valid label key {NAME_PART} with an optional DNS subdomain prefix and '/' (e.g. \
                 'example.com/MyName')"
            )];
        }
    };
    let valid = is_word(name, |c| c.is_ascii_alphanumeric(), "-_.");
    reasons.extend(collect([
        (name.is_empty(), "name part must be non-empty"),
        (name.len() > 63, "name part must be no more than 63 bytes"),
    ]));
    if !valid {
        reasons.push(format!("name part {NAME_PART}"));
    }
    reasons
}

pub(super) fn label_value(text: &str) -> Vec<String> {
    let valid = text.is_empty() || is_word(text, |c| c.is_ascii_alphanumeric(), "-_.");
    collect([(text.len() > 63, "must be no more than 63 bytes"), (!valid, LABEL_VALUE)])
}

/// A key of a ConfigMap or Secret.
pub(super) fn config_key(text: &str) -> Vec<String> {
    let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    let mut reasons =
        collect([(text.len() > 253, "must be no more than 253 characters"), (!valid, CONFIG_KEY)]);
    match text {
        "." => reasons.push("must not be '.'".into()),
        ".." => reasons.push("must not be '..'".into()),
        text if text.starts_with("..") => reasons.push("must not start with '..'".into()),
        _ => {}
    }
    reasons
}

/// The name of a port (`http`).
pub(super) fn port_name(text: &str) -> Vec<String> {
    let is_inner = |c: char| is_lower(c) || c == '-';
    collect([
        (text.len() > 15, "must be no more than 15 characters"),
        (
            !text.chars().all(is_inner),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (!text.contains(|c: char| c.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (text.contains("--"), "must not contain consecutive hyphens"),
        (text.starts_with('-') || text.ends_with('-'), "must not begin or end with a hyphen"),
    ])
}

pub(super) fn env_name(text: &str) -> Vec<String> {
    let valid = text.chars().all(|c| (' '..='~').contains(&c) && c != '=');
    let why =
        "a valid environment variable name must consist only of printable ASCII characters other than '='";
    collect([(!valid, why)])
}

pub(super) fn http_header(text: &str) -> Vec<String> {
    let valid = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    collect([(!valid, HTTP_HEADER)])
}

pub(super) fn percent(text: &str) -> Vec<String> {
    let digits = text.strip_suffix('%').unwrap_or_default();
    collect([(digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()), PERCENT)])
}
