//! The parameters of a request.

use crate::status::Status;

/// Parameters of a query, at most; more are not read.
const MAX_QUERY_PAIRS: usize = 50;

/// The parameters after the question mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes()).take(MAX_QUERY_PAIRS);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// Whether it is there, and neither `false` nor `0`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.is_some_and(|(_, value)| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// # Errors
    /// What is no number.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Status> {
        let parse = |text: &str| {
            let shown = serde_json::Value::from(text);
            let why = format!("strconv.ParseInt: parsing {shown}: invalid syntax");
            text.parse().map_err(|_| Status::bad_request(why))
        };
        self.text(name).map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters() {
        let query = Query::parse("labelSelector=a%3Db%2Cc&watch=1&limit=500&force=&x=y&x=z");
        assert_eq!(query.text("labelSelector"), Some("a=b,c"));
        assert!(query.flag("watch") && query.flag("force") && !query.flag("dryRun"));
        assert_eq!(query.integer("limit").unwrap(), Some(500));
        assert!(query.integer("x").is_err());
        assert_eq!(query.text("x"), Some("y"));
    }
}
