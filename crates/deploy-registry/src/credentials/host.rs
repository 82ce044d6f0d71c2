//! Which registry a key of a config file means.

/// The registry's host, and port, as in a reference: `https://index.docker.io/v1/` is `docker.io`.
pub(super) fn canonical(text: &str) -> String {
    let rest = text.trim();
    let rest = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://")).unwrap_or(rest);
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    match host.as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => host,
    }
}

/// As [`canonical`]; `None` for a key that is about a part of a registry alone (`quay.io/shop`), which no host is looked up by.
pub(super) fn of_key(key: &str) -> Option<String> {
    let path = if key.contains("://") { "" } else { key.split_once('/').map_or("", |(_, path)| path) };
    let whole = matches!(path.trim_end_matches('/'), "" | "v1" | "v2");
    whole.then(|| canonical(key))
}

/// What a credential helper knows the registry at `host` by.
pub(super) fn server(host: &str) -> &str {
    if host == "docker.io" { "https://index.docker.io/v1/" } else { host }
}

/// Whether a pull secret's key is for `host`: as the kubelet reads it, `*` stands for a part between two dots, or in one.
pub(super) fn matches(pattern: &str, host: &str) -> bool {
    let (pattern, pattern_port) = port(pattern);
    let (host, host_port) = port(host);
    pattern_port == host_port
        && pattern.split('.').count() == host.split('.').count()
        && pattern.split('.').zip(host.split('.')).all(|(pattern, part)| part_matches(pattern, part))
}

fn port(host: &str) -> (&str, &str) {
    host.rsplit_once(':').unwrap_or((host, ""))
}

/// `*` for any text, any number of them.
fn part_matches(pattern: &str, part: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = part.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = rest.get(at + piece.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_docker_does() {
        let check = |key: &str, expect: Option<&str>| assert_eq!(of_key(key).as_deref(), expect, "{key}");
        check("ghcr.io", Some("ghcr.io"));
        check("GHCR.io", Some("ghcr.io"));
        check("https://ghcr.io", Some("ghcr.io"));
        check("https://ghcr.io/", Some("ghcr.io"));
        check("http://localhost:5000/v2/", Some("localhost:5000"));
        check("localhost:5000", Some("localhost:5000"));
        check("localhost:5000/v1", Some("localhost:5000"));
        check("https://index.docker.io/v1/", Some("docker.io"));
        check("index.docker.io", Some("docker.io"));
        check("docker.io", Some("docker.io"));
        check("registry-1.docker.io", Some("docker.io"));
        check("https://quay.io/anything", Some("quay.io"));
        check("quay.io/shop", None);
        check("quay.io/shop/api", None);
        check("docker.io/library", None);
        check("", Some(""));
    }

    #[test]
    fn a_pull_secret_may_have_wildcards() {
        let check = |pattern: &str, host: &str, expect: bool| {
            assert_eq!(matches(pattern, host), expect, "{pattern} {host}");
        };
        check("ghcr.io", "ghcr.io", true);
        check("*.example", "registry.example", true);
        check("*.example", "a.registry.example", false);
        check("*.*.example", "a.registry.example", true);
        check("*.example:5000", "registry.example:5000", true);
        check("*.example", "registry.example:5000", false);
        check("reg*.example", "registry.example", true);
        check("r*i*y.example", "registry.example", true);
        check("r*x*y.example", "registry.example", false);
        check("reg*ry", "regry", true);
        check("reg*gry", "regry", false);
        check("*", "localhost", true);
        check("*", "ghcr.io", false);
        check("", "ghcr.io", false);
    }
}
