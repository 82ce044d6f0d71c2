//! The text of a config file, and what it says of a host.
//!
//! serde_json quotes what it does not like, which may be a secret: its own words are never shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use deploy_core::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::credentials::{Credential, host};

/// Go refuses a text without padding; other tools write it so.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What of a key is shown in an error, in characters.
const SHOWN: usize = 100;

/// A config file. Entries stay as they are until one is asked for: a broken one is no concern of other hosts.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    auths: Option<BTreeMap<String, Value>>,
    #[serde(rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl Config {
    /// `config.json`, `auth.json`, `.dockerconfigjson`. Nothing at all is a file without entries.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|error| wrong(&error))
    }

    /// `.dockercfg`: the entries alone.
    pub(super) fn parse_entries(bytes: &[u8]) -> Result<Self> {
        let auths = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        Ok(Self { auths: Some(auths), ..Self::default() })
    }

    /// Without the programs that it names.
    pub(super) fn without_helpers(self) -> Self {
        Self { auths: self.auths, ..Self::default() }
    }

    /// The credential helper for `host`.
    pub(super) fn helper(&self, host: &str) -> Option<&str> {
        let named = by_host(self.helpers.as_ref(), host).map(|(_, name)| name);
        named.or(self.store.as_ref()).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// What `auths` has for `host`.
    pub(super) fn entry(&self, host: &str) -> Result<Option<Credential>> {
        by_host(self.auths.as_ref(), host).map_or(Ok(None), |(key, entry)| read(key, entry))
    }

    /// The same as the kubelet reads it, with wildcards; the key without any goes first.
    pub(super) fn entry_for_pulls(&self, host: &str) -> Result<Option<Credential>> {
        if let Some(found) = self.entry(host)? {
            return Ok(Some(found));
        }
        let mut patterns = self.auths.iter().flatten();
        let found = patterns.find(|(key, _)| host::of_key(key).is_some_and(|key| host::matches(&key, host)));
        found.map_or(Ok(None), |(key, entry)| read(key, entry))
    }
}

/// The entry whose key is the host, else the first whose key means it.
fn by_host<'a, T>(all: Option<&'a BTreeMap<String, T>>, host: &str) -> Option<(&'a str, &'a T)> {
    let all = all?;
    let exact = all.get_key_value(host);
    let found = exact.or_else(|| all.iter().find(|(key, _)| host::of_key(key).as_deref() == Some(host)));
    found.map(|(key, value)| (key.as_str(), value))
}

fn read(key: &str, entry: &Value) -> Result<Option<Credential>> {
    let wrong = |what: &str| {
        let shown: String = key.chars().take(SHOWN).collect();
        Error::invalid(format!("the entry {shown:?} of \"auths\" {what}"))
    };
    if entry.is_null() {
        return Ok(None);
    }
    let entry = Entry::deserialize(entry).map_err(|_| wrong("is not an object of texts"))?;
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(token) = some(entry.registrytoken) {
        return Ok(Some(Credential::bearer(token)));
    }
    if let Some(token) = some(entry.identitytoken) {
        return Ok(Some(Credential::identity_token(token)));
    }
    if let Some(auth) = some(entry.auth) {
        let bytes = BASE64.decode(auth.trim()).map_err(|_| wrong("has an \"auth\" that is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("has an \"auth\" that is not UTF-8"))?;
        let Some((user, password)) = text.split_once(':') else {
            return Err(wrong("has an \"auth\" that is not user:password"));
        };
        // Docker has filled passwords up with NUL.
        return Ok(Some(Credential::basic(user, password.trim_end_matches('\0'))));
    }
    match (some(entry.username), some(entry.password)) {
        (Some(user), Some(password)) => Ok(Some(Credential::basic(user, password))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong("has a \"username\" without a \"password\"")),
        (None, Some(_)) => Err(wrong("has a \"password\" without a \"username\"")),
    }
}

fn wrong(error: &serde_json::Error) -> Error {
    let what = match error.classify() {
        serde_json::error::Category::Data => "it is not a Docker config file",
        _ => "it is not JSON",
    };
    Error::invalid(format!("{what} (line {}, column {})", error.line(), error.column()))
}
