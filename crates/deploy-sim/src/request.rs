//! A request as the API server understands it: which resource, which verb's options, which body.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};

use crate::schema::protobuf::{self, Unread};
use crate::status::{Cause, Status};
use crate::user::{User, bearer};

/// Larger bodies are refused, as the real server does (3 MiB).
pub(crate) const MAX_BODY: usize = 3 << 20;
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// Parameters of a query, at most; more are not read.
const MAX_QUERY_PAIRS: usize = 50;

/// One request.
#[derive(Clone)]
pub(crate) struct Request {
    /// Who asks; where they show a token, or ask as somebody else, who they are is yet to be found out.
    pub(crate) user: Arc<User>,
    pub(crate) token: Option<String>,
    pub(crate) impersonation: Impersonation,
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) query: Query,
    pub(crate) content_type: String,
    /// Whether discovery is wanted as one document of all groups.
    pub(crate) aggregated: bool,
    pub(crate) accept: String,
    pub(crate) user_agent: String,
    pub(crate) body: Vec<u8>,
    /// What the answer warns of.
    warnings: RefCell<Vec<String>>,
}

/// Without its token and its body: they may be secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {} of {:?})", self.method, self.path, self.user.name)
    }
}

/// What becomes of fields that the kind does not have, and of those that are there twice: they go, and are told or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

/// What a path is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz`
    Health,
    /// A path below `/openapi`.
    OpenApi(String),
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Resources { group: String, version: String },
    /// Objects.
    Objects(Address),
    /// What is none of these, by its first step.
    Nowhere(String),
}

/// One object, or a collection where there is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// # Errors
    /// A path that is no text.
    pub(crate) fn parse(path: &str) -> Result<Self, Status> {
        let decoded: Result<Vec<String>, _> = path
            .trim_matches('/')
            .split('/')
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8().map(String::from))
            .collect();
        let parts = decoded.map_err(|_| Status::bad_request("the path is not UTF-8"))?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => Ok(Self::Version),
            ["healthz" | "livez" | "readyz", ..] => Ok(Self::Health),
            ["openapi", rest @ ..] => Ok(Self::OpenApi(rest.join("/"))),
            ["api"] => Ok(Self::CoreVersions),
            ["apis"] => Ok(Self::Groups),
            ["apis", group] => Ok(Self::Group((*group).to_owned())),
            ["api", version] => Ok(Self::resources("", version)),
            ["apis", group, version] => Ok(Self::resources(group, version)),
            ["api", version, rest @ ..] => Self::objects("", version, rest),
            ["apis", group, version, rest @ ..] => Self::objects(group, version, rest),
            [first, ..] => Ok(Self::Nowhere((*first).to_owned())),
            [] => Ok(Self::Nowhere(String::new())),
        }
    }

    /// Of the one object that a path is about.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Self::Objects(address) = self { address.name.as_deref() } else { None }
    }

    fn resources(group: &str, version: &str) -> Self {
        Self::Resources { group: group.to_owned(), version: version.to_owned() }
    }

    fn objects(group: &str, version: &str, rest: &[&str]) -> Result<Self, Status> {
        let address =
            |namespace: Option<&str>, plural: &str, name: Option<&str>, subresource: Option<&str>| {
                let own = |text: Option<&str>| text.map(str::to_owned);
                Ok(Self::Objects(Address {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    namespace: own(namespace),
                    plural: plural.to_owned(),
                    name: own(name),
                    subresource: own(subresource),
                }))
            };
        match rest {
            [plural] => address(None, plural, None, None),
            // A namespace itself, and its subresources.
            ["namespaces", name] => address(None, "namespaces", Some(name), None),
            ["namespaces", name, sub @ ("status" | "finalize")] => {
                address(None, "namespaces", Some(name), Some(sub))
            }
            ["namespaces", namespace, plural] => address(Some(namespace), plural, None, None),
            ["namespaces", namespace, plural, name] => address(Some(namespace), plural, Some(name), None),
            ["namespaces", namespace, plural, name, sub] => {
                address(Some(namespace), plural, Some(name), Some(sub))
            }
            [plural, name] => address(None, plural, Some(name), None),
            [plural, name, sub] => address(None, plural, Some(name), Some(sub)),
            _ => Ok(Self::Nowhere(version.to_owned())),
        }
    }
}

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

/// As whom a request is to be done, by its `Impersonate-…` headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Impersonation {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl Impersonation {
    fn read(headers: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut found = Self::default();
        for (name, value) in headers {
            match name.as_str().strip_prefix("impersonate-") {
                Some("user") => found.name = text(value),
                Some("uid") => found.uid = text(value),
                Some("group") => found.groups.push(text(value)),
                Some(other) => {
                    if let Some(key) = other.strip_prefix("extra-") {
                        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy().into_owned();
                        found.extra.entry(key).or_default().push(text(value));
                    }
                }
                None => {}
            }
        }
        found
    }
}

