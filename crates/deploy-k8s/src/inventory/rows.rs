//! From what was listed to what is shown: pods are counted to the workload at the top. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deploy_core::inventory::RunningImage;

use super::parts::Part;

/// From a pod to its workload there are two steps at most; whoever makes objects control each other ends here.
const MAX_STEPS: usize = 8;

/// The rows, by workload and container. `released` has the deployed revision of each release by its name.
pub(super) fn rows(parts: &[Part], released: &HashMap<String, u64>) -> Vec<RunningImage> {
    let by_uid: HashMap<&str, &Part> = parts.iter().map(|part| (part.uid.as_str(), part)).collect();
    let mut digests: HashMap<&str, BTreeMap<&str, BTreeSet<&str>>> = HashMap::new();
    for pod in parts.iter().filter(|part| !part.ended && !part.digests.is_empty()) {
        let of_workload = digests.entry(&top(pod, &by_uid).uid).or_default();
        for (container, digest) in &pod.digests {
            of_workload.entry(container).or_default().insert(digest);
        }
    }
    let mut rows = Vec::new();
    for part in parts.iter().filter(|part| !part.ended && top(part, &by_uid).uid == part.uid) {
        let Some(id) = &part.id else { continue };
        for container in &part.containers {
            let mut row = RunningImage::new(id.clone(), &container.name, &container.image);
            let reported =
                digests.get(part.uid.as_str()).and_then(|found| found.get(container.name.as_str()));
            row.digests = reported.into_iter().flatten().map(|digest| (*digest).to_owned()).collect();
            row.git_revision.clone_from(&part.git_revision);
            row.deployment.clone_from(&part.deployment);
            row.deployed = container.written;
            row.revision = revision(part, released);
            rows.push(row);
        }
    }
    rows.sort_by(|a, b| (&a.workload, &a.container).cmp(&(&b.workload, &b.container)));
    rows
}

/// The topmost of what controls a part, as far as it was listed.
fn top<'a>(part: &'a Part, by_uid: &HashMap<&str, &'a Part>) -> &'a Part {
    let mut top = part;
    for _ in 0..MAX_STEPS {
        match top.controller.as_deref().and_then(|uid| by_uid.get(uid)) {
            Some(controller) => top = controller,
            None => break,
        }
    }
    top
}

fn revision(part: &Part, released: &HashMap<String, u64>) -> Option<String> {
    let Some((namespace, release)) = &part.release else {
        return part.revision.as_ref().map(|number| format!("revision {number}"));
    };
    let here = part.id.as_ref().and_then(|id| id.namespace.as_ref()) == Some(namespace);
    Some(match released.get(release).filter(|_| here) {
        Some(number) => format!("release {release} revision {number}"),
        None => format!("release {namespace}/{release}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::parts::Container;
    use super::*;
    use deploy_core::manifest::ObjectId;

    fn part(kind: &str, name: &str, controller: Option<&str>) -> Part {
        let container = Container { name: "main".into(), image: format!("{name}:v1"), written: None };
        Part {
            id: Some(ObjectId::new("apps", kind, Some("shop"), name)),
            uid: name.into(),
            controller: controller.map(str::to_owned),
            containers: vec![container],
            ..Part::default()
        }
    }

    fn pod(name: &str, controller: Option<&str>, digest: &str, ended: bool) -> Part {
        Part {
            digests: BTreeMap::from([("main".into(), digest.into())]),
            ended,
            ..part("Pod", name, controller)
        }
    }

    #[test]
    fn pods_count_to_the_workload_at_the_top() {
        let parts = [
            part("Deployment", "api", None),
            part("ReplicaSet", "api-1", Some("api")),
            part("ReplicaSet", "api-2", Some("api")),
            pod("api-1-x", Some("api-1"), "sha256:old", false),
            pod("api-2-x", Some("api-2"), "sha256:new", false),
            pod("api-2-y", Some("api-2"), "sha256:gone", true),
            // What an operator's own kind controls.
            part("StatefulSet", "db", Some("an operator's")),
            pod("db-0", Some("db"), "sha256:db", false),
            pod("alone", None, "sha256:alone", false),
            pod("ended", None, "sha256:ended", true),
        ];
        let rows = rows(&parts, &HashMap::new());
        let found: Vec<_> =
            rows.iter().map(|row| (row.workload.name.as_str(), row.digests.join(" "))).collect();
        let expected = [("api", "sha256:new sha256:old"), ("alone", "sha256:alone"), ("db", "sha256:db")];
        assert_eq!(found, expected.map(|(name, digests)| (name, digests.to_owned())));
    }

    #[test]
    fn objects_that_control_each_other_are_no_endless_road() {
        let parts = [part("ReplicaSet", "a", Some("b")), part("ReplicaSet", "b", Some("a"))];
        assert_eq!(rows(&parts, &HashMap::new()).len(), 2);
    }

    #[test]
    fn a_revision_is_the_release_s_where_there_is_one() {
        let check = |release: Option<(&str, &str)>, expect: Option<&str>| {
            let released = HashMap::from([("api".to_owned(), 7)]);
            let release = release.map(|(namespace, name)| (namespace.to_owned(), name.to_owned()));
            let part = Part { release, revision: Some("3".into()), ..part("Deployment", "api", None) };
            assert_eq!(rows(&[part], &released)[0].revision.as_deref(), expect);
        };
        check(None, Some("revision 3"));
        check(Some(("shop", "api")), Some("release api revision 7"));
        check(Some(("shop", "web")), Some("release shop/web"));
        check(Some(("other", "api")), Some("release other/api"));
    }
}
