//! What a scalar means: YAML 1.1 as go-yaml v2 reads it, which sigs.k8s.io/yaml and so Kubernetes builds on.
//!
//! The rules are compared with the Go module itself in `tests/data/kubernetes-scalars.json`.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// A scalar's meaning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer over `i64::MAX`.
    Uint(u64),
    Float(f64),
    Text(Cow<'a, str>),
}

const CORE: &str = "tag:yaml.org,2002:";

impl<'a> Scalar<'a> {
    /// Resolves `text` by its full `tag`, or by its looks if it has none and is `plain` (not quoted, no block).
    ///
    /// The error does not repeat the text: it may be a Secret's.
    pub(super) fn resolve(text: Cow<'a, str>, plain: bool, tag: Option<&str>) -> Result<Self, String> {
        let tag = match tag {
            None if plain => return Ok(Self::untagged(text)),
            None => return Ok(Self::Text(text)),
            Some(tag) => tag,
        };
        let wrong = || format!("this value is no !!{}", tag.trim_start_matches(CORE));
        match tag.strip_prefix(CORE) {
            Some("binary") => base64(&text).map(|text| Self::Text(text.into())),
            Some("timestamp") if is_date(&text) => Ok(Self::Text(text)),
            Some(kind @ ("null" | "bool" | "int" | "float" | "timestamp")) => {
                match (kind, Self::untagged(text)) {
                    ("null", Self::Null) => Ok(Self::Null),
                    ("bool", scalar @ Self::Bool(_))
                    | ("int", scalar @ (Self::Int(_) | Self::Uint(_)))
                    | ("float", scalar @ (Self::Float(_) | Self::Int(_))) => Ok(scalar),
                    _ => Err(wrong()),
                }
            }
            // `!!str`, and every tag that go-yaml does not know, keep the text.
            _ => Ok(Self::Text(text)),
        }
    }

    fn untagged(text: Cow<'a, str>) -> Self {
        let Some(&first) = text.as_bytes().first() else { return Self::Null };
        let number = match first {
            b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(&text),
            b'.' => word(&text).or_else(|| fraction(&text).map(Self::Float)),
            b'0'..=b'9' | b'+' | b'-' => word(&text).or_else(|| Self::number(&text)),
            _ => None,
        };
        number.unwrap_or(Self::Text(text))
    }

    fn number(text: &str) -> Option<Self> {
        let digits: Cow<'_, str> =
            if text.contains('_') { text.replace('_', "").into() } else { text.into() };
        integer(&digits).or_else(|| float(&digits).map(Self::Float)).or_else(|| {
            digits.strip_prefix("0b").and_then(|digits| i64::from_str_radix(digits, 2).ok()).map(Self::Int)
        })
    }

    /// As JSON; `Err` for what JSON cannot say.
    pub(super) fn into_value(self) -> Result<Value, &'static str> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Number(value.into()),
            Self::Uint(value) => Value::Number(value.into()),
            Self::Float(value) => Value::Number(
                json_number(value)
                    .ok_or("infinity and not-a-number cannot be said in JSON: quote it if it is text")?,
            ),
            // The scanner's texts have room to grow, more than most are long: a copy is cheaper than to give the room back.
            Self::Text(text) => Value::String((*text).to_owned()),
        })
    }

    /// As a map's key; `Err` for what cannot be one.
    pub(super) fn into_key(self) -> Result<String, &'static str> {
        match self {
            Self::Null => Err("a key must not be null"),
            Self::Bool(value) => Ok(value.to_string()),
            Self::Int(value) => Ok(value.to_string()),
            Self::Uint(_) => Err("an integer over 2^63 cannot be a key: quote it"),
            Self::Float(value) => Ok(float_key(value)),
            Self::Text(text) => Ok((*text).to_owned()),
        }
    }
}

/// A float as JSON says it. Go writes a whole one below 1e21 without a point, so that it reads back as an integer.
pub(super) fn json_number(value: f64) -> Option<Number> {
    let whole = value.fract() == 0.0 && value.abs() < 1e21;
    // Both languages write the fewest digits that tell the float from its neighbours, then zeros.
    let text = whole.then(|| value.to_string());
    let integer = text.as_deref().and_then(|text| {
        text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok()
    });
    integer.or_else(|| Number::from_f64(value))
}

fn word<'a>(text: &str) -> Option<Scalar<'a>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: decimal, `0x`, `0o`, `0b`, and a leading 0 for octal.
fn integer<'a>(text: &str) -> Option<Scalar<'a>> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let prefix = unsigned.get(..2).unwrap_or_default();
    let (radix, digits) = match prefix {
        "0x" | "0X" => (16, unsigned.get(2..)?),
        "0o" | "0O" => (8, unsigned.get(2..)?),
        "0b" | "0B" => (2, unsigned.get(2..)?),
        _ if prefix.starts_with('0') => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // Rust would take a second sign.
    if !digits.as_bytes().first()?.is_ascii_alphanumeric() {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(if negative { -value } else { value })),
        Err(_) if negative => (value == i64::MIN.unsigned_abs()).then_some(Scalar::Int(i64::MIN)),
        // ParseUint takes no sign: such a number becomes a float.
        Err(_) => (!text.starts_with('+')).then_some(Scalar::Uint(value)),
    }
}

/// A number that starts with its point. Go takes `_` between its digits only, unlike in other numbers.
fn fraction(text: &str) -> Option<f64> {
    let joined = |part: &str| part.bytes().next().zip(part.bytes().last());
    let between_digits = text.split('_').collect::<Vec<_>>().windows(2).all(|pair| {
        pair.iter().filter_map(|part| joined(part)).count() == 2
            && pair.first().is_some_and(|left| left.ends_with(|last: char| last.is_ascii_digit()))
            && pair.last().is_some_and(|right| right.starts_with(|first: char| first.is_ascii_digit()))
    });
    if between_digits { float(&text.replace('_', "")) } else { None }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, if it is in a float's range.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let mantissa_is_good = digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_is_good = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !mantissa_is_good || !exponent_is_good {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Go's `FormatFloat(value, 'g', -1, 32)`: how sigs.k8s.io/yaml makes a key of a float.
fn float_key(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation)]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Enough of a timestamp's looks (`2006-1-2…`); it stays text in any case.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().take(4).filter(|byte| byte.is_ascii_digit()).count() == 4
        && bytes.get(4) == Some(&b'-')
        && bytes.get(5).is_some_and(u8::is_ascii_digit)
}

/// Standard base64 with padding, line breaks ignored, of UTF-8 text: JSON cannot hold anything else.
fn base64(text: &str) -> Result<String, String> {
    let invalid = || "this !!binary value is not base64".to_owned();
    let symbols: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    if !symbols.len().is_multiple_of(4) {
        return Err(invalid());
    }
    let padding = symbols.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for symbol in symbols.iter().take(symbols.len() - padding) {
        let sextet = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(invalid()),
        };
        buffer = (buffer << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            // The eight bits above those kept for the next byte.
            bytes.push(((buffer >> bits) & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        "this !!binary value is not text, and JSON holds nothing else: drop the tag to keep the base64"
            .to_owned()
    })
}
