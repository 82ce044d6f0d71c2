//! Command lines that a person copies into a shell.

/// A command line that grows.
pub(super) struct Flags(String);

impl Flags {
    pub(super) fn new(command: &str) -> Self {
        Self(command.to_owned())
    }

    pub(super) fn add(&mut self, flag: &str, value: &str) {
        self.0 += &format!(" {flag} {}", quoted(value));
    }

    pub(super) fn add_some(&mut self, flag: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(flag, value);
        }
    }

    pub(super) fn add_if(&mut self, flag: &str, given: bool) {
        if given {
            self.0 += &format!(" {flag}");
        }
    }

    pub(super) fn line(self) -> String {
        self.0
    }
}

/// One word for a shell.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%,@+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_one_word() {
        let check = |value: &str, expect: &str| assert_eq!(quoted(value), expect);
        check("i-0123456789abcdef0", "i-0123456789abcdef0");
        check("Name=shop", "Name=shop");
        check("", "''");
        check("shop-k3s-*", "'shop-k3s-*'");
        check("it's $HOME", r"'it'\''s $HOME'");
    }
}
