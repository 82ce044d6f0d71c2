//! A program's own message, without the noise around it.

/// The most characters of a message that are kept.
const LONGEST: usize = 2000;

/// What a program said of its failure: the last `Error: …` and all that follows, on one line; without one, everything.
pub(crate) fn said(told: &str) -> Option<String> {
    let lines: Vec<&str> = told.lines().collect();
    let start = lines.iter().rposition(|line| message(line).is_some());
    let rest = lines.get(start.unwrap_or(0)..).unwrap_or_default();
    let said = one_line(rest.iter().map(|line| message(line).unwrap_or(line)));
    (!said.is_empty()).then_some(said)
}

/// Lines as one, without the advice that nobody can follow here.
pub(crate) fn one_line<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Use --debug flag"))
        .collect();
    let text = lines.join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn message(line: &str) -> Option<&str> {
    line.strip_prefix("Error: ").or_else(|| line.strip_prefix("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_message() {
        let check = |told: &str, expect: Option<&str>| assert_eq!(said(told).as_deref(), expect);
        check("Error: no such chart\n", Some("no such chart"));
        check("error: no kustomization\n", Some("no kustomization"));
        check(
            "WARNING: mind\nlevel=ERROR msg=x\nError: a/b.yaml:1:16\n  executing \"b\" at <.Values.a>:\n    nil pointer\n\nUse --debug flag to render out invalid YAML\n",
            Some("a/b.yaml:1:16 executing \"b\" at <.Values.a>: nil pointer"),
        );
        check("Error: first\nError: second\n", Some("second"));
        check("panic: oh\n\ngoroutine 1\n", Some("panic: oh goroutine 1"));
        check("\n \n", None);
        check("", None);
    }

    #[test]
    fn a_message_has_an_end() {
        let said = said(&format!("Error: {}", "ä".repeat(9_000))).unwrap();
        assert_eq!(said.chars().count(), LONGEST + 1);
    }
}
