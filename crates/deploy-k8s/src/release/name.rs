//! A release's name and its records' (`pkg/chartutil/validate_name.go`, `pkg/storage/storage.go`).

use deploy_core::error::{Error, Result};

/// Helm's: what is left of a label's 63 characters for what charts put behind the name.
const MAX: usize = 53;

/// Whether Helm takes this for a release's name: a DNS subdomain of at most 53 characters.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput), with what is wrong.
pub(crate) fn check(name: &str) -> Result<()> {
    let is_label = |label: &str| {
        label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let why = if name.is_empty() {
        "a release needs a name".to_owned()
    } else if name.len() > MAX {
        format!("a release's name has at most {MAX} characters, and this has {}", name.len())
    } else if !name.split('.').all(is_label) {
        "a release's name has lowercase letters, digits, - and . only, and begins and ends with a letter or digit".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid(why).on(format!("release \"{}\"", name.escape_default())))
}

/// The Secret of a revision.
pub(crate) fn secret(release: &str, revision: u64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_helms() {
        let long = "a".repeat(53);
        for good in ["a", "shop", "shop-2", "1a", "a.b-c", long.as_str()] {
            assert!(check(good).is_ok(), "{good}");
        }
        let longer = "a".repeat(54);
        for bad in ["", "Shop", "-a", "a-", "a..b", ".a", "a_b", "a/b", "ä", "a\n", longer.as_str()] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
