//! Parameter Store as a state machine: one operation and its body in, the answer out.
//!
//! It keeps to AWS's rules for names, sizes, versions and errors. Labels, policies, tags and other accounts' parameters there are not; secure
//! values are kept as they are and shown only to who asks for decryption. It has no clock: a change is a second later than the one before, or at the
//! time that it is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How many versions of a parameter are kept; the oldest goes for a new one.
const VERSIONS: usize = 100;
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
/// The longest name, and how deep it may be.
const NAME: usize = 1011;
const LEVELS: usize = 15;

/// A refusal: AWS's type of error, and its message.
pub type Refused = (&'static str, String);

/// The parameters of one account and region.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    all: BTreeMap<String, Vec<Kept>>,
    /// Seconds since 1970.
    now: i64,
}

#[derive(Clone, Debug)]
struct Kept {
    number: u64,
    value: String,
    kind: String,
    key: Option<String>,
    tier: String,
    description: Option<String>,
    at: i64,
}

impl Parameters {
    /// None, on 2026-01-01.
    pub fn new() -> Self {
        Self { all: BTreeMap::new(), now: 1_767_225_600 }
    }

    /// The time of the next change, in seconds since 1970; never earlier than the last.
    pub fn tell_time(&mut self, seconds: i64) {
        self.now = self.now.max(seconds);
    }

    /// Whether it is one of the operations that are answered here.
    pub fn knows(operation: &str) -> bool {
        matches!(
            operation,
            "PutParameter"
                | "GetParameter"
                | "GetParameters"
                | "GetParametersByPath"
                | "GetParameterHistory"
                | "DeleteParameter"
                | "DeleteParameters"
        )
    }

    /// Does `operation`.
    ///
    /// # Errors
    /// What AWS refuses, as AWS does.
    pub fn answer(&mut self, operation: &str, body: &Value) -> Result<Value, Refused> {
        match operation {
            "PutParameter" => self.put(body),
            "GetParameter" => self.get(body),
            "GetParameters" => self.get_several(body),
            "GetParametersByPath" => self.get_by_path(body),
            "GetParameterHistory" => self.history(body),
            "DeleteParameter" => {
                let name = text(body, "Name")?;
                self.all.remove(name).map(|_| json!({})).ok_or_else(|| not_found(name))
            }
            "DeleteParameters" => {
                let (gone, unknown): (Vec<_>, Vec<_>) =
                    names(body)?.into_iter().partition(|name| self.all.remove(name).is_some());
                Ok(json!({"DeletedParameters": gone, "InvalidParameters": unknown}))
            }
            _ => Err(("UnknownOperationException", format!("{operation} is not known here"))),
        }
    }

    fn put(&mut self, body: &Value) -> Result<Value, Refused> {
        let (name, value) = (text(body, "Name")?, text(body, "Value")?);
        check_name(name)?;
        if value.is_empty() {
            return Err(invalid("1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned()));
        }
        let optional = |field: &str| body.get(field).and_then(Value::as_str);
        if optional("Description").is_some_and(|text| text.chars().count() > 1024) {
            return Err(invalid("Member must have length less than or equal to 1024".to_owned()));
        }
        let before = self.all.get(name).and_then(|kept| kept.last());
        if before.is_some() && body.get("Overwrite").and_then(Value::as_bool) != Some(true) {
            return Err((
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.".to_owned(),
            ));
        }
        let kind = match (optional("Type"), before) {
            (Some(kind), _) if !["String", "StringList", "SecureString"].contains(&kind) => {
                return Err((
                    "UnsupportedParameterType",
                    format!("The parameter type {kind} is not supported."),
                ));
            }
            (Some(kind), Some(before)) if before.kind != kind => {
                return Err((
                    "HierarchyTypeMismatchException",
                    format!("You can't change {name} from the type {} to {kind}.", before.kind),
                ));
            }
            (Some(kind), _) => kind.to_owned(),
            (None, Some(before)) => before.kind.clone(),
            (None, None) => {
                return Err(invalid("A parameter type is required when you create a parameter.".to_owned()));
            }
        };
        let tier = optional("Tier").or(before.map(|before| before.tier.as_str())).unwrap_or("Standard");
        if tier == "Standard" && before.is_some_and(|before| before.tier == "Advanced") {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade it.".to_owned(),
            ));
        }
        let limit = if tier == "Standard" { STANDARD_BYTES } else { ADVANCED_BYTES };
        if value.len() > limit {
            return Err(invalid(format!(
                "{tier} tier parameters support a maximum parameter value of {limit} characters."
            )));
        }
        let key = (kind == "SecureString").then(|| optional("KeyId").unwrap_or("alias/aws/ssm").to_owned());
        // What is not said of a new version stays as it was.
        let description = optional("Description")
            .or(before.and_then(|before| before.description.as_deref()))
            .map(str::to_owned);
        let number = before.map_or(1, |before| before.number + 1);
        let answer = json!({"Version": number, "Tier": tier});
        self.now += 1;
        let kept = Kept {
            number,
            value: value.to_owned(),
            kind,
            key,
            tier: tier.to_owned(),
            description,
            at: self.now,
        };
        let versions = self.all.entry(name.to_owned()).or_default();
        versions.push(kept);
        if versions.len() > VERSIONS {
            versions.remove(0);
        }
        Ok(answer)
    }

    fn get(&self, body: &Value) -> Result<Value, Refused> {
        let selector = text(body, "Name")?;
        Ok(json!({"Parameter": self.selected(selector, decrypt(body))?}))
    }

