//! The table and the JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::machine::Machine;

/// What was measured of one work.
pub(crate) struct Row {
    work: String,
    unit: Unit,
    ours: Vec<f64>,
    kubectl: Vec<f64>,
    helm: Vec<f64>,
    bar: Option<Bar>,
}

/// What the numbers count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Megabytes,
    Count,
}

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    AtMost(f64),
    /// This part of what kubectl takes, at most.
    OfKubectl(f64),
    /// This part of what helm takes, at most.
    OfHelm(f64),
}

impl Row {
    pub(crate) fn new(work: &str, unit: Unit, ours: Vec<f64>) -> Self {
        Self { work: work.to_owned(), unit, ours, kubectl: Vec::new(), helm: Vec::new(), bar: None }
    }

    pub(crate) fn beside(mut self, kubectl: Vec<f64>, helm: Vec<f64>) -> Self {
        (self.kubectl, self.helm) = (kubectl, helm);
        self
    }

    pub(crate) fn bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }

    /// `None` if there is no bar, or nothing to compare with.
    fn held(&self) -> Option<bool> {
        match self.bar? {
            Bar::AtMost(most) => Some(median(&self.ours)? <= most),
            Bar::OfKubectl(part) => Some(ratio(&self.ours, &self.kubectl)? <= part),
            Bar::OfHelm(part) => Some(ratio(&self.ours, &self.helm)? <= part),
        }
    }

    fn line(&self) -> String {
        let show =
            |samples: &[f64]| median(samples).map_or_else(|| "–".to_owned(), |value| self.unit.show(value));
        let ratio = match (ratio(&self.ours, &self.kubectl), ratio(&self.ours, &self.helm)) {
            (Some(ratio), _) => format!("{ratio:.2} × kubectl"),
            (None, Some(ratio)) => format!("{ratio:.2} × helm"),
            (None, None) => String::new(),
        };
        let bar = match self.bar {
            None => String::new(),
            Some(Bar::AtMost(most)) => format!("≤ {}", self.unit.show_whole(most)),
            Some(Bar::OfKubectl(part)) => format!("≤ {part} × kubectl"),
            Some(Bar::OfHelm(part)) => format!("≤ {part} × helm"),
        };
        let verdict = match self.held() {
            None => "",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        let [ours, kubectl, helm] = [&self.ours, &self.kubectl, &self.helm].map(|samples| show(samples));
        format!("| {} | {ours} | {kubectl} | {helm} | {ratio} | {bar} | {verdict} |", self.work)
    }

    fn json(&self) -> Value {
        let tool =
            |samples: &[f64]| median(samples).map(|median| json!({"median": median, "samples": samples}));
        json!({
            "work": self.work,
            "unit": self.unit.name(),
            "ours": tool(&self.ours),
            "kubectl": tool(&self.kubectl),
            "helm": tool(&self.helm),
            "ratioToKubectl": ratio(&self.ours, &self.kubectl),
            "ratioToHelm": ratio(&self.ours, &self.helm),
            "bar": self.bar.map(|bar| match bar {
                Bar::AtMost(most) => json!({"atMost": most}),
                Bar::OfKubectl(part) => json!({"ratioToKubectlAtMost": part}),
                Bar::OfHelm(part) => json!({"ratioToHelmAtMost": part}),
            }),
            "held": self.held(),
        })
    }
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::Count => "",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{value:.2} s"),
            Self::Milliseconds | Self::Megabytes => format!("{value:.0} {}", self.name()),
            Self::Count => format!("{value:.0}"),
        }
    }

    fn show_whole(self, value: f64) -> String {
        format!("{value:.0} {}", self.name()).trim_end().to_owned()
    }
}

/// The table, in Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "| work | ours | kubectl | helm | ratio | bar | held? |\n".to_owned();
    text += "| --- | --- | --- | --- | --- | --- | --- |\n";
    for row in rows {
        let _ = writeln!(text, "{}", row.line());
    }
    text
}

/// All samples, in the order in which they were taken.
pub(crate) fn json(rows: &[Row], machine: &Machine, rounds: u32) -> Value {
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    json!({"machine": machine.json(), "rounds": rounds, "works": rows})
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 {
        upper
    } else {
        f64::midpoint(*sorted.get(middle.wrapping_sub(1))?, upper)
    })
}

/// The median of the rounds' own ratios where both were measured in every round: what else the machine does in a round slows both.
fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    if ours.len() == theirs.len() {
        return median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>());
    }
    Some(median(ours)? / median(theirs)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        // Round by round: 0.5, 0.25, 1.0.
        assert_eq!(ratio(&[1.0, 1.0, 4.0], &[2.0, 4.0, 4.0]), Some(0.5));
        assert_eq!(ratio(&[1.0, 2.0, 3.0], &[60.0]), Some(2.0 / 60.0));
        assert_eq!(ratio(&[1.0], &[]), None);
    }

    #[test]
    fn marks_what_is_missed() {
        let check = |row: Row, expect: &str| assert_eq!(row.line(), expect);
        let first = |ours: f64| {
            Row::new("first", Unit::Seconds, vec![ours]).beside(vec![2.0], vec![4.0]).bar(Bar::OfKubectl(0.4))
        };
        check(first(0.8), "| first | 0.80 s | 2.00 s | 4.00 s | 0.40 × kubectl | ≤ 0.4 × kubectl | yes |");
        check(first(1.0), "| first | 1.00 s | 2.00 s | 4.00 s | 0.50 × kubectl | ≤ 0.4 × kubectl | **no** |");
        let bad = Row::new("bad", Unit::Seconds, vec![3.0]).beside(vec![], vec![60.0]).bar(Bar::AtMost(4.0));
        check(bad, "| bad | 3.00 s | – | 60.00 s | 0.05 × helm | ≤ 4 s | yes |");
        check(
            Row::new("requests", Unit::Count, vec![31.0]).bar(Bar::AtMost(30.0)),
            "| requests | 31 | – | – |  | ≤ 30 | **no** |",
        );
    }
}