impl Request {
    /// Reads what came in.
    ///
    /// # Errors
    /// A path that no API server has; a body that is too large.
    pub(crate) fn read(parts: &http::request::Parts, body: Vec<u8>, user: Arc<User>) -> Result<Self, Status> {
        if body.len() > MAX_BODY {
            let message = format!("Request body is too large: limit is {MAX_BODY}");
            return Err(Status::new(413, "RequestEntityTooLarge", message));
        }
        let header = |name: http::header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let content_type = header(http::header::CONTENT_TYPE);
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (content_type, body) = match content_type.as_str() {
            PROTOBUF if !body.is_empty() => as_json(content_type, body)?,
            _ => (content_type, body),
        };
        let accept = header(http::header::ACCEPT);
        Ok(Self {
            user,
            token: bearer(&parts.headers).map(str::to_owned),
            impersonation: Impersonation::read(&parts.headers),
            path: parts.uri.path().to_owned(),
            method: parts.method.clone(),
            target: Target::parse(parts.uri.path())?,
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            content_type,
            aggregated: accept.contains("as=APIGroupDiscoveryList"),
            accept,
            user_agent: header(http::header::USER_AGENT),
            body,
            warnings: RefCell::default(),
        })
    }

    /// Notes what the answer is to warn of.
    pub(crate) fn warn(&self, warnings: Vec<String>) {
        self.warnings.borrow_mut().extend(warnings);
    }

    /// What the answer warns of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// Who writes: `fieldManager`, else the start of the user agent, as the real server has it.
    pub(crate) fn manager(&self) -> String {
        let agent = || self.user_agent.split('/').next().filter(|agent| !agent.is_empty());
        self.query.text("fieldManager").or_else(agent).unwrap_or("unknown").to_owned()
    }

    /// # Errors
    /// A value of `dryRun` that is not known.
    pub(crate) fn dry_run(&self) -> Result<bool, Status> {
        match self.query.text("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => {
                let cause = Cause::unsupported("dryRun", &serde_json::json!([other]), &["All"]);
                Err(Status::bad_options(self.options(), cause))
            }
        }
    }

    /// # Errors
    /// A value of `fieldValidation` that is not known.
    pub(crate) fn validation(&self) -> Result<Validation, Status> {
        match self.query.text("fieldValidation") {
            None | Some("Warn") => Ok(Validation::Warn),
            Some("Strict") => Ok(Validation::Strict),
            Some("Ignore") => Ok(Validation::Ignore),
            Some(other) => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                let cause = Cause::unsupported("fieldValidation", &other.into(), &supported);
                Err(Status::bad_options(self.options(), cause))
            }
        }
    }

    /// The kind of the options that this verb takes.
    fn options(&self) -> &'static str {
        match self.method.as_str() {
            "POST" => "CreateOptions",
            "PUT" => "UpdateOptions",
            "DELETE" => "DeleteOptions",
            _ => "PatchOptions",
        }
    }
}

/// A body as typed Go clients send it, in the form that everything else reads; one of a kind that is not known stays what it is.
fn as_json(content_type: String, body: Vec<u8>) -> Result<(String, Vec<u8>), Status> {
    match protobuf::read(&body) {
        Ok(object) => Ok(("application/json".to_owned(), object.to_string().into_bytes())),
        Err(Unread::Unknown) => Ok((content_type, body)),
        Err(Unread::Malformed(why)) => Err(Status::bad_request(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let objects = |path: &str, expect: [&str; 6]| {
            let Target::Objects(address) = Target::parse(path).unwrap() else { panic!("{path}: no objects") };
            let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".into());
            let found = [
                address.group.clone(),
                address.version.clone(),
                text(&address.namespace),
                address.plural.clone(),
                text(&address.name),
                text(&address.subresource),
            ];
            assert_eq!(found, expect, "{path}");
        };
        objects("/api/v1/pods", ["", "v1", "-", "pods", "-", "-"]);
        objects("/api/v1/namespaces", ["", "v1", "-", "namespaces", "-", "-"]);
        objects("/api/v1/namespaces/shop", ["", "v1", "-", "namespaces", "shop", "-"]);
        objects("/api/v1/namespaces/shop/status", ["", "v1", "-", "namespaces", "shop", "status"]);
        objects("/api/v1/namespaces/shop/pods/a/log", ["", "v1", "shop", "pods", "a", "log"]);
        objects("/apis/apps/v1/namespaces/shop/deployments", ["apps", "v1", "shop", "deployments", "-", "-"]);
        objects("/apis/x.io/v1/widgets/a/scale", ["x.io", "v1", "-", "widgets", "a", "scale"]);
        objects("/api/v1/namespaces/shop/configmaps/a%2eb", ["", "v1", "shop", "configmaps", "a.b", "-"]);
        assert_eq!(Target::parse("/apis/apps").unwrap(), Target::Group("apps".into()));
        assert_eq!(Target::parse("/api/v1").unwrap(), Target::resources("", "v1"));
        assert_eq!(Target::parse("/readyz/ping").unwrap(), Target::Health);
        for (path, first) in [("/", ""), ("/nowhere", "nowhere"), ("/api/v1/namespaces/a/b/c/d/e", "v1")] {
            assert_eq!(Target::parse(path).unwrap(), Target::Nowhere(first.into()), "{path}");
        }
        assert!(Target::parse("/api/v1/%ff").is_err());
    }

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
