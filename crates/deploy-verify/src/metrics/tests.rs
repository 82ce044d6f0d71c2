use deploy_core::guard::Answer;
use proptest::prelude::*;

use super::*;

#[test]
fn comparisons() {
    let check = |text: &str, holds: &[f64], not: &[f64]| {
        let comparison: Comparison = text.parse().unwrap();
        assert_eq!(comparison.to_string().parse::<Comparison>().unwrap(), comparison);
        assert!(holds.iter().all(|number| comparison.holds(*number)), "{text}");
        assert!(not.iter().all(|number| !comparison.holds(*number)), "{text}");
        assert!(!comparison.holds(f64::NAN), "{text}");
    };
    check("< 0.5", &[0.4, -1.0, f64::NEG_INFINITY], &[0.5, 1.0, f64::INFINITY]);
    check("<=0.5", &[0.5], &[0.6]);
    check(">0.5", &[0.6, f64::INFINITY], &[0.5]);
    check(" >= 0.5 ", &[0.5], &[0.4]);
    check("== 0", &[0.0, -0.0], &[1.0]);
    check("!= 0", &[1.0], &[0.0]);
    check("< 1e3", &[999.0], &[1000.0]);
    for wrong in ["", "0.5", "=0", "= 0", "<", "< x", "< NaN", "<> 1", "=< 1"] {
        assert!(wrong.parse::<Comparison>().is_err(), "{wrong}");
    }
}

/// Name, labels and value.
type Read<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

#[test]
fn lines_are_samples() {
    let check = |line: &str, expect: Result<Read<'_>, &str>| {
        let found = samples(line).next().unwrap();
        match (found, expect) {
            (Ok(sample), Ok((name, labels, value))) => {
                let found: Vec<(&str, &str)> =
                    sample.labels.iter().map(|(name, value)| (*name, &**value)).collect();
                assert_eq!((sample.name, &found[..]), (name, labels), "{line}");
                assert!(sample.value.to_bits() == value.to_bits(), "{line}: {}", sample.value);
            }
            (found, expect) => {
                assert_eq!(
                    found.map(|_| ()).map_err(|error| error.to_string()),
                    expect.map(|_| ()).map_err(str::to_owned),
                    "{line}"
                );
            }
        }
    };
    check("up 1", Ok(("up", &[], 1.0)));
    check("up{} 1", Ok(("up", &[], 1.0)));
    check("  up\t 1 1395066363000 ", Ok(("up", &[], 1.0)));
    check("a:b_c{x=\"1\", y = \"2\",} -1.5e3", Ok(("a:b_c", &[("x", "1"), ("y", "2")], -1500.0)));
    check(r#"a{path="C:\\DIR\"\n{,}=\d"} +Inf"#, Ok(("a", &[("path", "C:\\DIR\"\n{,}=\\d")], f64::INFINITY)));
    check("a_bucket{le=\"+Inf\"} 17 # {trace=\"x\"} 0.67", Ok(("a_bucket", &[("le", "+Inf")], 17.0)));
    check("a NaN", Ok(("a", &[], f64::NAN)));
    check("a", Err("line 1 is no metric, it has no value: \"a\""));
    check("a x", Err("line 1 is no metric, its value is no number: \"a x\""));
    check("1a 1", Err("line 1 is no metric, it has no name: \"1a 1\""));
    check("{} 1", Err("line 1 is no metric, it has no name: \"{} 1\""));
    check("a{x} 1", Err("line 1 is no metric, a label has no =: \"a{x} 1\""));
    check("a{x=1} 1", Err("line 1 is no metric, a label has no value in quotes: \"a{x=1} 1\""));
    check("a{x=\"1} 1", Err("line 1 is no metric, a label's value has no end: \"a{x=\\\"1} 1\""));
    check("a{x=\"1\\", Err("line 1 is no metric, a label's value has no end: \"a{x=\\\"1\\\\\""));
    check(
        "a{x=\"1\" y=\"2\"} 1",
        Err("line 1 is no metric, labels have a comma between them: \"a{x=\\\"1\\\" y=\\\"2\\\"} 1\""),
    );
    check("a{,} 1", Err("line 1 is no metric, a label has no name: \"a{,} 1\""));
    let many = format!("a{{{}}} 1", "x=\"1\",".repeat(257));
    assert!(samples(&many).next().unwrap().unwrap_err().to_string().contains("too many labels"));
    assert!(samples(&"a".repeat(65 * 1024)).next().unwrap().unwrap_err().to_string().contains("too long"));
    let text = "# HELP a b\n#TYPE a counter\n\na 1\n# EOF\n";
    assert_eq!(samples(text).count(), 1);
}

