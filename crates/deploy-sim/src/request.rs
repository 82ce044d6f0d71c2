//! A request as the API server understands it: which resource, which verb's options, which body.

mod impersonation;
mod query;
mod target;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::schema::protobuf::{self, Unread};
use crate::status::{Cause, Status};
use crate::user::{User, bearer};
pub(crate) use impersonation::Impersonation;
pub(crate) use query::Query;
pub(crate) use target::{Address, Target};

/// Larger bodies are refused, as the real server does (3 MiB).
pub(crate) const MAX_BODY: usize = 3 << 20;
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

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
    /// What is wrong with the body; told to nobody but who may ask.
    misread: Option<Status>,
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

impl Request {
    /// Reads what came in. What is wrong with the body is no error yet: see [`Self::check_body`].
    ///
    /// # Errors
    /// A path that no API server has.
    pub(crate) fn read(parts: &http::request::Parts, body: Vec<u8>, user: Arc<User>) -> Result<Self, Status> {
        let header = |name: http::header::HeaderName| {
            parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let content_type = header(http::header::CONTENT_TYPE);
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (content_type, body, misread) = match as_json(content_type, body) {
            Ok((content_type, body)) => (content_type, body, None),
            Err(why) => (String::new(), Vec::new(), Some(why)),
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
            misread,
            warnings: RefCell::default(),
        })
    }

    /// Refuses a body that cannot be read. To be asked once it is known that its sender may do what they ask, as on a real server.
    ///
    /// # Errors
    /// 413 of one that is too large, 400 of one in protobuf that is malformed.
    pub(crate) fn check_body(&self) -> Result<(), Status> {
        self.misread.clone().map_or(Ok(()), Err)
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
    if body.len() > MAX_BODY {
        let message = format!("Request body is too large: limit is {MAX_BODY}");
        return Err(Status::new(413, "RequestEntityTooLarge", message));
    }
    if content_type != PROTOBUF || body.is_empty() {
        return Ok((content_type, body));
    }
    match protobuf::read(&body) {
        Ok(object) => Ok(("application/json".to_owned(), object.to_string().into_bytes())),
        Err(Unread::Unknown) => Ok((content_type, body)),
        Err(Unread::Malformed(why)) => Err(Status::bad_request(why)),
    }
}
