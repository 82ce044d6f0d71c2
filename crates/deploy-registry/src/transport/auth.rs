//! What a registry is shown: learned from its challenge, kept for as long as it is good, and replaced once it is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use http::{HeaderValue, StatusCode};
use reqwest::Url;

use super::challenge::{self, Bearer, Challenge};
use super::request::{Access, Request};
use super::token::{self, Token};
use super::{Answer, Budget, Transport, login};
use crate::credentials::{Credential, Credentials, Kind};

/// What is known of all registries.
pub(super) struct Auth {
    credentials: Option<Arc<dyn Credentials>>,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// What is known of one.
#[derive(Default)]
struct Host {
    /// What it asks for; `None` until it asks for something.
    challenge: Mutex<Option<Challenge>>,
    held: tokio::sync::Mutex<Held>,
    /// By scopes. Each is asked for by one request at a time.
    tokens: Mutex<HashMap<Vec<String>, Slot>>,
}

type Slot = Arc<tokio::sync::Mutex<Ticket>>;

/// What requests of the same scopes show.
#[derive(Default)]
struct Ticket {
    token: Option<Token>,
    /// What the registry asked for when it refused such a request: some name their scopes in their own way.
    asked: Vec<String>,
}

/// The credential in use. Its number says whether a refusal was of this one or of one before.
#[derive(Default)]
struct Held {
    number: u64,
    /// Whether it was asked for; what was found may be none.
    is_known: bool,
    credential: Option<Credential>,
}

/// What one request showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) header: Option<HeaderValue>,
    /// The number of the credential that it, or its token, came from.
    credential: Option<u64>,
}

/// How far the answer to challenges has come within one request.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    renewed: bool,
    challenged: bool,
}

/// Tokens of more scopes than these at one host are not kept.
const MAX_TOKENS: usize = 10_000;
/// A credential is replaced this long before it expires.
const MARGIN: Duration = Duration::from_secs(60);

impl Auth {
    pub(super) fn new(credentials: Option<Arc<dyn Credentials>>) -> Self {
        Self { credentials, hosts: Mutex::default() }
    }

    fn host(&self, registry: &str) -> Arc<Host> {
        Arc::clone(locked(&self.hosts).entry(registry.to_owned()).or_default())
    }

    /// What to show with `request`, as far as it is known that anything is wanted.
    pub(super) async fn show(
        &self,
        transport: &Transport,
        budget: &Budget,
        request: &Request,
    ) -> Result<Shown> {
        let Access::Scopes(own) = &request.access else {
            return Ok(Shown { header: token::header_of(request).cloned(), credential: None });
        };
        let host = self.host(&request.registry);
        let challenge = locked(&host.challenge).clone();
        let Some(challenge) = challenge else { return Ok(Shown::default()) };
        let (number, credential) = self.credential(&host, &request.registry, transport.now()).await?;
        let shown =
            |header| Shown { header: Some(header), credential: credential.is_some().then_some(number) };
        match (&challenge, credential.as_ref().map(|credential| &credential.kind)) {
            (_, Some(Kind::Bearer(token))) => Ok(shown(token::bearer(token)?)),
            (Challenge::Basic, Some(Kind::Basic { user, password })) => {
                Ok(shown(token::basic(user, password)?))
            }
            (Challenge::Basic, _) => {
                Err(login::no_password(&request.registry, credential.is_some(), self.credentials.as_deref()))
            }
            (Challenge::Bearer(bearer), _) => {
                let scopes = token::scopes(own, &[]);
                let slot = host.slot(&scopes);
                let mut ticket = slot.lock().await;
                if let Some(token) = ticket.token.as_ref().filter(|token| transport.now() < token.renew) {
                    return Ok(Shown {
                        header: Some(token.header.clone()),
                        credential: credential.map(|_| number),
                    });
                }
                let asked = token::scopes(own, &ticket.asked);
                let (number, token) = self.token(transport, budget, request, bearer, &asked, &host).await?;
                let header = token.header.clone();
                ticket.token = Some(token);
                Ok(Shown { header: Some(header), credential: number })
            }
        }
    }

