//! What no two clusters have in common, taken out of what a program says.

use std::path::Path;

use regex::{Captures, Regex};

/// Patterns, and what stands for what they match; in this order.
const MASKS: &[(&str, &str)] = &[
    // Times, as JSON and kubectl, Go and helm write them.
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( [A-Z]+)?)?", "TIME"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [A-Z][a-z]{2} +\d\d? \d\d:\d\d:\d\d \d{4}", "TIME"),
    (r"(?m)^[WEI]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "LOG "),
    // What client-go tells where a watch of its own was cut at the end.
    (r"(?m)^LOG reflector\.go:.*\n", ""),
    // Uids, and digests of what is the same but for them.
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
    (r"sha256:[0-9a-f]{64}", "DIGEST"),
    (r"containerd://[0-9a-f]{64}", "CONTAINER"),
    // Where the cluster is, and where things are in it.
    (r"https?://127\.0\.0\.1:\d+", "SERVER"),
    (r"\b10\.\d+\.\d+\.\d+\b", "IP"),
    (r"\b192\.0\.2\.\d+\b", "IP"),
    (r"\b(localhost|node-1)\b", "NODE"),
    // What a node told because of its state before: the image was there or not, it has no name server, it looked again.
    (
        r#"(?m)^.*: (Pulling image .*|Successfully pulled image .*|Container image ".*" already present .*)\n"#,
        "",
    ),
    (r"(?m)^.* MissingClusterDNS .*\n", ""),
    (r" \(x\d+ over [^)]*\)", ""),
    (r"\bErrImagePull\b", "ImagePullBackOff"),
    // Before the hashes: some of its numbers look like one.
    (r"kubectl-edit-\d+", "kubectl-edit-FILE"),
    // What is made of a name: Kubernetes' alphabet of suffixes has no vowels.
    (r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}\b(-[bcdfghjklmnpqrstvwxz2456789]{5}\b)?", "-HASH"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-HASH"),
    (r"(pod-template-hash|controller-revision-hash)([=:] ?)[a-z0-9-]+", "${1}${2}HASH"),
    (r"modifiedAt=\d+", "modifiedAt=TIME"),
    // What a busy node reads of the container's limit: now and then there is none yet.
    (r"\b(9007199254740988Ki|32Mi)\b", "LIMIT"),
    // Versions of objects.
    (r#"(?i)("?resource ?version"?: +)"?\d+"?"#, "${1}VERSION"),
    // Ages and durations.
    (r"\b\d+(\.\d+)?(ms|µs|s|m|h|d)(\d+(\.\d+)?(s|m|h))*\b", "AGE"),
    (r"<(invalid|unknown)>( +ago)?", "<$1>"),
    // Columns are as wide as what stands in them.
    (r"(\S) {2,}", "$1  "),
    (r" +\t", "\t"),
    (r"-{4,}", "----"),
    (r"={4,}", "===="),
    (r"(?m)[ \t]+$", ""),
];

/// Amounts of CPU, which look like minutes: behind a colon, or all in a row of `kubectl describe`.
const CPU: &str = r#"\bcpu(\\?"?: *\\?"?\d+m?(/\d+m?)?|( +(-|\d+m?))+)\b"#;

/// The patterns, ready.
pub(crate) struct Mask {
    cpu: Regex,
    patterns: Vec<(Regex, &'static str)>,
}

impl Mask {
    /// All of them.
    pub(crate) fn new() -> Self {
        let ready = |(pattern, mask): &(&str, &'static str)| (Regex::new(pattern).expect("a pattern"), *mask);
        Self { cpu: Regex::new(CPU).expect("a pattern"), patterns: MASKS.iter().map(ready).collect() }
    }

    /// A text without what no two clusters have in common; the program ran in this directory.
    pub(crate) fn text(&self, text: &str, directory: &Path) -> String {
        let text = text.replace(directory.to_str().expect("a path in UTF-8"), "DIRECTORY");
        let in_words = |amounts: &Captures<'_>| amounts[0].replace('m', " milli");
        let mut text = self.cpu.replace_all(&text, in_words).into_owned();
        for (pattern, mask) in &self.patterns {
            text = pattern.replace_all(&text, *mask).into_owned();
        }
        text
    }
}

#[test]
fn what_is_masked() {
    let mask = Mask::new();
    let check = |text: &str, expected: &str| {
        assert_eq!(mask.text(text, Path::new("/tmp/x")), expected, "{text}");
    };
    check("api-6d5f7c8b9-x2v4z   1/1     Running   0          12s", "api-HASH  1/1  Running  0  AGE");
    check("api-deployment   2/2   3m20s", "api-deployment  2/2  AGE");
    check("uid: 0a0b0c0d-1111-4222-8333-444455556666", "uid: UID");
    check("created 2026-01-01T00:00:00Z by /tmp/x/files", "created TIME by DIRECTORY/files");
    check("LAST DEPLOYED: Sun Nov 22 19:11:05 2026", "LAST DEPLOYED: TIME");
    check("Start Time:  Sun, 22 Nov 2026 19:11:05 +0000", "Start Time:  TIME");
    check(
        "W1123 04:23:11.123456   30712 reflector.go:578] \"Warning: watch ended with error\"\nError: x",
        "Error: x",
    );
    check("/tmp/kubectl-edit-2456789245.yaml", "/tmp/kubectl-edit-FILE.yaml");
    check("      cpu:     100m", "      cpu:  100 milli");
    check(
        r#"{"cpu":"10m","memory":"16Mi"} {\"cpu\":\"250m\"}"#,
        r#"{"cpu":"10 milli","memory":"16Mi"} {\"cpu\":\"250 milli\"}"#,
    );
    check("Container  cpu  50m  2  100m  500m  -", "Container  cpu  50 milli  2  100 milli  500 milli  -");
    check("requests.cpu  100m  1", "requests.cpu  100 milli  1");
    check(
        "sizes  requests.cpu: 100m/1  limits.cpu: 0/2  12m",
        "sizes  requests.cpu: 100 milli/1  limits.cpu: 0/2  AGE",
    );
    check("store  cpu: <unknown>/80%  1  3  1  5m", "store  cpu: <unknown>/80%  1  3  1  AGE");
    check("cpu: 5m30s", "cpu: AGE");
    check(r#""resourceVersion": "12345""#, r#""resourceVersion": VERSION"#);
}
