//! Image layouts in archives: whatever the bytes are, what is found lies in them, and is a manifest or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deploy_registry::fuzz_layout(bytes));