#[test]
fn selects_series() {
    let text = "a{x=\"1\",y=\"2\"} 1\na{x=\"1\"} 2\na 4\nb{x=\"1\"} 8\n";
    let check = |selector: &str, expect: f64| {
        let selector: Selector = selector.parse().unwrap();
        assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
        let sum: f64 = samples(text)
            .map(Result::unwrap)
            .filter(|sample| selector.matches(sample))
            .map(|sample| sample.value)
            .sum();
        assert!((sum - expect).abs() < f64::EPSILON, "{selector}: {sum}");
    };
    check("a", 7.0);
    check("a{}", 7.0);
    check("a{x=\"1\"}", 3.0);
    check("a{y=\"2\",x=\"1\"}", 1.0);
    check("a{x=\"2\"}", 0.0);
    check("a{x=\"\\\"\\n\\\\\"}", 0.0);
    for wrong in ["", "{x=\"1\"}", "a{x=\"1\"", "a{x!=\"1\"}", "a{x=~\"1\"}", "a 1", "sum(a)"] {
        assert!(wrong.parse::<Selector>().is_err(), "{wrong}");
    }
}

#[test]
fn what_prometheus_says() {
    let check = |body: &str, expected: &str, expect: &str| {
        let text = match query::judge(body.as_bytes(), expected.parse().unwrap()) {
            Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
            Ok(Answer::No { why }) => format!("no: {why}"),
            other => format!("error: {}", other.unwrap_err()),
        };
        assert_eq!(text, expect, "{body}");
    };
    let vector = |series: &str| {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
    };
    let one = r#"{"metric":{},"value":[1763712000.123,"0.25"]}"#;
    let named = r#"{"metric":{"__name__":"up","job":"api","pod":"a-1"},"value":[1763712000,"0"]}"#;
    check(&vector(one), "< 0.5", "yes: it is 0.25, which is < 0.5");
    check(&vector(one), "< 0.2", "no: it is 0.25, expected < 0.2");
    check(&vector(&format!("{one},{named}")), "> 0", r#"no: up{job="api",pod="a-1"} is 0, expected > 0"#);
    check(&vector(""), "== 0", "no: the result is empty: nothing was measured");
    check(&vector(r#"{"metric":{},"value":[1,"NaN"]}"#), "!= 0", "no: it is NaN, expected != 0");
    check(&vector(r#"{"metric":{},"value":[1,"+Inf"]}"#), "> 0", "yes: it is +Inf, which is > 0");
    check(
        &vector(&[named; 5].join(",")),
        "> 0",
        &format!("no: {}; and 2 more, expected > 0", [r#"up{job="api",pod="a-1"} is 0"#; 3].join("; ")),
    );
    check(
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"17"]}}"#,
        "== 17",
        "yes: it is 17, which is == 17",
    );
    check(
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
        "== 17",
        "error: which is neither a vector nor a scalar",
    );
    check(
        r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error"}"#,
        "> 0",
        "error: bad_data: 1:3: parse error",
    );
    check(&vector(r#"{"metric":{},"value":[1,"x"]}"#), "> 0", "error: which holds a value that is no number");
    let no_json = "error: which is not Prometheus' JSON";
    check("<html>", "> 0", no_json);
    check("{}", "> 0", no_json);
    check("", "> 0", no_json);
    check(&vector(r#"{"metric":{},"value":[1]}"#), "> 0", no_json);
    check(&"[".repeat(100_000), "> 0", no_json);
}

proptest! {
    #[test]
    fn no_text_upsets_it(text in "[a-z{}=\",\\\\\n 0-9#.]{0,60}") {
        samples(&text).for_each(drop);
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse::<Selector>().unwrap(), selector);
        }
        let _ = text.parse::<Comparison>();
    }

    /// What is written is read.
    #[test]
    fn a_sample_reads_back(value in "\\PC{0,20}", number in any::<f64>()) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let text = format!("a{{x=\"{escaped}\"}} {number}\n");
        let sample = samples(&text).next().unwrap().unwrap();
        prop_assert_eq!(&sample.labels, &[("x", value)]);
        prop_assert!(sample.value.to_bits() == number.to_bits() || number.is_nan());
    }
}
