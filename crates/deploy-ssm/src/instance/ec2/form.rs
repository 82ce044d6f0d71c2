//! The request's body: a form, as EC2's Query API has it.

use std::fmt::Write;

/// Asks for the running instances whose tag `Name` matches `pattern`.
pub(super) fn describe_instances(pattern: &str, next: Option<&str>) -> String {
    let mut fields = vec![
        ("Action", "DescribeInstances"),
        ("Version", "2016-11-15"),
        ("Filter.1.Name", "tag:Name"),
        ("Filter.1.Value.1", pattern),
        ("Filter.2.Name", "instance-state-name"),
        ("Filter.2.Value.1", "running"),
        ("MaxResults", "1000"),
    ];
    fields.extend(next.map(|token| ("NextToken", token)));
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut all = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            all.push(char::from(byte));
        } else {
            // A String takes all that is written to it.
            let _ = write!(all, "%{byte:02X}");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_encoded() {
        let form = describe_instances("*k3s & ü*", Some("a+b/c="));
        assert!(form.contains("&Filter.1.Value.1=%2Ak3s%20%26%20%C3%BC%2A&"), "{form}");
        assert!(form.ends_with("&NextToken=a%2Bb%2Fc%3D"), "{form}");
        assert!(!describe_instances("x", None).contains("NextToken"));
    }
}
