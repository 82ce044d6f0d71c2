//! Defaults as a table: one `PATH = JSON` a line.
//!
//! A step of a path is a field's name, with `?` where an absent parent stays absent, `[]` for each item of a list, and
//! `{field=value}` where the rule holds only for parents that say so. `=` fills in what is absent, null or an empty
//! string, `~` what is zero too: fields that are no pointers in Kubernetes' Go types.

use serde_json::{Map, Value};

pub(super) struct Table(Vec<Rule>);

struct Rule {
    steps: Vec<Step>,
    over_zero: bool,
    value: Value,
}

struct Step {
    name: String,
    optional: bool,
    each: bool,
    when: Option<(String, String)>,
}

impl Table {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(Rule::parse).collect())
    }

    pub(super) fn fill(&self, object: &mut Value) {
        for rule in &self.0 {
            rule.fill(&rule.steps, object);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Rule {
    fn parse(line: &str) -> Option<Self> {
        let (path, rest) = line.trim().split_once(' ')?;
        let (operator, value) = rest.trim_start().split_once(' ')?;
        Some(Self {
            steps: path.split('.').map(Step::parse).collect(),
            over_zero: operator == "~",
            value: serde_json::from_str(value).ok()?,
        })
    }

    fn fill(&self, steps: &[Step], value: &mut Value) {
        let (Some((step, rest)), Value::Object(parent)) = (steps.split_first(), value) else { return };
        if rest.is_empty() {
            if self.is_absent(parent.get(&step.name)) {
                parent.insert(step.name.clone(), self.value.clone());
            }
            return;
        }
        let Some(child) = step.enter(parent) else { return };
        if step.each {
            for item in child.as_array_mut().into_iter().flatten() {
                self.fill_if(step, rest, item);
            }
        } else {
            self.fill_if(step, rest, child);
        }
    }

    fn fill_if(&self, step: &Step, rest: &[Step], value: &mut Value) {
        if step.holds(value) {
            self.fill(rest, value);
        }
    }

    fn is_absent(&self, value: Option<&Value>) -> bool {
        match value {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Number(number)) => self.over_zero && number.as_i64() == Some(0),
            Some(_) => false,
        }
    }
}

impl Step {
    fn parse(text: &str) -> Self {
        let (text, when) = match text.split_once('{') {
            Some((text, when)) => (text, when.strip_suffix('}').and_then(|when| when.split_once('='))),
            None => (text, None),
        };
        let (text, each) = text.strip_suffix("[]").map_or((text, false), |text| (text, true));
        let (name, optional) = text.strip_suffix('?').map_or((text, each), |name| (name, true));
        let when = when.map(|(field, value)| (field.to_owned(), value.to_owned()));
        Self { name: name.to_owned(), optional, each, when }
    }

    fn enter<'a>(&self, parent: &'a mut Map<String, Value>) -> Option<&'a mut Value> {
        if parent.get(&self.name).is_none_or(Value::is_null) {
            if self.optional {
                return None;
            }
            parent.insert(self.name.clone(), Value::Object(Map::new()));
        }
        parent.get_mut(&self.name)
    }

    fn holds(&self, value: &Value) -> bool {
        match &self.when {
            None => true,
            Some((field, expected)) => value.get(field).is_some_and(|value| value.as_str() == Some(expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fills_in_what_is_absent() {
        let check = |rule: &str, object: Value, expected: Value| {
            let mut filled = object;
            Table::parse(rule).fill(&mut filled);
            assert_eq!(filled, expected, "{rule}");
        };
        check("a.b = 1", json!({}), json!({"a": {"b": 1}}));
        check("a.b = 1", json!({"a": {"b": 0}}), json!({"a": {"b": 0}}));
        check("a.b ~ 1", json!({"a": {"b": 0}}), json!({"a": {"b": 1}}));
        check("a.b = \"x\"", json!({"a": {"b": ""}}), json!({"a": {"b": "x"}}));
        check("a.b = 1", json!({"a": null}), json!({"a": {"b": 1}}));
        check("a.b = 1", json!({"a": "not an object"}), json!({"a": "not an object"}));
        check("a?.b = 1", json!({}), json!({}));
        check("a?.b = 1", json!({"a": {}}), json!({"a": {"b": 1}}));
        check("a[].b = 1", json!({"a": [{}, {"b": 2}, 3]}), json!({"a": [{"b": 1}, {"b": 2}, 3]}));
        check("a{t=x}.b = 1", json!({"a": {"t": "y"}}), json!({"a": {"t": "y"}}));
        check("a[]{t=x}.b = [{}]", json!({"a": [{"t": "x"}]}), json!({"a": [{"t": "x", "b": [{}]}]}));
    }
}
