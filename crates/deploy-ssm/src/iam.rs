//! What has to be allowed: the least policies for who deploys, and for the node.
//!
//! Replace what stands in capitals: `REGION`, `ACCOUNT`, `INSTANCE`, `BUCKET`, `PREFIX` and so on. No action has a wildcard. Resources
//! have one (`*`) only for actions for which IAM knows no resources.
//!
//! A node that is not of EC2 is `arn:aws:ssm:REGION:ACCOUNT:managed-instance/mi-…` in place of the instance. For nodes by their tags it is
//! `…:instance/*`, with `"Condition": {"StringEquals": {"ssm:resourceTag/NAME": "VALUE"}}` on that resource in a statement of its own.
//!
//! **The node** needs AWS's managed policy `AmazonSSMManagedInstanceCore` on its instance role, which lets the agent fetch commands, and
//! nothing more: packages come, and progress goes, through presigned URLs. Only where it is to fetch them by its own role does it need
//! [`NODE_S3`].
//!
//! ```
//! let policy: serde_json::Value = serde_json::from_str(deploy_ssm::iam::NODE_S3)?;
//! assert_eq!(policy["Statement"][0]["Action"][0], "s3:GetObject");
//! # Ok::<(), serde_json::Error>(())
//! ```

/// Deploying, with packages that travel in the command: no S3 at all.
///
#[doc = concat!("```json\n", include_str!("../iam/caller-inline.json"), "```")]
pub const CALLER_INLINE: &str = include_str!("../iam/caller-inline.json");

/// Deploying through a bucket that is there. URLs that are presigned allow what their signer may do, so the node's part of it is in here.
///
#[doc = concat!("```json\n", include_str!("../iam/caller-bucket.json"), "```")]
pub const CALLER_BUCKET: &str = include_str!("../iam/caller-bucket.json");

/// Deploying through a bucket that is made for each deployment, whose name begins with `deploy-ssm-`, and sweeping those that were left. That beginning is
/// this crate's: a bucket without tags that is called `deploy-ssm-` and a deployment's id is swept, too.
///
#[doc = concat!("```json\n", include_str!("../iam/caller-temporary-bucket.json"), "```")]
pub const CALLER_TEMPORARY_BUCKET: &str = include_str!("../iam/caller-temporary-bucket.json");

/// Finding nodes by wildcards in EC2's tags (feature `ec2`), beside one of the above.
///
#[doc = concat!("```json\n", include_str!("../iam/caller-ec2.json"), "```")]
pub const CALLER_EC2: &str = include_str!("../iam/caller-ec2.json");

/// [`ParameterStore`](crate::ParameterStore). The second statement is for secure parameters with a key of one's own; of those with the account's key for SSM
/// its key policy has it already.
///
#[doc = concat!("```json\n", include_str!("../iam/parameters.json"), "```")]
pub const PARAMETERS: &str = include_str!("../iam/parameters.json");

/// [`S3Lock`](crate::S3Lock). Without `s3:ListBucket` S3 answers 403 for an object that is not there.
///
#[doc = concat!("```json\n", include_str!("../iam/lock.json"), "```")]
pub const LOCK: &str = include_str!("../iam/lock.json");

/// The instance's role, where it fetches packages by itself (`s3://…`), beside AWS's own policy `AmazonSSMManagedInstanceCore`.
///
#[doc = concat!("```json\n", include_str!("../iam/node-s3.json"), "```")]
pub const NODE_S3: &str = include_str!("../iam/node-s3.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::aws::operation::{self, command};

    const ALL: [&str; 7] =
        [CALLER_INLINE, CALLER_BUCKET, CALLER_TEMPORARY_BUCKET, CALLER_EC2, PARAMETERS, LOCK, NODE_S3];

    fn statements(policy: &str) -> Vec<Value> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        policy["Statement"].as_array().unwrap().clone()
    }

    fn actions(statement: &Value) -> Vec<String> {
        assert_eq!(statement["Effect"], "Allow");
        serde_json::from_value(statement["Action"].clone()).unwrap()
    }

    #[test]
    fn every_operation_is_allowed_and_nothing_else() {
        let of = |policy: &&str| statements(policy).iter().flat_map(actions).collect::<Vec<_>>();
        let allowed: BTreeSet<String> = ALL.iter().flat_map(of).collect();
        let operations = operation::ALL.iter().chain(command::ALL);
        let mut needed: BTreeSet<String> =
            operations.flat_map(|operation| operation.actions).map(|action| (*action).to_owned()).collect();
        // What Parameter Store does with the caller's rights.
        needed.extend(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"].map(str::to_owned));
        assert_eq!(allowed, needed);
    }

    #[test]
    fn buckets_are_named_as_they_are_made() {
        let begins = format!("arn:aws:s3:::{}", crate::target::BUCKETS);
        let on_buckets = statements(CALLER_TEMPORARY_BUCKET)
            .into_iter()
            .filter_map(|statement| statement["Resource"].as_str().map(str::to_owned))
            .filter(|resource| resource.starts_with("arn:aws:s3"));
        assert_eq!(on_buckets.collect::<Vec<_>>(), [format!("{begins}*"), format!("{begins}*/*")]);
    }

    #[test]
    fn wildcards_stand_where_iam_knows_no_resources_only() {
        let without_resources = [
            "ssm:CancelCommand",
            "ssm:DescribeInstanceInformation",
            "ssm:GetCommandInvocation",
            "ssm:ListCommands",
            "ec2:DescribeInstances",
            "s3:ListAllMyBuckets",
        ];
        for statement in ALL.iter().flat_map(|policy| statements(policy)) {
            let everywhere = statement["Resource"] == "*";
            for action in actions(&statement) {
                assert!(!action.contains('*'), "{action}");
                assert_eq!(everywhere, without_resources.contains(&action.as_str()), "{action}");
            }
        }
    }

    #[test]
    fn each_part_has_what_it_calls() {
        let check = |policy: &str, operations: &[&operation::Operation]| {
            let allowed: Vec<_> = statements(policy).iter().flat_map(actions).collect();
            for action in operations.iter().flat_map(|operation| operation.actions) {
                assert!(allowed.iter().any(|allowed| allowed == action), "{action}");
            }
        };
        let commands: Vec<_> =
            command::ALL.iter().copied().filter(|one| **one != command::FIND_EC2).collect();
        for policy in [CALLER_INLINE, CALLER_BUCKET, CALLER_TEMPORARY_BUCKET] {
            check(policy, &commands);
        }
        let objects = [
            &operation::PUT_OBJECT,
            &operation::PUT_TAGGED,
            &operation::GET_OBJECT,
            &operation::HEAD_OBJECT,
            &operation::LIST_OBJECTS,
            &operation::DELETE_OBJECT,
            &operation::DELETE_OBJECTS,
        ];
        check(CALLER_BUCKET, &objects);
        check(CALLER_TEMPORARY_BUCKET, &objects);
        check(
            CALLER_TEMPORARY_BUCKET,
            &[
                &operation::CREATE_BUCKET,
                &operation::TAG_BUCKET,
                &operation::BLOCK_PUBLIC,
                &operation::EXPIRE,
                &operation::BUCKET_TAGS,
                &operation::LIST_BUCKETS,
                &operation::DELETE_BUCKET,
            ],
        );
        check(LOCK, &[&operation::GET_OBJECT, &operation::PUT_OBJECT_IF, &operation::LIST_OBJECTS]);
        check(CALLER_EC2, &[&command::FIND_EC2]);
    }
}
