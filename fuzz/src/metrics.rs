//! Metrics as programs expose them: whatever is read is selected by its own series, and a selector comes back from its text.
#![no_main]

use deploy_verify::metrics::{Comparison, Selector, samples};

// The selector and a comparison, each on a line, and the text.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (selector, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (comparison, text) = rest.split_once('\n').unwrap_or((rest, ""));
    if let Ok(comparison) = comparison.parse::<Comparison>() {
        assert_eq!(comparison.to_string().parse::<Comparison>().expect("we wrote it"), comparison);
        assert!(!comparison.holds(f64::NAN));
    }
    if let Ok(selector) = selector.parse::<Selector>() {
        assert_eq!(selector.to_string().parse::<Selector>().expect("we wrote it"), selector);
        let _ = samples(text)
            .filter(|sample| sample.as_ref().is_ok_and(|sample| selector.matches(sample)))
            .count();
    }
    for sample in samples(text).flatten() {
        let own: Selector = sample.name.parse().expect("a name alone");
        assert!(own.matches(&sample));
    }
});
