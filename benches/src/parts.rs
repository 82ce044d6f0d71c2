//! Benchmarks in parts, of which one may ask for some.

/// A part's name, how often it is usually measured, and what measures it so often.
type Part = (&'static str, u64, fn(u64));

/// Measures the parts that the command line names, each so often as `NAME=TIMES` says; all of them where it names none.
///
/// # Panics
/// What stands for a number is none.
#[expect(clippy::panic, reason = "a benchmark ends by panicking, and says why")]
pub fn measure_parts(parts: &[Part]) {
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    for (name, usual, part) in parts {
        let times = |asked: &String| {
            let (asked, times) = asked.split_once('=').unwrap_or((asked, ""));
            let number = || times.parse().unwrap_or_else(|_| panic!("{name}={times} is no number of times"));
            (asked == *name).then(|| if times.is_empty() { *usual } else { number() })
        };
        if let Some(times) = if asked.is_empty() { Some(*usual) } else { asked.iter().find_map(times) } {
            part(times);
        }
    }
}

/// The one in the middle.
///
/// # Panics
/// There is none.
#[expect(clippy::indexing_slicing, reason = "a benchmark ends by panicking, and says why")]
pub fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort();
    values[values.len() / 2]
}
