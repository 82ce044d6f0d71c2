//! [`Aws`]: region, credentials, endpoints, and the clients made of them.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use deploy_core::error::{Error, Result};

use super::builder::AwsBuilder;
use super::calls::{Calls, Counter};
use super::once::OnlyRefused;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// All tries of one request together, as a multiple of one try's time.
const ALL_TRIES: u32 = 3;

/// A region of AWS, with credentials. Clones share connections, credentials and the count of calls.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    config: SdkConfig,
    region: String,
    endpoints: Endpoints,
    counter: Counter,
    s3: OnceLock<aws_sdk_s3::Client>,
    s3_once: OnceLock<aws_sdk_s3::Client>,
    s3_to_sign: OnceLock<aws_sdk_s3::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    ssm_once: OnceLock<aws_sdk_ssm::Client>,
}

/// Where services are, if not where AWS has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoints {
    pub(super) s3: Option<String>,
    pub(super) ssm: Option<String>,
    pub(super) ec2: Option<String>,
    pub(super) path_style: bool,
    pub(super) request_timeout: Duration,
    pub(super) tries: u32,
}

impl Aws {
    /// Nothing set: the rest comes from the environment, or is asked for.
    pub fn builder() -> AwsBuilder {
        AwsBuilder::default()
    }

    /// Region, credentials and HTTP client of the SDK's own configuration, for programs that have one.
    /// Retries and timeouts are this crate's.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) without a region.
    pub fn from_sdk_config(config: &SdkConfig) -> Result<Self> {
        AwsBuilder::default().finish(config)
    }

    pub(super) fn new(config: SdkConfig, endpoints: Endpoints) -> Result<Self> {
        let region = config.region().map(|region| region.as_ref().to_owned()).ok_or_else(|| {
            Error::invalid("no region of AWS is given")
                .help("name one, set AWS_REGION, or have one in the profile")
        })?;
        if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Error::invalid(format!("\"{}\" cannot be a region", region.escape_default()))
                .help("regions are called like eu-central-1"));
        }
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(endpoints.request_timeout)
            .operation_timeout(endpoints.request_timeout * ALL_TRIES)
            .build();
        let has_cache = config.identity_cache().is_some();
        let mut builder = config.into_builder();
        if !has_cache {
            // One for all clients: each would ask for credentials by itself.
            builder.set_identity_cache(Some(IdentityCache::lazy().build()));
        }
        let config = builder
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(endpoints.tries))
            .build();
        let counter = Counter::default();
        let (s3, s3_once, s3_to_sign, ssm, ssm_once) = Default::default();
        Ok(Self(Arc::new(Inner {
            config,
            region,
            endpoints,
            counter,
            s3,
            s3_once,
            s3_to_sign,
            ssm,
            ssm_once,
        })))
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// What was sent so far.
    pub fn calls(&self) -> Calls {
        self.0.counter.calls()
    }

    /// For what may be sent twice.
    pub(crate) fn s3(&self) -> &aws_sdk_s3::Client {
        self.0.s3.get_or_init(|| aws_sdk_s3::Client::from_conf(self.s3_config().build()))
    }

    /// For writes on a condition: sent again only where AWS said that it did nothing.
    pub(crate) fn s3_once(&self) -> &aws_sdk_s3::Client {
        let make = || aws_sdk_s3::Client::from_conf(self.s3_config().retry_classifier(OnlyRefused).build());
        self.0.s3_once.get_or_init(make)
    }

    /// For URLs that others send: they are not counted.
    pub(super) fn s3_to_sign(&self) -> &aws_sdk_s3::Client {
        self.0.s3_to_sign.get_or_init(|| aws_sdk_s3::Client::from_conf(self.s3_places().build()))
    }

    /// For what may be sent twice.
    pub(crate) fn ssm(&self) -> &aws_sdk_ssm::Client {
        self.0.ssm.get_or_init(|| aws_sdk_ssm::Client::from_conf(self.ssm_config().build()))
    }

    /// For what does something else when it is done twice (`SendCommand`, `PutParameter`): sent again only where AWS said that it did
    /// nothing.
    pub(crate) fn ssm_once(&self) -> &aws_sdk_ssm::Client {
        let make = || aws_sdk_ssm::Client::from_conf(self.ssm_config().retry_classifier(OnlyRefused).build());
        self.0.ssm_once.get_or_init(make)
    }

    /// Credentials, HTTP client and time, for what is signed by hand.
    #[allow(dead_code, reason = "for the feature ec2")]
    pub(crate) fn sdk(&self) -> &SdkConfig {
        &self.0.config
    }

    /// Where EC2 is, if not where AWS has it.
    #[allow(dead_code, reason = "for the feature ec2")]
    pub(crate) fn ec2_endpoint(&self) -> Option<&str> {
        self.0.endpoints.ec2.as_deref()
    }

    /// How long one try of a request may take.
    #[allow(dead_code, reason = "for the feature ec2")]
    pub(crate) fn request_timeout(&self) -> Duration {
        self.0.endpoints.request_timeout
    }

    /// Counts a request that no client of the SDK sends.
    #[allow(dead_code, reason = "for the feature ec2")]
    pub(crate) fn count(&self, operation: &str) {
        self.0.counter.count(operation);
    }

    fn s3_config(&self) -> aws_sdk_s3::config::Builder {
        self.s3_places().interceptor(self.0.counter.clone())
    }

    fn s3_places(&self) -> aws_sdk_s3::config::Builder {
        let builder = aws_sdk_s3::config::Builder::from(&self.0.config);
        let builder = builder.force_path_style(self.0.endpoints.path_style);
        match &self.0.endpoints.s3 {
            Some(endpoint) => builder.endpoint_url(endpoint),
            None => builder,
        }
    }

    fn ssm_config(&self) -> aws_sdk_ssm::config::Builder {
        let mut builder =
            aws_sdk_ssm::config::Builder::from(&self.0.config).interceptor(self.0.counter.clone());
        if let Some(endpoint) = &self.0.endpoints.ssm {
            builder = builder.endpoint_url(endpoint);
        }
        builder
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.0.region)
            .field("endpoints", &self.0.endpoints)
            .finish_non_exhaustive()
    }
}
