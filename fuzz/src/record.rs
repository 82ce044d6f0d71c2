//! Records of releases: whatever a Secret holds is read or refused, and what is read survives being written.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| deploy_k8s::fuzz_record(text));
