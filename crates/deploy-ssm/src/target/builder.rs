//! What an [`SsmK3s`] is told before it deploys.

use std::time::Duration;

use deploy_core::error::{Error, Result};
use deploy_core::lock::check_name;

use super::SsmK3s;
use super::staging::Through;
use crate::aws::Aws;
use crate::bundle::ClusterScoped;
use crate::instance::Instances;
use crate::node::Validate;

/// The document whose plugin runs our lines with `sh`.
const DOCUMENT: &str = "AWS-RunShellScript";

/// How the node works: what its script is told.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) state_dir: String,
    pub(crate) kubectl: String,
    pub(crate) kubeconfig: String,
    pub(crate) validate: Validate,
    pub(crate) request_timeout: Duration,
    pub(crate) field_manager: String,
    pub(crate) force_conflicts: bool,
    pub(crate) prune: bool,
    pub(crate) keep: u32,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/deploy-ssm".to_owned(),
            kubectl: String::new(),
            kubeconfig: String::new(),
            validate: Validate::default(),
            request_timeout: Duration::from_secs(60),
            field_manager: "deploy-ssm".to_owned(),
            force_conflicts: false,
            prune: false,
            keep: 5,
        }
    }
}

/// Builds an [`SsmK3s`].
#[derive(Clone, Debug)]
#[must_use]
pub struct SsmK3sBuilder {
    pub(super) aws: Aws,
    pub(super) app: String,
    pub(super) instances: Instances,
    pub(super) through: Through,
    pub(super) instance_role: bool,
    pub(super) document: String,
    pub(super) cluster_scoped: ClusterScoped,
    pub(super) ways: Ways,
}

impl SsmK3sBuilder {
    pub(super) fn new(aws: &Aws, app: String, instances: Instances) -> Self {
        Self {
            aws: aws.clone(),
            app,
            instances,
            through: Through::default(),
            instance_role: false,
            document: DOCUMENT.to_owned(),
            cluster_scoped: ClusterScoped::default(),
            ways: Ways::default(),
        }
    }

    /// Uses a bucket that is there, with `prefix/APP/ID/` for each deployment: for packages that are large or hold Secrets, and for the node's
    /// progress, result and whole log. Give it a lifecycle rule that expires old objects. Default: none; all goes through the command, which
    /// shows in its history, is at most 48 KB, and tells nothing before it ends.
    pub fn bucket(mut self, name: impl Into<String>, prefix: impl Into<String>) -> Self {
        self.through = Through::Bucket { name: name.into(), prefix: prefix.into() };
        self
    }

    /// Makes a bucket for each deployment, tagged, closed to the public, and deletes it afterwards. A caller that dies leaves it to
    /// [`SsmK3s::sweep`]; a bucket of your own leaves nothing. It is called `deploy-ssm-` and the deployment's id.
    pub fn temporary_bucket(mut self) -> Self {
        self.through = Through::TemporaryBucket;
        self
    }

    /// Has the node fetch the package with the AWS CLI and its instance's role, which then may read it. Default: a presigned address, for
    /// which the node needs no rights and no CLI.
    pub fn instance_role(mut self, instance_role: bool) -> Self {
        self.instance_role = instance_role;
        self
    }

    /// Sends another document than `AWS-RunShellScript`, one with the same parameters.
    pub fn document(mut self, document: impl Into<String>) -> Self {
        self.document = document.into();
        self
    }

    /// Says that a kind that is not Kubernetes' own has no namespace, as in `("cert-manager.io", "ClusterIssuer")`. One whose definition is in
    /// the bundle need not be named; all others are given the bundle's namespace.
    pub fn cluster_scoped(mut self, group: impl Into<String>, kind: impl Into<String>) -> Self {
        self.cluster_scoped.add(group.into(), kind.into());
        self
    }

    /// Where the node keeps its state. Default `/var/lib/deploy-ssm`.
    pub fn state_dir(mut self, folder: impl Into<String>) -> Self {
        self.ways.state_dir = folder.into();
        self
    }

    /// The kubectl to run on the node; arguments may follow, separated by blanks. Default: `kubectl`, or else `k3s kubectl`.
    pub fn kubectl(mut self, command: impl Into<String>) -> Self {
        self.ways.kubectl = command.into();
        self
    }

    /// The kubeconfig on the node. Default `/etc/rancher/k3s/k3s.yaml` if it is there, else kubectl's own choice.
    pub fn kubeconfig(mut self, path: impl Into<String>) -> Self {
        self.ways.kubeconfig = path.into();
        self
    }

    /// How fields are checked. Default [`Validate::Strict`], by the API server.
    pub fn validate(mut self, validate: Validate) -> Self {
        self.ways.validate = validate;
        self
    }

    /// How long one request of kubectl's may take, in whole seconds, at least one. Default 60 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.ways.request_timeout = timeout.max(Duration::from_secs(1));
        self
    }

    /// The field manager of what is applied. Default `deploy-ssm`.
    pub fn field_manager(mut self, manager: impl Into<String>) -> Self {
        self.ways.field_manager = manager.into();
        self
    }

    /// Takes over fields that other managers own. Default: that is an error.
    pub fn force_conflicts(mut self, force: bool) -> Self {
        self.ways.force_conflicts = force;
        self
    }

    /// Deletes what the last good bundle had and this one has not, once all is healthy. Default: it stays.
    pub fn prune(mut self, prune: bool) -> Self {
        self.ways.prune = prune;
        self
    }

    /// How many good bundles the node keeps to go back to, at least one. Default 5.
    pub fn keep(mut self, keep: u32) -> Self {
        self.ways.keep = keep.max(1);
        self
    }

    /// The target.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for what cannot be: the app's name, a folder that is not absolute, an
    /// empty field manager, a bucket's name.
    pub fn build(self) -> Result<SsmK3s> {
        check_name(&self.app)?;
        if !self.ways.state_dir.starts_with('/') || self.ways.state_dir.contains(|c: char| c.is_control()) {
            return Err(Error::invalid("the node's state folder must be an absolute path")
                .on(self.ways.state_dir.escape_default()));
        }
        if self.ways.field_manager.is_empty() || self.ways.field_manager.len() > 128 {
            return Err(Error::invalid("a field manager's name has 1 to 128 characters"));
        }
        if let Through::Bucket { name, .. } = &self.through {
            crate::aws::Bucket::new(&self.aws, name)?;
        }
        if self.instances.as_fleet().is_some() && self.through == Through::TemporaryBucket {
            return Err(Error::invalid("a fleet reports through the command: no bucket is made for it")
                .help("name a bucket that is there, for packages that are large or hold Secrets"));
        }
        Ok(SsmK3s::new(self))
    }
}
