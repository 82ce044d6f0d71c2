//! What metrics say: a query to Prometheus ([`QueryCheck`]), or a metric as the program itself exposes it ([`MetricCheck`]).
//!
//! Both ask over HTTP, and take an [`HttpCheckBuilder`](crate::http::HttpCheckBuilder) for how: through a port-forward, with a secret header.
//!
//! ```no_run
//! # async fn example(connect: std::sync::Arc<dyn deploy_core::connect::Connect>) -> deploy_core::error::Result<()> {
//! use std::time::Duration;
//! use deploy_core::guard::{Check, Subject};
//! use deploy_core::manifest::ObjectId;
//! use deploy_verify::http::HttpCheck;
//! use deploy_verify::metrics::{MetricCheck, QueryCheck};
//!
//! let prometheus = HttpCheck::get("http://prometheus.monitoring:9090");
//! let errors = QueryCheck::new(prometheus, r#"sum(rate(http_requests_total{code=~"5.."}[5m]))"#, "< 0.1".parse()?)?;
//!
//! let service = ObjectId::new("", "Service", Some("shop"), "api");
//! let exposed = HttpCheck::get("http://api/metrics").through(connect, service, 8080);
//! let failed = MetricCheck::new(exposed, r#"http_requests_total{code="500"}"#.parse()?, "== 0".parse()?)?
//!     .increase_over(Duration::from_secs(30))
//!     .absent_is(0.0);
//! println!("{:?} {:?}", errors.check(&Subject::new("production")).await?, failed.check(&Subject::new("production")).await?);
//! # Ok(())
//! # }
//! ```

mod comparison;
mod exposition;
mod line;
mod query;
mod selector;
#[cfg(test)]
mod tests;

pub use comparison::Comparison;
pub use exposition::{Sample, samples};
pub use line::MetricCheck;
pub use query::QueryCheck;
pub use selector::Selector;
