//! Credentials for Amazon's registries, by `GetAuthorizationToken`.

use async_trait::async_trait;
use aws_sdk_ecr::Client;
use aws_sdk_ecr::config::Region;
use aws_sdk_ecr::error::{ProvideErrorMetadata, SdkError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};

use super::{Credential, Credentials};

/// Credentials for hosts like `<account>.dkr.ecr.<region>.amazonaws.com`; for others it has none.
///
/// A token lasts 12 hours, and says so: it is kept by who asked, as [`Credentials::find`] has it, and not here. It opens every registry that the
/// caller of AWS may use, whichever account's; the region is the host's.
///
/// The [`Client`] is the caller's, with its own credentials, HTTP client and retries. To have one TLS stack, without the SDK's defaults:
///
/// ```text
/// aws-config = { version = "1", default-features = false, features = ["rt-tokio"] }
/// aws-sdk-ecr = { version = "1", default-features = false, features = ["rt-tokio"] }
/// aws-smithy-http-client = { version = "1", default-features = false, features = ["default-client", "rt-tokio", "rustls-ring"] }
/// ```
#[derive(Clone, Debug)]
pub struct EcrCredentials {
    client: Client,
}

impl EcrCredentials {
    /// Asks with `client`. Of its configuration the region is replaced by the one in a host.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn client(&self, region: &str) -> Client {
        let config = self.client.config();
        if config.region().map(Region::as_ref) == Some(region) {
            return self.client.clone();
        }
        Client::from_conf(config.to_builder().region(Region::new(region.to_owned())).build())
    }
}

#[async_trait]
impl Credentials for EcrCredentials {
    fn describe(&self) -> String {
        "Amazon ECR".to_owned()
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        let Some(region) = region(host) else { return Ok(None) };
        let on = |error: Error| error.during("get authorization token").on(host);
        let answer = self.client(region).get_authorization_token().send().await;
        let answer = answer.map_err(|error| on(explain(error)))?;
        let broken = |what: &str| on(Error::new(ErrorKind::Internal, what));
        let data = answer
            .authorization_data()
            .first()
            .ok_or_else(|| broken("Amazon ECR answered without a token"))?;
        let token = data.authorization_token().and_then(|token| STANDARD.decode(token).ok());
        let token = token.and_then(|token| String::from_utf8(token).ok());
        let (user, password) = token
            .as_deref()
            .and_then(|token| token.split_once(':'))
            .ok_or_else(|| broken("Amazon ECR's token is not base64 of a user and a password"))?;
        let credential = Credential::basic(user, password);
        Ok(Some(match data.expires_at() {
            Some(at) => credential.expires(Timestamp::from_unix_seconds(at.secs())),
            None => credential,
        }))
    }
}

/// The region in `<account>.dkr.ecr[-fips].<region>.amazonaws.com[.cn]`, and in `<account>.dkr-ecr[-fips].<region>.on.aws`.
fn region(host: &str) -> Option<&str> {
    let (account, rest) = host.split_once('.')?;
    let rest = match host {
        _ if rest.ends_with(".on.aws") => {
            let rest = rest.strip_suffix(".on.aws")?;
            rest.strip_prefix("dkr-ecr.").or_else(|| rest.strip_prefix("dkr-ecr-fips."))?
        }
        _ => {
            let rest =
                rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
            rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr.ecr-fips."))?
        }
    };
    let account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (account && !rest.is_empty() && rest.bytes().all(allowed)).then_some(rest)
}

fn explain<E>(error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let said = |error: &E| {
        let text = error.message().or(error.code()).unwrap_or("no reason given");
        text.chars().filter(|c| !c.is_control()).take(300).collect::<String>()
    };
    match &error {
        SdkError::ServiceError(refused) => {
            let kind = match refused.err().code().unwrap_or_default() {
                "AccessDeniedException" | "AccessDenied" => ErrorKind::Forbidden,
                "ThrottlingException" | "ServerException" | "InternalFailure" => ErrorKind::Unavailable,
                _ if refused.raw().status().is_server_error() => ErrorKind::Unavailable,
                _ => ErrorKind::Unauthorized,
            };
            Error::new(kind, format!("AWS refused: {}", said(refused.err())))
                .help("is ecr:GetAuthorizationToken allowed?")
        }
        SdkError::TimeoutError(_) => {
            Error::new(ErrorKind::Timeout, "AWS did not answer in time").source(error)
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            Error::new(ErrorKind::Timeout, "AWS did not answer in time").source(error)
        }
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            Error::new(ErrorKind::Unavailable, "AWS cannot be reached").source(error)
        }
        SdkError::ResponseError(_) => {
            Error::new(ErrorKind::Internal, "AWS answered with what is not an answer").source(error)
        }
        // Of what comes before a request, nearly all is credentials that are not found.
        _ => Error::new(ErrorKind::Unauthorized, "no request to AWS could be made")
            .help("are there credentials for AWS, and are they valid?")
            .source(error),
    }
}

#[cfg(test)]
mod tests;
