//! Image references: what is parsed comes back from its text.
#![no_main]

use deploy_core::image::Reference;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse::<Reference>().expect("we wrote it"), reference);
    }
});
