//! Manifests: whatever is in a file is read or refused, and what is read comes back from what is written of it.
#![no_main]

use deploy_core::manifest::{Bundle, read, to_yaml};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(objects) = read("any.yaml", bytes) else { return };
    for object in &objects {
        let again = read("again.yaml", to_yaml(object.value()).as_bytes()).expect("we wrote it");
        assert_eq!(again.as_slice(), std::slice::from_ref(object));
    }
    let _ = Bundle::builder().objects(objects).namespace("shop").build();
});
