//! `retention`: which tags can go; deleting them only when asked to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::{Digest, Reference, Tag};
use deploy_core::registry::Registry;
use deploy_core::tag::retention::{InUse, RetentionPlan, RetentionPolicy, digests, plan};
use deploy_registry::OciRegistry;
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::args::RetentionArgs;
use super::{Desk, Reading};
use crate::Done;
use crate::paint::{Paint, Tone};

pub(crate) async fn retention(
    args: &RetentionArgs,
    registry: &Arc<OciRegistry>,
    desk: &Desk<'_>,
) -> Result<Done> {
    let policy: RetentionPolicy = args.policy.parse()?;
    let plan = planned(args, &policy, registry.clone(), desk).await?;
    if !args.delete {
        return Ok(shown(&plan));
    }
    let mut deleted = Deleted::default();
    delete(&plan, registry, desk, &mut deleted).await?;
    Ok(deleted.told(&plan))
}

/// Tag by tag; where the registry cannot do that, image by image, each of which then goes with all of its tags.
///
/// # Errors
/// If what tags an image has now cannot be told.
async fn delete(
    plan: &RetentionPlan,
    registry: &Arc<OciRegistry>,
    desk: &Desk<'_>,
    deleted: &mut Deleted,
) -> Result<()> {
    let mut whole: Option<BTreeMap<Digest, BTreeSet<Tag>>> = None;
    for (digest, tags) in plan.images_going() {
        let mut rest = tags.into_iter().collect::<BTreeSet<_>>();
        while whole.is_none()
            && let Some(tag) = rest.pop_first()
        {
            let image = Reference::tagged(plan.repository().clone(), tag.clone());
            let done = match still(&**registry, &image, digest).await {
                Ok(()) => registry.delete_tag(&image).await.map(drop),
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    rest.insert(tag);
                    let read = digests(registry.clone(), plan.repository()).try_collect::<Vec<_>>().await?;
                    whole = Some(by_digest(read));
                }
                done => deleted.add(desk, tag, done),
            }
        }
        if let (Some(now), false) = (&whole, rest.is_empty()) {
            let done = match alone(now.get(digest), &rest) {
                Ok(()) => registry.delete_digest(plan.repository(), digest).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => rest.iter().for_each(|tag| deleted.add(desk, tag, Ok(()))),
                Err(error) => deleted.leave(desk, &rest, &error),
            }
        }
    }
    Ok(())
}

fn by_digest(tags: Vec<(Tag, Digest)>) -> BTreeMap<Digest, BTreeSet<Tag>> {
    let mut found: BTreeMap<Digest, BTreeSet<Tag>> = BTreeMap::new();
    for (tag, digest) in tags {
        found.entry(digest).or_default().insert(tag);
    }
    found
}

/// # Errors
/// If the image has a tag by now that is not to go.
fn alone(now: Option<&BTreeSet<Tag>>, going: &BTreeSet<&Tag>) -> Result<()> {
    match now.into_iter().flatten().find(|tag| !going.contains(tag)) {
        Some(tag) => {
            let what = format!("its image is {tag} as well by now, which would go with it");
            Err(Error::new(ErrorKind::Stale, what).help("make the plan again"))
        }
        None => Ok(()),
    }
}

/// # Errors
/// If a digest, or what runs, cannot be told.
async fn planned(
    args: &RetentionArgs,
    policy: &RetentionPolicy,
    registry: Arc<dyn Registry>,
    desk: &Desk<'_>,
) -> Result<RetentionPlan> {
    let in_use = match args.running.as_slice() {
        [] => InUse::new(),
        namespaces => InUse::read(&desk.cluster().await?, namespaces).await?,
    };
    let mut reading = Reading::new(desk, format!("tags of {}", args.repository));
    let mut tags = Vec::new();
    let mut read = digests(registry, &args.repository);
    while let Some(tag) = read.try_next().await? {
        tags.push(tag);
        reading.one_more();
    }
    plan(policy, &args.repository, tags, &in_use, desk.now())
}

/// A tag that was moved is another image now, which nobody has planned to delete.
async fn still(registry: &dyn Registry, image: &Reference, planned: &Digest) -> Result<()> {
    match registry.resolve(image).await {
        Ok(now) if now == *planned => Ok(()),
        Ok(now) => {
            Err(Error::new(ErrorKind::Stale, format!("the tag was moved meanwhile, to {now}")).on(image))
        }
        Err(error) => Err(error),
    }
}

