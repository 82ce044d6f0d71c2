//! Everything that the cluster is at a moment.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::bootstrap;
use crate::controllers::{Agenda, Retries};
use crate::kinds::{Kind, Kinds};
use crate::kubelet::Node;
use crate::store::{Key, Store};
use crate::user::Tokens;

/// The cluster, without its time: that is set before every step.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) now: Timestamp,
    /// What the kubelet knows of its node.
    pub(crate) node: Node,
    /// What the components know and wait for.
    pub(crate) agenda: Agenda,
    /// Whether there is a volume for every claim.
    pub(crate) has_storage: bool,
    /// When controllers try again what was refused.
    pub(crate) retries: Retries,
    /// Who shows which token.
    pub(crate) tokens: Tokens,
    random: fastrand::Rng,
}

impl State {
    /// An empty cluster with the namespaces that every cluster has.
    pub(crate) fn new(seed: u64, now: Timestamp) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let mut state = Self {
            store: Store::new(),
            kinds: Kinds::built_in(),
            now,
            random,
            node: Node::default(),
            agenda: Agenda::default(),
            has_storage: true,
            retries: Retries::default(),
            tokens: Tokens::default(),
        };
        bootstrap::add(&mut state);
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            state.add_namespace(name);
        }
        state.add_priority_class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        );
        state.add_priority_class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        );
        state
    }

    fn add_priority_class(&mut self, name: &str, value: i64, description: &str) {
        let (uid, time) = (self.uid(), self.time());
        let class = serde_json::json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": name, "uid": uid, "creationTimestamp": time, "generation": 1},
            "value": value, "description": description, "preemptionPolicy": "PreemptLowerPriority",
        });
        let resource = "priorityclasses.scheduling.k8s.io".into();
        self.store.put(Key { resource, namespace: String::new(), name: name.to_owned() }, class);
    }

    fn add_namespace(&mut self, name: &str) {
        let (uid, time) = (self.uid(), self.time());
        let namespace = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": name, "uid": uid, "creationTimestamp": time, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        let key = Key { resource: "namespaces.".into(), namespace: String::new(), name: name.to_owned() };
        self.store.put(key, namespace);
    }

    /// A new uid, in the form of a random UUID.
    pub(crate) fn uid(&mut self) -> String {
        let [high, low] = [self.random.u64(..), self.random.u64(..)];
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 50),
            low & 0xffff_ffff_ffff
        )
    }

    /// The end of a generated name: five characters of Kubernetes' own alphabet, which makes no words.
    pub(crate) fn suffix(&mut self) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..5).map(|_| char::from(*self.random.choice(ALPHABET).unwrap_or(&b'b'))).collect()
    }

    /// Now, as objects tell it: in whole seconds.
    pub(crate) fn time(&self) -> String {
        let seconds = self.now.as_second();
        Timestamp::from_second(seconds).unwrap_or(self.now).to_string()
    }

    /// The objects of a resource, in one namespace or in all.
    pub(crate) fn objects(&self, resource: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.store.list(&resource.into(), namespace).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The namespace, if there is one.
    pub(crate) fn namespace(&self, name: &str) -> Option<&Value> {
        let key = Key { resource: "namespaces.".into(), namespace: String::new(), name: name.to_owned() };
        self.store.get(&key).map(|object| &**object)
    }
}

/// Where an object of this kind is kept.
pub(crate) fn key(kind: &Kind, namespace: Option<&str>, name: &str) -> Key {
    Key {
        resource: kind.resource.clone(),
        namespace: namespace.filter(|_| kind.namespaced).unwrap_or_default().to_owned(),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let now = "2026-01-01T00:00:00.75Z".parse().unwrap();
        let mut state = State::new(7, now);
        let uid = state.uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(uid.as_bytes()[14], b'4');
        let mut again = State::new(7, now);
        assert_eq!((again.uid(), again.suffix()), (uid, state.suffix()));
        assert_eq!(state.time(), "2026-01-01T00:00:00Z");
        assert!(state.namespace("default").is_some() && state.namespace("shop").is_none());
    }
}