    fn get_several(&self, body: &Value) -> Result<Value, Refused> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for name in names(body)? {
            match self.selected(&name, decrypt(body)) {
                Ok(parameter) => found.push(parameter),
                Err(_) => unknown.push(name),
            }
        }
        Ok(json!({"Parameters": found, "InvalidParameters": unknown}))
    }

    /// One version of a parameter: `NAME`, or `NAME:NUMBER`.
    fn selected(&self, selector: &str, decrypt: bool) -> Result<Value, Refused> {
        let (name, number) = match selector.split_once(':') {
            Some((name, number)) => (name, Some(number)),
            None => (selector, None),
        };
        let versions = self.all.get(name).ok_or_else(|| not_found(name))?;
        let kept = match number {
            None => versions.last(),
            Some(number) => versions.iter().find(|kept| kept.number.to_string() == number),
        };
        kept.map(|kept| shown(name, kept, decrypt)).ok_or_else(|| {
            ("ParameterVersionNotFound", format!("Systems Manager could not find version {selector}."))
        })
    }

    fn get_by_path(&self, body: &Value) -> Result<Value, Refused> {
        let path = text(body, "Path")?;
        if !path.starts_with('/') {
            return Err(invalid("The parameter path must begin with \"/\".".to_owned()));
        }
        let deep = body.get("Recursive").and_then(Value::as_bool) == Some(true);
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let under = self.all.iter().filter_map(|(name, versions)| {
            let rest = name.strip_prefix(&prefix)?;
            (deep || !rest.contains('/')).then(|| shown(name, versions.last()?, decrypt(body)).into())
        });
        page(body, under.collect::<Vec<Option<Value>>>().into_iter().flatten().collect(), 10, "Parameters")
    }

    fn history(&self, body: &Value) -> Result<Value, Refused> {
        let name = text(body, "Name")?;
        let versions = self.all.get(name).ok_or_else(|| not_found(name))?;
        let one = |kept: &Kept| {
            let mut past = shown(name, kept, decrypt(body));
            past["Tier"] = json!(kept.tier);
            past["LastModifiedUser"] = json!("arn:aws:iam::123456789012:user/sim");
            for (field, text) in [("Description", &kept.description), ("KeyId", &kept.key)] {
                if let Some(text) = text {
                    past[field] = json!(text);
                }
            }
            past
        };
        page(body, versions.iter().map(one).collect(), 50, "Parameters")
    }
}

fn shown(name: &str, kept: &Kept, decrypt: bool) -> Value {
    let hidden = kept.kind == "SecureString" && !decrypt;
    json!({
        "Name": name, "Type": kept.kind, "Version": kept.number, "LastModifiedDate": kept.at, "DataType": "text",
        "ARN": format!("arn:aws:ssm:eu-central-1:123456789012:parameter{name}"),
        "Value": if hidden { format!("AQICAHencrypted{}", kept.number) } else { kept.value.clone() },
    })
}

fn page(body: &Value, all: Vec<Value>, most: usize, field: &str) -> Result<Value, Refused> {
    let size = body
        .get("MaxResults")
        .and_then(Value::as_u64)
        .map_or(most, |size| usize::try_from(size).unwrap_or(0));
    if size == 0 || size > most {
        return Err(invalid(format!("MaxResults must be between 1 and {most}")));
    }
    let start = match body.get("NextToken").and_then(Value::as_str) {
        Some(token) => {
            token.parse().map_err(|_| ("InvalidNextToken", "The specified token isn't valid.".to_owned()))?
        }
        None => 0_usize,
    };
    let more = all.len() > start.saturating_add(size);
    let mut answer = json!({field: all.into_iter().skip(start).take(size).collect::<Vec<_>>()});
    if more {
        answer["NextToken"] = json!((start + size).to_string());
    }
    Ok(answer)
}

fn names(body: &Value) -> Result<Vec<String>, Refused> {
    let names: Vec<String> = body
        .get("Names")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    if names.is_empty() || names.len() > 10 || distinct.len() != names.len() {
        return Err(invalid("Member must have 1 to 10 distinct names".to_owned()));
    }
    Ok(names)
}

fn check_name(name: &str) -> Result<(), Refused> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
    let (inner, lower) = (name.trim_start_matches('/'), name.trim_start_matches('/').to_ascii_lowercase());
    if name.split('/').count() > LEVELS + 1 {
        return Err((
            "HierarchyLevelLimitExceededException",
            format!("A hierarchy can have a maximum of {LEVELS} levels."),
        ));
    }
    if inner.is_empty()
        || name.len() > NAME
        || !name.chars().all(allowed)
        || name.contains("//")
        || name.ends_with('/')
    {
        return Err(invalid("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_".to_owned()));
    }
    if lower.starts_with("aws") || lower.starts_with("ssm") {
        return Err(("AccessDeniedException", format!("No access to reserved parameter name: {name}.")));
    }
    if inner.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name.".to_owned()));
    }
    Ok(())
}

fn text<'a>(body: &'a Value, field: &str) -> Result<&'a str, Refused> {
    body.get(field).and_then(Value::as_str).ok_or_else(|| invalid(format!("Value null at '{field}'")))
}

fn decrypt(body: &Value) -> bool {
    body.get("WithDecryption").and_then(Value::as_bool) == Some(true)
}

fn invalid(message: String) -> Refused {
    ("ValidationException", message)
}

fn not_found(name: &str) -> Refused {
    ("ParameterNotFound", format!("The parameter {name} was not found."))
}
