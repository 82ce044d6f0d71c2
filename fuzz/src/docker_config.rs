//! Docker's config file: whatever it holds is read or refused, and no host is shown what no entry says.
#![no_main]

use deploy_registry::credentials::{Credentials, DockerConfig};
use futures_util::FutureExt;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    for read in [DockerConfig::parse("s", text), DockerConfig::parse_dockercfg("s", text)] {
        let Ok(config) = read else { continue };
        assert_eq!(format!("{config:?}"), "DockerConfig(\"s\")");
        for host in ["docker.io", "ghcr.io", "a.registry.example:5000", "localhost", ""] {
            let _ = config.find(host).now_or_never().expect("a secret is not waited for");
        }
    }
});