fn shown(plan: &RetentionPlan) -> Done {
    let text = format!("{}\n{plan}; nothing was deleted: --delete does it\n", plan.table());
    Done::told(json!({"plan": plan, "deleted": []}), move |_: Paint| text.clone())
}

/// What became of the tags that were to go.
#[derive(Default)]
struct Deleted {
    gone: Vec<Tag>,
    left: Vec<(Tag, Value)>,
}

impl Deleted {
    fn add(&mut self, desk: &Desk<'_>, tag: &Tag, result: Result<()>) {
        match result {
            Ok(()) => self.gone.push(tag.clone()),
            // Somebody else did it, or it went with another tag of its image.
            Err(error) if error.kind() == ErrorKind::NotFound => self.gone.push(tag.clone()),
            Err(error) => self.leave(desk, &BTreeSet::from([tag]), &error),
        }
    }

    fn leave(&mut self, desk: &Desk<'_>, tags: &BTreeSet<&Tag>, error: &Error) {
        for tag in tags {
            desk.progress.tell(Tone::Bad, &format!("{tag} was not deleted: {error}"));
            self.left.push(((*tag).clone(), json!(error)));
        }
    }

    fn told(self, plan: &RetentionPlan) -> Done {
        let left: Vec<Value> =
            self.left.iter().map(|(tag, error)| json!({"tag": tag, "error": error})).collect();
        let json = json!({"plan": plan, "deleted": self.gone, "left": left});
        let mut text =
            format!("{}\n{} of {} tags are deleted", plan.table(), self.gone.len(), plan.decisions().len());
        if !self.left.is_empty() {
            text += &format!(", and {} that can go are not", self.left.len());
        }
        text.push('\n');
        Done { json, good: self.left.is_empty(), text: Box::new(move |_| text.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::memory::MemoryRegistry;

    #[tokio::test]
    async fn a_tag_that_was_moved_is_left_alone() {
        let registry = MemoryRegistry::new();
        let image: Reference = "shop/api:v1".parse().unwrap();
        let digest = registry.put(&image, "one");
        still(&registry, &image, &digest).await.unwrap();
        registry.put(&image, "two");
        let error = still(&registry, &image, &digest).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale);
        assert!(error.to_string().contains("the tag was moved meanwhile, to sha256:"), "{error}");
    }

    #[test]
    fn an_image_goes_only_with_the_tags_that_go() {
        let digest = Digest::sha256(b"one");
        let [one, two]: [Tag; 2] = ["v1", "v2"].map(|tag| tag.parse().unwrap());
        let now = by_digest(vec![(one.clone(), digest.clone()), (two.clone(), digest.clone())]);
        alone(now.get(&digest), &BTreeSet::from([&one, &two])).unwrap();
        alone(None, &BTreeSet::from([&one])).unwrap();
        let error = alone(now.get(&digest), &BTreeSet::from([&one])).unwrap_err();
        assert!(error.to_string().contains("its image is v2 as well by now"), "{error}");
    }

    #[test]
    fn a_plan_says_that_nothing_was_deleted() {
        let policy: RetentionPolicy = "scheme=semver last=1".parse().unwrap();
        let tags = ["1.0.0", "1.1.0"].map(|tag| (tag.parse().unwrap(), Digest::sha256(tag.as_bytes())));
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let plan = plan(&policy, &"shop/api".parse().unwrap(), tags, &InUse::new(), now).unwrap();
        let done = shown(&plan);
        assert_eq!(
            (done.text)(Paint(false)),
            "TAG           RULE       WHY\n\
             1.0.0  goes   expired    number 2 of its branch, the newest first\n\
             1.1.0  stays  last       the newest of its branch\n\n\
             1 of 2 tags of shop/api can go, with 1 image; nothing was deleted: --delete does it\n"
        );
        assert_eq!(done.json["plan"]["tags"][0]["stays"], false);
        let mut deleted = Deleted::default();
        deleted.left.push(("1.0.0".parse().unwrap(), json!(Error::invalid("no"))));
        let done = deleted.told(&plan);
        assert!(
            !done.good
                && (done.text)(Paint(false))
                    .ends_with("0 of 2 tags are deleted, and 1 that can go are not\n")
        );
    }
}
