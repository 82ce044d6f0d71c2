//! Parameters and their history, read.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::ParameterType;
use deploy_core::error::{Error, ErrorKind, Result};

use super::ParameterStore;
use super::edits::{Kind, Stored, on};
use super::log::Past;
use crate::aws::{failed, operation as op};

/// How many parameters AWS reads at once.
const AT_ONCE: usize = 10;
/// How many versions there can be, with room: AWS keeps 100.
const MOST_VERSIONS: usize = 1000;

impl ParameterStore {
    /// The parameters of these names, in their order.
    pub(super) async fn read(&self, names: &[String]) -> Result<Vec<Option<Stored>>> {
        let mut distinct: Vec<&String> = names.iter().collect();
        distinct.sort();
        distinct.dedup();
        let mut found = BTreeMap::new();
        for some in distinct.chunks(AT_ONCE) {
            let request = self.aws.ssm().get_parameters().with_decryption(true);
            let request = request.set_names(Some(some.iter().map(|name| (*name).clone()).collect()));
            let answer = request.send().await.map_err(|error| {
                let several =
                    if some.len() > 1 { format!(" and {} more", some.len() - 1) } else { String::new() };
                failed(error, &op::GET_PARAMETERS, format!("parameter {}{several}", some[0]))
            })?;
            for parameter in answer.parameters() {
                let (Some(name), Some(value)) = (parameter.name(), parameter.value()) else { continue };
                let kind = match parameter.r#type() {
                    Some(ParameterType::SecureString) => Kind::Secure,
                    Some(ParameterType::StringList) => Kind::List,
                    _ => Kind::Text,
                };
                let number = u64::try_from(parameter.version()).unwrap_or_default();
                let at = parameter.last_modified_date().map_or(0, aws_sdk_ssm::primitives::DateTime::secs);
                found.insert(name.to_owned(), Stored { value: value.to_owned(), number, at, kind });
            }
        }
        Ok(names.iter().map(|name| found.get(name).cloned()).collect())
    }

    /// Every version of the parameter that is kept, the oldest first; `None` if there is no parameter.
    pub(super) async fn log(&self, name: &str) -> Result<Option<Vec<Past>>> {
        let mut log = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request =
                self.aws.ssm().get_parameter_history().name(name).with_decryption(true).max_results(50);
            let answer = match request.set_next_token(token.clone()).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    let error = failed(error, &op::PARAMETER_HISTORY, format!("parameter {name}"));
                    return if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) };
                }
            };
            log.extend(answer.parameters().iter().map(|past| Past {
                number: u64::try_from(past.version()).unwrap_or_default(),
                value: past.value().unwrap_or_default().to_owned(),
                at: past.last_modified_date().map_or(0, aws_sdk_ssm::primitives::DateTime::secs),
                description: past.description().map(str::to_owned),
                key: past.key_id().map(str::to_owned),
            }));
            let next = answer.next_token().filter(|next| !next.is_empty()).map(str::to_owned);
            if next.is_none() || next == token {
                break;
            }
            if log.len() > MOST_VERSIONS {
                return Err(on(Error::invalid(format!("it has more than {MOST_VERSIONS} versions")), name));
            }
            token = next;
        }
        // AWS does not say in which order they are.
        log.sort_by_key(|past| past.number);
        Ok((!log.is_empty()).then_some(log))
    }
}
