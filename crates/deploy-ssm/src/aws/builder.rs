//! How an [`Aws`] is made.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use deploy_core::error::{Error, Result};
use deploy_core::secret::SecretText;

use super::handle::{Aws, Endpoints};

/// How long one try of a request may take, if nothing else is said.
const REQUEST: Duration = Duration::from_secs(20);
/// How often a request is sent at most, if nothing else is said.
const TRIES: u32 = 6;

/// The SDK's defaults of this day: later ones change with a release of this crate, not with one of the SDK.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Credentials that do not change. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Credentials {
    key_id: String,
    secret_key: SecretText,
    session_token: Option<SecretText>,
}

impl Credentials {
    /// An access key.
    pub fn new(key_id: impl Into<String>, secret_key: SecretText) -> Self {
        Self { key_id: key_id.into(), secret_key, session_token: None }
    }

    /// The token that temporary credentials have.
    #[must_use]
    pub fn session_token(mut self, token: SecretText) -> Self {
        self.session_token = Some(token);
        self
    }
}

/// Says how AWS is reached.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AwsBuilder {
    region: Option<String>,
    profile: Option<String>,
    credentials: Option<Credentials>,
    s3_endpoint: Option<String>,
    ssm_endpoint: Option<String>,
    ec2_endpoint: Option<String>,
    path_style: bool,
    request_timeout: Option<Duration>,
    tries: Option<u32>,
}

impl AwsBuilder {
    /// The region, like `eu-central-1`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile of the shared configuration files; for [`from_environment`](Self::from_environment) only.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Credentials that do not change.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The URL of S3, or of what speaks as it does.
    pub fn s3_endpoint(mut self, url: impl Into<String>) -> Self {
        self.s3_endpoint = Some(url.into());
        self
    }

    /// The URL of SSM, or of what speaks as it does.
    pub fn ssm_endpoint(mut self, url: impl Into<String>) -> Self {
        self.ssm_endpoint = Some(url.into());
        self
    }

    /// The URL of EC2, or of what speaks as it does.
    pub fn ec2_endpoint(mut self, url: impl Into<String>) -> Self {
        self.ec2_endpoint = Some(url.into());
        self
    }

    /// Whether a bucket's name stands in the path of URLs, as most that speak like S3 want it; by default it stands in the host.
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = path_style;
        self
    }

    /// How long one try of a request may take. Default 20 s; all tries of it together take three times that at most.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// How often a request is sent at most, where AWS throttles, fails or does not answer; the waits between grow. Default 6. What must not be done
    /// twice is sent again only where AWS said that it did nothing.
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = Some(tries.max(1));
        self
    }

    /// Of what was given alone: nothing is read from the environment.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) without region or credentials, and with a URL that is none.
    pub fn build(self) -> Result<Aws> {
        if self.profile.is_some() {
            return Err(Error::invalid("a profile is in files: use from_environment"));
        }
        if self.credentials.is_none() {
            return Err(
                Error::invalid("no credentials for AWS are given").help("give some, or use from_environment")
            );
        }
        self.finish(&SdkConfig::builder().behavior_version(behavior()).build())
    }

    /// What is not given comes from where AWS's own tools look: environment variables, the profile (with SSO and programs), a web identity, the
    /// role of the container or the instance. Credentials are fetched when they are needed first, and again before they expire.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) where there is no region.
    pub async fn from_environment(self) -> Result<Aws> {
        let mut loader = aws_config::defaults(behavior()).http_client(http_client());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let config = loader.load().await;
        self.finish(&config)
    }

    /// What was given goes before what `config` has.
    pub(super) fn finish(self, config: &SdkConfig) -> Result<Aws> {
        for url in [&self.s3_endpoint, &self.ssm_endpoint, &self.ec2_endpoint].into_iter().flatten() {
            let uri = url.parse::<http::Uri>().ok();
            let web =
                uri.as_ref().and_then(http::Uri::scheme_str).is_some_and(|scheme| scheme.starts_with("http"));
            if !web {
                return Err(Error::invalid(format!("\"{}\" is no URL of a service", url.escape_default())));
            }
        }
        let mut builder = config.to_builder();
        if config.http_client().is_none() {
            builder.set_http_client(Some(http_client()));
        }
        if config.behavior_version().is_none() {
            builder.set_behavior_version(Some(behavior()));
        }
        if let Some(region) = self.region {
            builder.set_region(Region::new(region));
        }
        if let Some(Credentials { key_id, secret_key, session_token }) = self.credentials {
            let session_token = session_token.map(|token| token.reveal().to_owned());
            let given = aws_credential_types::Credentials::new(
                key_id,
                secret_key.reveal(),
                session_token,
                None,
                "given",
            );
            builder.set_credentials_provider(Some(SharedCredentialsProvider::new(given)));
        }
        let endpoints = Endpoints {
            s3: self.s3_endpoint,
            ssm: self.ssm_endpoint,
            ec2: self.ec2_endpoint,
            path_style: self.path_style,
            request_timeout: self.request_timeout.unwrap_or(REQUEST),
            tries: self.tries.unwrap_or(TRIES),
        };
        Aws::new(builder.build(), endpoints)
    }
}

/// TLS by rustls on ring, as everywhere in this workspace.
fn http_client() -> SharedHttpClient {
    HttpBuilder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}
