//! Text from outside for an error: one line, not long, without keys, tokens and signatures.

/// The longest text that is kept, in characters.
const LONGEST: usize = 500;
/// A run of characters of base64 this long, in which kinds of them are mixed, is a key or a token: AWS's secret keys have 40.
const SECRET: usize = 40;
/// AWS's access key ids have 20 characters, and begin like this.
const KEY_IDS: [&str; 2] = ["AKIA", "ASIA"];

/// What may be shown of a text that came from outside.
pub(crate) fn shown(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    let words = line.split(' ').filter(|word| !word.is_empty()).map(word);
    words.collect::<Vec<_>>().join(" ")
}

fn word(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let cut = ["x-amz-", "awsaccesskeyid=", "signature="].iter().filter_map(|sign| lower.find(sign)).min();
    let (kept, ending) = match cut {
        // From the question mark on, where it is a URL.
        Some(at) => (&word[..word[..at].rfind('?').map_or(at, |mark| mark + 1)], "***"),
        None => (word, ""),
    };
    let mut shown = String::new();
    for run in kept.split_inclusive(|c: char| !is_of_token(c)) {
        let (token, rest) = match run.char_indices().next_back() {
            Some((at, last)) if !is_of_token(last) => run.split_at(at),
            _ => (run, ""),
        };
        shown.push_str(if is_secret(token) { "***" } else { token });
        shown.push_str(rest);
    }
    shown + ending
}

fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

fn is_secret(token: &str) -> bool {
    let any = |kind: fn(&u8) -> bool| token.as_bytes().iter().any(kind);
    let mixed = any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_digit);
    (token.len() >= SECRET && mixed) || (token.len() == 20 && KEY_IDS.iter().any(|id| token.starts_with(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let check = |text: &str, expect: &str| assert_eq!(shown(text), expect);
        check("Access Denied", "Access Denied");
        check("two\nlines\t here", "two lines here");
        check("the key AKIAIOSFODNN7EXAMPLE is unknown", "the key *** is unknown");
        check("secret=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY.", "***.");
        check("\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"", "\"***\"");
        let url = "https://b.s3.amazonaws.com/shop/p.tar.gz?x-id=GetObject&X-Amz-Signature=0a1b&X-Amz-Date=2";
        check(url, "https://b.s3.amazonaws.com/shop/p.tar.gz?***");
        check("x X-Amz-Security-Token=IQoJb3JpZ2lu/// y", "x *** y");
        let arn = "arn:aws:sts::123456789012:assumed-role/ci-deploy/runner-20261122T180000";
        check(arn, arn);
        let commit = "4f1c2d94f1c2d94f1c2d94f1c2d94f1c2d94f1c2d9";
        check(commit, commit);
        assert_eq!(shown(&"größe ".repeat(1000)).chars().count(), LONGEST);
    }
}
