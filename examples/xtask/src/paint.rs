//! Colour, where it is wanted, and text that cannot disturb a terminal.

/// What a line means to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
    Dim,
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    pub(crate) fn text(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            _ if !self.0 => return text.to_owned(),
            Tone::Good => 32,
            Tone::Warn => 33,
            Tone::Bad => 31,
            Tone::Dim => 2,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// `text` without what moves a terminal's cursor or recolours it: logs and messages come from the cluster.
pub(crate) fn printable(text: &str) -> String {
    let keep = |c: char| if c.is_control() && c != '\t' && c != '\n' { '\u{fffd}' } else { c };
    text.chars().map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_only_where_wanted() {
        assert_eq!(Paint(true).text(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Paint(false).text(Tone::Bad, "x"), "x");
        assert_eq!(Paint(true).text(Tone::Plain, "x"), "x");
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(printable("a\x1b[2Jb\tc\nd\r"), "a\u{fffd}[2Jb\tc\nd\u{fffd}");
    }
}
