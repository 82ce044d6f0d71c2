//! The version of Kubernetes that is imitated, in one place.

/// The release of Kubernetes that a cluster says it is of, and whose behaviour it is held against.
///
/// ```
/// assert!(deploy_sim::KUBERNETES_VERSION.starts_with("v1."));
/// ```
pub const KUBERNETES_VERSION: &str = "v1.36.2";

/// What `/version` tells, one field a line as kube-apiserver writes it.
pub(crate) fn told() -> String {
    let mut numbers = KUBERNETES_VERSION.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    // It is compatible with the minor version before.
    let least = minor.parse::<u32>().unwrap_or_default().saturating_sub(1);
    format!(
        r#"{{
  "major": "{major}",
  "minor": "{minor}",
  "emulationMajor": "{major}",
  "emulationMinor": "{minor}",
  "minCompatibilityMajor": "{major}",
  "minCompatibilityMinor": "{least}",
  "gitVersion": "{KUBERNETES_VERSION}",
  "gitCommit": "",
  "gitTreeState": "clean",
  "buildDate": "1970-01-01T00:00:00Z",
  "goVersion": "",
  "compiler": "",
  "platform": "embedded"
}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_numbers_are_told_apart() {
        let told: serde_json::Value = serde_json::from_str(&told()).unwrap();
        let of = |field: &str| told[field].as_str().unwrap().to_owned();
        assert_eq!(format!("v{}.{}.2", of("major"), of("minor")), KUBERNETES_VERSION);
        assert_eq!(of("minCompatibilityMinor"), "35");
    }
}
