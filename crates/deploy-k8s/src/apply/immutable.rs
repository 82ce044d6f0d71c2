//! Fields that cannot be changed once they are set.
//!
//! The API server says so in words alone: what it refuses as invalid for another reason must never be taken for it.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::ObjectId;

use crate::api::IMMUTABLE;

/// What holds data, or other people's objects.
const IRREPLACEABLE: [&str; 4] =
    ["PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace"];

/// Whether what an object of this kind holds would be lost with it: it is never deleted, to be created anew or because it is wanted no
/// more.
pub(super) fn is_irreplaceable(kind: &str) -> bool {
    IRREPLACEABLE.contains(&kind)
}

/// Whether `error` says that a field cannot be changed.
pub(super) fn speaks(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidInput && IMMUTABLE.iter().any(|words| error.message().contains(words))
}

/// The same error with what can be done about it.
pub(super) fn explain(error: Error, id: &ObjectId) -> Error {
    if is_irreplaceable(&id.kind) {
        return error.help(
            "put back what it was, or give the object another name: it is never deleted to be created anew",
        );
    }
    error.help("put back what it was, give the object another name, or ask for its kind to be deleted and created anew")
}

/// Whether a kind may be created anew at all.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) for kinds that hold data or other objects.
pub(super) fn check_kind(kind: &str) -> Result<()> {
    if is_irreplaceable(kind) {
        return Err(Error::invalid(format!(
            "a {kind} is never deleted to be created anew: what it holds would be lost"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_words_for_it_count() {
        let check =
            |message: &str, expect: bool| assert_eq!(speaks(&Error::invalid(message)), expect, "{message}");
        check(
            "Deployment.apps \"api\" is invalid: spec.selector: Invalid value: {}: field is immutable",
            true,
        );
        check(
            "Service \"api\" is invalid: spec.clusterIPs[0]: Invalid value: []: may not change once set",
            true,
        );
        check(
            "Deployment.apps \"api\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            false,
        );
        assert!(!speaks(&Error::new(ErrorKind::Conflict, "field is immutable")));
        assert!(check_kind("Deployment").is_ok() && check_kind("PersistentVolumeClaim").is_err());
    }
}