    /// Whether a refused request is to be sent again, since other credentials may be shown now.
    pub(super) async fn again(
        &self,
        answer: &Answer,
        request: &Request,
        shown: &Shown,
        rounds: &mut Rounds,
    ) -> bool {
        let Access::Scopes(own) = &request.access else { return false };
        let refused = match answer.status {
            StatusCode::UNAUTHORIZED => true,
            // An expired password is forbidden at some registries, not unauthorized.
            StatusCode::FORBIDDEN => shown.credential.is_some(),
            _ => false,
        };
        if !refused {
            return false;
        }
        let asked = challenge::read(&answer.headers);
        if shown.header.is_none() {
            if asked.is_none() || rounds.challenged {
                return false;
            }
            rounds.challenged = true;
        } else {
            if rounds.renewed {
                return false;
            }
            rounds.renewed = true;
        }
        let host = self.host(&request.registry);
        host.forget(shown.credential).await;
        let slot = host.slot(&token::scopes(own, &[]));
        let mut ticket = slot.lock().await;
        // Another request may have replaced it meanwhile.
        if ticket.token.as_ref().is_some_and(|token| Some(&token.header) == shown.header.as_ref()) {
            ticket.token = None;
        }
        if let Some(Challenge::Bearer(bearer)) = &asked {
            ticket.asked.clone_from(&bearer.scopes);
        }
        if asked.is_some() {
            *locked(&host.challenge) = asked;
        }
        true
    }

    /// The credential for a registry, and its number.
    async fn credential(
        &self,
        host: &Host,
        registry: &str,
        now: Timestamp,
    ) -> Result<(u64, Option<Credential>)> {
        let Some(credentials) = &self.credentials else { return Ok((0, None)) };
        let mut held = host.held.lock().await;
        let expires = held.credential.as_ref().and_then(|credential| credential.expires);
        if held.is_known && expires.is_none_or(|expires| now + MARGIN < expires) {
            return Ok((held.number, held.credential.clone()));
        }
        let found = credentials
            .find(registry)
            .await
            .map_err(|error| error.during("find credentials for").on(registry))?;
        held.number += 1;
        held.is_known = true;
        held.credential.clone_from(&found);
        Ok((held.number, found))
    }

    /// A new token; with a new credential, if the one held is refused.
    async fn token(
        &self,
        transport: &Transport,
        budget: &Budget,
        request: &Request,
        bearer: &Bearer,
        scopes: &[String],
        host: &Host,
    ) -> Result<(Option<u64>, Token)> {
        let realm = Url::parse(&bearer.realm).map_err(|source| {
            let message = format!("{} names a token service that is not a URL", request.registry);
            Error::new(ErrorKind::Internal, message).source(source)
        })?;
        let base = transport.url(&request.registry, "/v2/")?;
        if !transport.hosts().may_go(&realm, &base) {
            let message = format!(
                "{} sends credentials to {}, in plain text: refused",
                request.registry,
                super::hosts::shown(&realm)
            );
            return Err(Error::new(ErrorKind::Forbidden, message)
                .help("let its token service be reached over https, or allow plain HTTP for that host"));
        }
        let mut refused: Option<Credential> = None;
        loop {
            let (number, credential) = self.credential(host, &request.registry, transport.now()).await?;
            let service = bearer.service.as_deref();
            let asking = token::request(&request.registry, &realm, service, scopes, credential.as_ref())?;
            let asked = transport.now();
            transport.count_token();
            let told = |error| {
                login::not_given(error, &request.registry, credential.as_ref(), self.credentials.as_deref())
            };
            let answer = Box::pin(transport.send(budget, &asking)).await.map_err(told)?;
            if answer.is_success() {
                return Ok((credential.map(|_| number), token::read(&answer, asked)?));
            }
            let status = answer.status;
            let is_refusal = status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN;
            // The same password again would only be counted as another failed attempt.
            if is_refusal && credential.is_some() && refused.is_none() {
                host.forget(Some(number)).await;
                let (_, new) = self.credential(host, &request.registry, transport.now()).await?;
                if new.is_some() && new != credential {
                    refused = credential;
                    continue;
                }
            }
            return Err(told(answer.refusal()));
        }
    }
}

impl Host {
    fn slot(&self, scopes: &[String]) -> Slot {
        let mut tokens = locked(&self.tokens);
        if tokens.len() >= MAX_TOKENS {
            tokens.clear();
        }
        Arc::clone(tokens.entry(scopes.to_vec()).or_default())
    }

    /// Lets go of a credential that was refused, unless it was replaced already; all tokens came from it.
    async fn forget(&self, number: Option<u64>) {
        let mut held = self.held.lock().await;
        if number == Some(held.number) {
            held.is_known = false;
        }
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
