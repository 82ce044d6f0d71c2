//! Requests as they are, with no types between a test and the server.

use kube::api::{DeleteParams, GetParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, Request, Resource, Status};
use serde_json::{Value, json};

/// The namespace of a test.
pub(crate) struct Server {
    pub(crate) client: kube::Client,
    pub(crate) namespace: String,
}

/// The object after the request, or the server's refusal.
pub(crate) type Answer = Result<Value, Box<Status>>;

impl Server {
    pub(crate) async fn get(&self, object: &Value) -> Answer {
        let (path, name) = self.path(object);
        let request = path.get(name, &GetParams::default()).expect("a good request");
        answer(self.client.request(request).await)
    }

    /// Whether there is no such object, but its kind.
    pub(crate) async fn misses(&self, object: &Value) -> bool {
        let answer = self.get(object).await;
        answer.is_err_and(|status| status.details.is_some_and(|details| details.name == self.path(object).1))
    }

    pub(crate) async fn apply(&self, object: &Value, manager: &str, force: bool) -> Answer {
        let (path, name) = self.path(object);
        let params = PatchParams { force, ..PatchParams::apply(manager) };
        let request = path.patch(name, &params, &Patch::Apply(object)).expect("a good request");
        answer(self.client.request(request).await)
    }

    pub(crate) async fn create(&self, object: &Value, manager: &str) -> Answer {
        let (path, _) = self.path(object);
        let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        let request = path.create(&params, object.to_string().into_bytes()).expect("a good request");
        answer(self.client.request(request).await)
    }

    pub(crate) async fn replace(&self, object: &Value, manager: &str) -> Answer {
        let (path, name) = self.path(object);
        let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
        let request = path.replace(name, &params, object.to_string().into_bytes()).expect("a good request");
        answer(self.client.request(request).await)
    }

    /// A JSON merge patch.
    pub(crate) async fn merge(&self, object: &Value, change: &Value, manager: &str) -> Answer {
        let (path, name) = self.path(object);
        let request =
            path.patch(name, &PatchParams::apply(manager), &Patch::Merge(change)).expect("a good request");
        answer(self.client.request(request).await)
    }

    pub(crate) async fn scale(&self, object: &Value, replicas: u8) -> Answer {
        let (path, name) = self.path(object);
        let replicas = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        let params = PatchParams::apply("autoscaler");
        let request = path.patch_subresource("scale", name, &params, &replicas).expect("a good request");
        answer(self.client.request(request).await)
    }

    pub(crate) async fn delete(&self, object: &Value) -> Answer {
        let (path, name) = self.path(object);
        let request = path.delete(name, &DeleteParams::background()).expect("a good request");
        answer(self.client.request(request).await)
    }

    fn path<'a>(&self, object: &'a Value) -> (Request, &'a str) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).expect("an object");
        let api_version = text("/apiVersion");
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, text("/kind")));
        (Request::new(DynamicObject::url_path(&resource, Some(&self.namespace))), text("/metadata/name"))
    }
}

fn answer(result: kube::Result<Value>) -> Answer {
    match result {
        Ok(object) => Ok(object),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("the cluster does not answer: {error}"),
    }
}
