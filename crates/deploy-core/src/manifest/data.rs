//! The keys of ConfigMaps and Secrets.

use crate::error::{Error, Result};

/// The longest key, in bytes: that of a file's name.
const MAX_KEY: usize = 253;

/// Refuses what cannot be a key of a ConfigMap's or Secret's data (`IsConfigMapKey` of Kubernetes' `apimachinery`): it may become the
/// name of a file.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) that says what a key may be.
///
/// ```
/// use deploy_core::manifest::check_data_key;
///
/// assert!(check_data_key("api.tag").is_ok());
/// assert!(check_data_key("api/tag").is_err());
/// ```
pub fn check_data_key(key: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let good = (1..=MAX_KEY).contains(&key.len())
        && key.bytes().all(allowed)
        && key != "."
        && !key.starts_with("..");
    if good {
        return Ok(());
    }
    let shown: String = key.chars().take(MAX_KEY).collect();
    Err(Error::invalid(format!("\"{}\" cannot be a key", shown.escape_default())).help(format!(
        "use 1 to {MAX_KEY} letters, digits, '-', '_' and '.', neither \".\" nor two dots at the beginning"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for good in ["a", "A_b-C.9", ".env", "tls.crt", "a..b", &"x".repeat(253)] {
            assert!(check_data_key(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "..data", "a/b", "a b", "größe", "a\n", &"x".repeat(254)] {
            assert!(check_data_key(bad).is_err(), "{bad}");
        }
    }
}
