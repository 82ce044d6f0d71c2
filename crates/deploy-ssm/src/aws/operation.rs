//! Every operation of AWS that this crate calls, with what it needs and whether it may be sent twice.

/// One operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its name in AWS's API.
    pub(crate) name: &'static str,
    /// What an error says was being done.
    pub(crate) verb: &'static str,
    /// What a policy has to allow for it.
    pub(crate) actions: &'static [&'static str],
    /// What sending it twice does.
    pub(crate) twice: Twice,
}

/// What sending an operation twice does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twice {
    /// The same as sending it once.
    Same,
    /// Something else: where its answer is lost, nobody knows whether it took effect.
    Differs,
}

macro_rules! operations {
    ($($(#[$meta:meta])* $constant:ident: $name:literal, $verb:literal, [$($action:literal),*], $twice:ident;)+) => {
        $($(#[$meta])* pub(crate) const $constant: Operation =
            Operation { name: $name, verb: $verb, actions: &[$($action),*], twice: Twice::$twice };)+

        /// All of them: the policies in `iam/` are held against it.
        #[cfg(test)]
        pub(crate) const ALL: &[&Operation] = &[$($(#[$meta])* &$constant),+];
    };
}

operations! {
    PUT_OBJECT: "PutObject", "put", ["s3:PutObject"], Same;
    PUT_TAGGED: "PutObject", "put", ["s3:PutObject", "s3:PutObjectTagging"], Same;
    // The condition of a second one no longer holds.
    PUT_OBJECT_IF: "PutObject", "put", ["s3:PutObject"], Differs;
    GET_OBJECT: "GetObject", "get", ["s3:GetObject"], Same;
    HEAD_OBJECT: "HeadObject", "look at", ["s3:GetObject"], Same;
    DELETE_OBJECT: "DeleteObject", "delete", ["s3:DeleteObject"], Same;
    DELETE_OBJECTS: "DeleteObjects", "delete objects in", ["s3:DeleteObject"], Same;
    LIST_OBJECTS: "ListObjectsV2", "list", ["s3:ListBucket"], Same;
    CREATE_BUCKET: "CreateBucket", "create", ["s3:CreateBucket"], Differs;
    TAG_BUCKET: "PutBucketTagging", "tag", ["s3:PutBucketTagging"], Same;
    BLOCK_PUBLIC: "PutPublicAccessBlock", "block public access to", ["s3:PutBucketPublicAccessBlock"], Same;
    EXPIRE: "PutBucketLifecycleConfiguration", "set the lifecycle of", ["s3:PutLifecycleConfiguration"], Same;
    BUCKET_TAGS: "GetBucketTagging", "read the tags of", ["s3:GetBucketTagging"], Same;
    LIST_BUCKETS: "ListBuckets", "list", ["s3:ListAllMyBuckets"], Same;
    DELETE_BUCKET: "DeleteBucket", "delete", ["s3:DeleteBucket"], Same;

    GET_PARAMETERS: "GetParameters", "get", ["ssm:GetParameters"], Same;
    PARAMETER_HISTORY: "GetParameterHistory", "read the history of", ["ssm:GetParameterHistory"], Same;
    PUT_PARAMETER: "PutParameter", "put", ["ssm:PutParameter"], Differs;
    DELETE_PARAMETER: "DeleteParameter", "delete", ["ssm:DeleteParameter"], Same;
}

/// Those of the target and of finding nodes.
pub(crate) mod command {
    use super::{Operation, Twice};

    operations! {
        SEND: "SendCommand", "send", ["ssm:SendCommand"], Differs;
        GET_INVOCATION: "GetCommandInvocation", "look at", ["ssm:GetCommandInvocation"], Same;
        LIST: "ListCommands", "list", ["ssm:ListCommands"], Same;
        CANCEL: "CancelCommand", "cancel", ["ssm:CancelCommand"], Same;
        FIND: "DescribeInstanceInformation", "find", ["ssm:DescribeInstanceInformation"], Same;
        #[cfg(feature = "ec2")]
        FIND_EC2: "DescribeInstances", "find", ["ec2:DescribeInstances"], Same;
    }
}
