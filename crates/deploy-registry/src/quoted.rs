//! Values of parameters in headers: a quoted string or a bare word (RFC 9110, 5.6.4).

/// The value that a text begins with, a bare word up to one of `ends`, and what follows it. A quoted string that does not end takes all.
pub(crate) fn value<'a>(text: &'a str, ends: &[char]) -> (String, &'a str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
        return (word.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_and_words() {
        let check = |text: &str, expect: (&str, &str)| {
            let (found, rest) = value(text, &[';', ',']);
            assert_eq!((found.as_str(), rest), expect, "{text}");
        };
        check("next; a", ("next", "; a"));
        check("next , a", ("next", ", a"));
        check(r#""a, \"b\"; c", d"#, (r#"a, "b"; c"#, ", d"));
        check(r#""a"#, ("a", ""));
        check("", ("", ""));
    }
}
