//! Buckets that are made for a while, where making them is interrupted.

use std::sync::{Arc, Mutex};

use deploy_core::error::ErrorKind;
use deploy_ssm::aws::{Bucket, Temporary};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};

use crate::server::{Fault, Handler, Server};
use crate::stores::builder;

/// Does nothing, successfully, and notes what was asked.
#[derive(Clone, Default)]
struct Willing(Arc<Mutex<Vec<String>>>);

impl Handler for Willing {
    fn name(&self, request: &Request<Incoming>) -> String {
        let query = request.uri().query().unwrap_or_default();
        format!("{} {}", request.method(), query.split(['=', '&']).next().unwrap_or_default())
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.0.lock().unwrap().push(self.name(&request));
        Response::new(Full::default())
    }
}

fn refusal(status: u16, code: &str) -> Fault {
    let xml = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    Fault::Answer(status, vec![("content-type", "application/xml".to_owned())], xml)
}

/// What is asked of S3 where creating goes wrong like this, time after time.
async fn asked(faults: Vec<Fault>) -> (Result<(), ErrorKind>, Vec<String>) {
    let willing = Willing::default();
    let server = Server::start(willing.clone()).await;
    for fault in faults {
        server.next("PUT ", fault);
    }
    let aws = builder().s3_endpoint(server.url()).tries(1).build().unwrap();
    let bucket = Bucket::new(&aws, "deploy-ssm-20261122-101500-4f1c2d").unwrap();
    let made = bucket.ensure(&Temporary::new().tag("deploy-ssm", "shop")).await;
    let asked = willing.0.lock().unwrap().clone();
    (made.map_err(|error| error.kind()), asked)
}

#[tokio::test]
async fn a_bucket_is_furnished_whoever_made_it() {
    let furnished = ["PUT tagging", "PUT publicAccessBlock", "PUT lifecycle"];
    let check = async |faults: Vec<Fault>, creates: usize| {
        let (made, asked) = asked(faults).await;
        assert_eq!(made, Ok(()));
        let expected = [vec!["PUT "; creates], furnished.to_vec()].concat();
        assert_eq!(asked, expected);
    };
    check(vec![], 1).await;
    // A call before this one had made it.
    check(vec![refusal(409, "BucketAlreadyOwnedByYou")], 0).await;
    // The answer was lost: it is there, or is not.
    check(vec![Fault::Lost, refusal(409, "BucketAlreadyOwnedByYou")], 1).await;
    check(vec![Fault::Broken], 1).await;
}

#[tokio::test]
async fn a_bucket_that_cannot_be_made() {
    let check = async |faults: Vec<Fault>, expect: ErrorKind| {
        let (made, asked) = asked(faults).await;
        assert_eq!((made, asked), (Err(expect), Vec::new()));
    };
    check(vec![refusal(403, "AccessDenied")], ErrorKind::Forbidden).await;
    check(vec![Fault::Broken, Fault::Broken], ErrorKind::OutcomeUnknown).await;
}
