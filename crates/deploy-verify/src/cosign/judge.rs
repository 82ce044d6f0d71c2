//! From signatures to a verdict. Pure.

use std::collections::BTreeMap;

use deploy_core::image::Reference;
use serde_json::Value;

use super::signed::Claims;
use super::{PublicKey, Signed};
use crate::text::{first, shown};

/// How many signatures an answer tells of.
const SHOWN: usize = 5;

/// What is demanded of the signatures of an image.
///
/// ```
/// use deploy_verify::cosign::{Demand, PublicKey};
///
/// # let pem = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/cosign/p256.pub")).unwrap();
/// let ci = PublicKey::read("ci.pub", &pem)?;
/// let demand = Demand::all_of([ci]).annotation("env", "prod").same_repository(true);
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Demand {
    keys: Vec<PublicKey>,
    all: bool,
    annotations: BTreeMap<String, String>,
    same_repository: bool,
}

impl Demand {
    /// A signature by one of these keys is enough. Without a key none is.
    pub fn any_of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { all: false, ..Self::all_of(keys) }
    }

    /// A signature by each of these keys. Without a key nothing is ever enough.
    pub fn all_of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let keys = keys.into_iter().collect();
        Self { keys, all: true, annotations: BTreeMap::new(), same_repository: false }
    }

    /// Only signatures count that carry this annotation with this value, as `cosign sign -a key=value` writes it.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Whether only signatures count that were made of an image in the same repository (`critical.identity.docker-reference`). A bundle does not
    /// say so, and then never counts; and an image that was copied from elsewhere has those of elsewhere. Default: no.
    #[must_use]
    pub fn same_repository(self, same: bool) -> Self {
        Self { same_repository: same, ..self }
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// What is demanded, for a person.
    pub(super) fn describe(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(ToString::to_string).collect();
        let annotations = self.annotations.iter().map(|(key, value)| format!(" with {key}={value}"));
        format!(
            "signed by {}{}",
            keys.join(if self.all { " and " } else { " or " }),
            annotations.collect::<String>()
        )
    }

    /// Why a signature by one of the keys is not what is demanded.
    fn objection(&self, signed: &Signed, image: &Reference) -> Option<String> {
        let claims = match signed.claims() {
            Ok(claims) => claims,
            Err(why) => return Some(why.to_owned()),
        };
        let mut of_image = claims.iter().filter(|claims| Some(&claims.digest) == image.digest()).peekable();
        if of_image.peek().is_none() {
            return Some("it is of another image".to_owned());
        }
        let mut objections = of_image.map(|claims| self.lacks(claims, image));
        let first = objections.next()?;
        // One subject that has it all is enough.
        if objections.any(|objection| objection.is_none()) { None } else { first }
    }

    fn lacks(&self, claims: &Claims, image: &Reference) -> Option<String> {
        for (key, value) in &self.annotations {
            match claims.annotations.get(key) {
                Some(Value::String(found)) if found == value => {}
                Some(Value::String(found)) => {
                    return Some(format!("{key} is \"{}\", not \"{value}\"", shown(found, 80)));
                }
                Some(_) => return Some(format!("{key} is no text")),
                None => return Some(format!("it has no {key}")),
            }
        }
        if !self.same_repository {
            return None;
        }
        let Some(reference) = &claims.reference else {
            return Some("it does not say for which repository".to_owned());
        };
        let same = reference.parse().is_ok_and(|of: Reference| of.repository() == image.repository());
        (!same).then(|| format!("it is for \"{}\"", shown(reference, 120)))
    }
}

/// What the signatures of an image come to: by [`judge`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    met: bool,
    reason: String,
}

impl Verdict {
    /// Whether they are what is demanded.
    pub fn is_met(&self) -> bool {
        self.met
    }

    /// By whom it is signed; or what is missing.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What these signatures come to for an image, which must have a digest: without one nothing is ever met.
pub fn judge(signed: &[Signed], image: &Reference, demand: &Demand) -> Verdict {
    let mut by = Vec::new();
    let mut missing = Vec::new();
    let mut objections = Vec::new();
    for key in &demand.keys {
        let mut good = None;
        for signature in signed.iter().filter(|signature| signature.is_by(key)) {
            match demand.objection(signature, image) {
                None => {
                    good = Some(format!("{key} ({})", signature.place()));
                    break;
                }
                Some(why) => {
                    objections.push(format!("one by {key} does not count: {why} ({})", signature.place()));
                }
            }
        }
        match good {
            Some(good) => by.push(good),
            None => missing.push(key.to_string()),
        }
    }
    let met = if demand.all { missing.is_empty() && !by.is_empty() } else { !by.is_empty() };
    if met {
        return Verdict { met, reason: format!("signed by {}", by.join(" and ")) };
    }
    let found = match signed.len() {
        0 => "no signature was found".to_owned(),
        1 => "one signature was found".to_owned(),
        count => format!("{count} signatures were found"),
    };
    let missing = match (missing.is_empty(), demand.all) {
        (true, _) => "there is no key to verify one by".to_owned(),
        (false, true) => format!("none that counts is by {}", missing.join(", nor by ")),
        (false, false) => format!("none that counts is by {}", missing.join(" or ")),
    };
    let reasons = [found, missing].into_iter();
    let objections = (!objections.is_empty()).then(|| first(SHOWN, "; ", objections.into_iter()));
    Verdict { met, reason: reasons.chain(objections).collect::<Vec<_>>().join("; ") }
}
