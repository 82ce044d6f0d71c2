//! A body, as far as it is needed.

use std::time::Duration;

use deploy_core::error::{Error, Result};
use reqwest::Response;

use super::failure;

/// How much of a body that is not looked at is shown, in bytes.
const EXCERPT: usize = 16 * 1024;

/// How long that is waited for.
const EXCERPT_PATIENCE: Duration = Duration::from_secs(1);

/// All of it, up to `most` bytes.
pub(super) async fn whole(mut response: Response, most: usize, host: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|source| failure::explain(source, host))? {
        if body.len() + chunk.len() > most {
            return Err(Error::invalid(format!("{host} answered with a body of more than {most} bytes"))
                .help("allow more, or do not look at the body"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The beginning, for people: whatever comes soon.
pub(super) async fn excerpt(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() >= EXCERPT {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(EXCERPT_PATIENCE, reading).await;
    body.truncate(EXCERPT);
    body
}
