use super::*;
use crate::aws::operation as op;

fn check(refusal: &Refusal<'_>, kind: ErrorKind, text: &str) {
    let error = explain(refusal, &op::GET_OBJECT);
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
}

fn refusal<'a>(status: u16, code: &'a str, message: &'a str) -> Refusal<'a> {
    Refusal { status, code, message, ..Refusal::default() }
}

#[test]
fn who_may_not_do_what() {
    let forbidden = ErrorKind::Forbidden;
    check(
        &refusal(
            400,
            "AccessDeniedException",
            "User: arn:aws:sts::123456789012:assumed-role/ci/run-7 is not authorized to perform: ssm:SendCommand on \
             resource: arn:aws:ec2:eu-central-1:123456789012:instance/i-0abc because no identity-based policy allows \
             the ssm:SendCommand action",
        ),
        forbidden,
        "\"arn:aws:sts::123456789012:assumed-role/ci/run-7\" may not do ssm:SendCommand on \
         arn:aws:ec2:eu-central-1:123456789012:instance/i-0abc (add to the policy {\"Effect\":\"Allow\",\
         \"Action\":\"ssm:SendCommand\",\"Resource\":\"arn:aws:ec2:eu-central-1:123456789012:instance/i-0abc\"})",
    );
    check(
        &refusal(
            403,
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: s3:PutObject on resource: \
             \"arn:aws:s3:::shop/a.tar.gz\" with an explicit deny in a service control policy",
        ),
        forbidden,
        "\"arn:aws:iam::123456789012:user/ci\" may not do s3:PutObject on \"arn:aws:s3:::shop/a.tar.gz\": a policy denies \
         it explicitly (see the policies with Effect Deny, of the organization too)",
    );
    check(
        &refusal(403, "AccessDenied", "Access Denied"),
        forbidden,
        "the caller may not do s3:GetObject (add to the policy {\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\
         \"Resource\":\"arn:…\"})",
    );
    let tagged = explain(&refusal(403, "", ""), &op::PUT_TAGGED).to_string();
    assert!(tagged.contains("\"Action\":[\"s3:PutObject\",\"s3:PutObjectTagging\"]"), "{tagged}");
}

#[test]
fn which_region_it_is_in() {
    let invalid = ErrorKind::InvalidInput;
    let there = "the bucket is in the region eu-west-1 (set the region to eu-west-1)";
    check(&Refusal { region: Some("eu-west-1"), ..refusal(301, "PermanentRedirect", "x") }, invalid, there);
    check(&Refusal { region: Some("eu-west-1"), ..refusal(301, "", "") }, invalid, there);
    let malformed =
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    check(&refusal(400, "AuthorizationHeaderMalformed", malformed), invalid, there);
    let hostile = Refusal { region: Some("x\" y"), ..refusal(301, "PermanentRedirect", "use it") };
    check(
        &hostile,
        invalid,
        "the bucket is in another region: PermanentRedirect: use it (see its region, and set that)",
    );
}

#[test]
fn kinds() {
    let check = |status: u16, code: &str, message: &str, kind: ErrorKind, text: &str| {
        let error = explain(&refusal(status, code, message), &op::GET_OBJECT);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    let unauthorized = ErrorKind::Unauthorized;
    check(400, "ThrottlingException", "Rate exceeded", ErrorKind::Unavailable, "throttles requests");
    check(503, "SlowDown", "Please reduce your request rate", ErrorKind::Unavailable, "throttles");
    check(400, "ExpiredToken", "The provided token has expired.", unauthorized, "have expired (get new");
    check(403, "ExpiredTokenException", "", unauthorized, "have expired");
    check(400, "RequestExpired", "Request has expired.", unauthorized, "have expired");
    check(403, "RequestTimeTooSkewed", "The difference is too large", unauthorized, "clock is not AWS's");
    check(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated…",
        unauthorized,
        "the secret key",
    );
    check(
        400,
        "InvalidSignatureException",
        "Signature expired: 20261122T100000Z is now earlier than 20261122T110000Z",
        unauthorized,
        "clock",
    );
    check(
        400,
        "UnrecognizedClientException",
        "The security token is invalid",
        unauthorized,
        "belong together",
    );
    check(404, "NoSuchBucket", "The specified bucket does not exist", ErrorKind::NotFound, "no such bucket");
    check(404, "NoSuchKey", "", ErrorKind::NotFound, "there is none");
    check(409, "BucketAlreadyExists", "", ErrorKind::AlreadyExists, "another account");
    check(412, "", "", ErrorKind::Conflict, "not what it was");
    check(409, "ConditionalRequestConflict", "", ErrorKind::Conflict, "not what it was");
    check(400, "InvalidInstanceId", "i-1", ErrorKind::NotFound, "Online");
    check(400, "ValidationException", "no\nsuch", ErrorKind::InvalidInput, "ValidationException: no such");
    check(500, "InternalError", "", ErrorKind::Unavailable, "AWS failed: InternalError");
    check(501, "NotImplemented", "", ErrorKind::Unsupported, "cannot do that");
    check(599, "", "", ErrorKind::Unavailable, "status 599");
}

#[test]
fn a_failure_after_the_deed_may_have_done_it() {
    let check = |status: u16, code: &str, kind: ErrorKind| {
        let error = explain(&refusal(status, code, ""), &op::PUT_PARAMETER);
        assert_eq!(error.kind(), kind, "{error}");
    };
    check(500, "InternalServerError", ErrorKind::OutcomeUnknown);
    check(503, "ServiceUnavailable", ErrorKind::Unavailable);
    check(400, "ThrottlingException", ErrorKind::Unavailable);
}

#[test]
fn a_wait_that_was_asked_for_is_kept() {
    let after = Some(Duration::from_secs(7));
    let error = explain(&Refusal { retry_after: after, ..refusal(503, "SlowDown", "") }, &op::GET_OBJECT);
    assert_eq!(error.retry(), Retry::Later { after });
}
