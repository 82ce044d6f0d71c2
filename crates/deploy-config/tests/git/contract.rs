//! The contract of config stores, in a clone, in a work tree, and in one that pushes nothing.

use async_trait::async_trait;
use deploy_config::git::{GitStore, Repository};
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use deploy_core::error::{Error, Result};

use crate::support::{Server, plain, yaml};

/// A store with the suite's keys: the first word is the file's name.
struct Mapped {
    store: GitStore,
    _server: Server,
}

fn mapped(key: &str) -> String {
    key.replacen('/', "#", 1)
}

#[async_trait]
impl ConfigStore for Mapped {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.store.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.store.get(&mapped(key)).await
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let mut edits = edits.to_vec();
        for edit in &mut edits {
            edit.key = mapped(&edit.key);
        }
        // The suite looks for its own key in errors.
        self.store
            .set(&edits, note)
            .await
            .map_err(|error| Error::new(error.kind(), error.to_string().replace('#', "/")))
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.store.history(&mapped(key), limit).await
    }
}

mod in_a_clone {
    use super::*;

    deploy_core::config_store_conformance! {
        #[tokio::test]
        || async {
            let server = Server::new(&[]);
            Mapped { store: server.store(), _server: server }
        }
    }
}

mod in_a_work_tree {
    use super::*;

    deploy_core::config_store_conformance! {
        #[tokio::test]
        || async {
            let server = Server::new(&[("app.yaml", "# ours\nx: y\n")]);
            let repository = plain(Repository::work_tree(server.work_tree()));
            Mapped { store: yaml(repository).build().unwrap(), _server: server }
        }
    }
}

mod in_a_work_tree_without_pushes {
    use super::*;

    deploy_core::config_store_conformance! {
        #[tokio::test]
        || async {
            let server = Server::new(&[]);
            let repository = plain(Repository::work_tree(server.work_tree()));
            Mapped { store: yaml(repository).push(false).build().unwrap(), _server: server }
        }
    }
}
