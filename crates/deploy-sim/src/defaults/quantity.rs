//! Quantities (`500m`, `1.5Gi`, `1e3`) in the server's canonical form, and compared.

use std::cmp::Ordering;

use serde_json::Value;

/// Digits of a quantity that are read; the server reads as many.
const MOST_DIGITS: usize = 18;
const NANO: i128 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Binary,
    Decimal,
    Exponent,
}

/// An amount in billionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    nano: i128,
    format: Format,
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.nano.partial_cmp(&other.nano)
    }
}

impl Quantity {
    /// Of a string or a number.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > MOST_DIGITS || fraction.contains('.') {
            return None;
        }
        let (factor, tens, format) = unit(suffix)?;
        let tens = tens + 9 - i32::try_from(fraction.len()).ok()?;
        let amount = digits.parse::<i128>().ok()?.checked_mul(factor)?;
        let scale = 10_i128.checked_pow(tens.unsigned_abs())?;
        // Smaller than a billionth rounds up, away from zero.
        let nano = if tens >= 0 { amount.checked_mul(scale)? } else { div_up(amount, scale) };
        Some(Self { nano: if negative { -nano } else { nano }, format })
    }

    /// A number of things.
    pub(crate) fn whole(number: i128) -> Self {
        Self { nano: number.saturating_mul(NANO), format: Format::Decimal }
    }

    /// In the format of this one, unless it is zero.
    pub(crate) fn plus(self, other: Self) -> Self {
        let format = if self.is_zero() { other.format } else { self.format };
        Self { nano: self.nano.saturating_add(other.nano), format }
    }

    /// In the format of this one, unless it is zero.
    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { nano: -other.nano, ..other })
    }

    /// In billionths.
    pub(crate) fn nano(self) -> i128 {
        self.nano
    }

    pub(crate) fn is_negative(self) -> bool {
        self.nano < 0
    }

    pub(crate) fn is_zero(self) -> bool {
        self.nano == 0
    }

    pub(crate) fn is_whole(self) -> bool {
        self.nano % NANO == 0
    }

    /// No finer than thousandths: those of resource lists.
    pub(crate) fn in_thousandths(self) -> Self {
        let sign = self.nano.signum();
        Self { nano: sign * div_up(self.nano.abs(), NANO / 1000) * (NANO / 1000), ..self }
    }

    /// As the server writes it.
    pub(crate) fn canonical(self) -> String {
        if self.nano == 0 {
            return "0".into();
        }
        let small = self.nano.abs() < 1024 * NANO;
        if self.format == Format::Binary && !small && self.is_whole() {
            let (amount, times) = reduced(self.nano / NANO, 1024, 6);
            let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].get(times).unwrap_or(&"");
            return format!("{amount}{suffix}");
        }
        let (amount, times) = reduced(self.nano, 1000, 9);
        if self.format == Format::Exponent {
            let exponent = 3 * i32::try_from(times).unwrap_or(3) - 9;
            return if exponent == 0 { amount.to_string() } else { format!("{amount}e{exponent}") };
        }
        let suffix = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].get(times).unwrap_or(&"");
        format!("{amount}{suffix}")
    }
}

/// A suffix as a factor, a power of ten, and the format that it stands for.
fn unit(suffix: &str) -> Option<(i128, i32, Format)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 0, Format::Binary));
    let decimal = |tens: i32| Some((1, tens, Format::Decimal));
    match suffix {
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        exponent => {
            let tens: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (tens.abs() <= 18).then_some((1, tens, Format::Exponent))
        }
    }
}

fn div_up(amount: i128, by: i128) -> i128 {
    amount / by + i128::from(amount % by != 0)
}

/// Divided by `base` as often as nothing is lost, at most `most` times.
fn reduced(mut amount: i128, base: i128, most: usize) -> (i128, usize) {
    let mut times = 0;
    while times < most && amount % base == 0 {
        amount /= base;
        times += 1;
    }
    (amount, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Quantity::parse(text).map(Quantity::canonical).as_deref(), expected, "{text}");
        };
        check("1000m", Some("1"));
        check("0.5", Some("500m"));
        check("1024Mi", Some("1Gi"));
        check("1.5Gi", Some("1536Mi"));
        check("0.1Mi", Some("104857600m"));
        check("512Ki", Some("512Ki"));
        check("0.5Ki", Some("512"));
        check("128974848", Some("128974848"));
        check("5000000000", Some("5G"));
        check("1e3", Some("1e3"));
        check("-100m", Some("-100m"));
        check("0", Some("0"));
        check("0Mi", Some("0"));
        check("1n", Some("1n"));
        check("0.1n", Some("1n"));
        for wrong in ["", "-", "a", "1 Gi", "1GB", "1.2.3", "1e99", "Gi", "9999999999999999999999", "1ki"] {
            check(wrong, None);
        }
    }

    #[test]
    fn thousandths_and_order() {
        let quantity = |text| Quantity::parse(text).unwrap();
        assert_eq!(quantity("0.0001").in_thousandths().canonical(), "1m");
        assert!(quantity("1Gi") > quantity("1G"));
        assert!(quantity("1000m") == quantity("1"));
    }
}
