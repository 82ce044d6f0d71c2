//! A namespace for each clause.

use std::sync::{Arc, Mutex};

use deploy_tests::Env;

/// Namespaces named after the scenario's own, and removed with it.
pub(crate) struct Rooms {
    env: Arc<Env>,
    made: Mutex<Vec<String>>,
}

impl Rooms {
    pub(crate) fn of(env: &Arc<Env>) -> Self {
        Self { env: Arc::clone(env), made: Mutex::default() }
    }

    pub(crate) async fn another(&self) -> String {
        let name = {
            let mut made = self.made.lock().expect("whole");
            let name = format!("{}-{}", self.env.namespace, made.len());
            made.push(name.clone());
            name
        };
        self.env.create_namespace(&name).await;
        name
    }

    pub(crate) async fn remove(self) {
        for name in self.made.into_inner().expect("whole") {
            self.env.begin_to_delete_namespace(&name).await;
        }
    }
}
