//! Which images are to go to an environment.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::written::Present;
use super::{Environment, Images, Promotion};
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::image::{Reference, Repository, Tag};
use crate::registry::{AT_ONCE, ImageFacts, resolve_all};
use crate::tag::{Context, Member, TagPolicy, select, select_group};

/// What is to go to an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    what: What,
    older: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum What {
    #[default]
    Next,
    Newest,
    Tags(BTreeMap<String, String>),
}

impl Wanted {
    /// To the first environment, the newest that its policy lets run; to any other, what the one before has. The default.
    pub fn next() -> Self {
        Self::default()
    }

    /// The newest that the environment's policy lets run, whatever the environment before has. Of several images, all at one commit.
    pub fn newest() -> Self {
        Self { what: What::Newest, ..Self::default() }
    }

    /// These tags, by the images' names; other images stay as they are. The policy must let them run.
    pub fn tags<N: Into<String>, T: Into<String>>(tags: impl IntoIterator<Item = (N, T)>) -> Self {
        let tags = tags.into_iter().map(|(name, tag)| (name.into(), tag.into())).collect();
        Self { what: What::Tags(tags), ..Self::default() }
    }

    /// Though it be older than what runs: how a person goes back.
    #[must_use]
    pub fn even_older(mut self) -> Self {
        self.older = true;
        self
    }
}

/// What goes to an environment, and what is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidate {
    pub(super) images: Images,
    /// The commit, where all images are of one.
    pub(super) revision: Option<String>,
    /// When the newest of them was built, by its tag or by what it says of itself.
    pub(super) built: Option<Timestamp>,
}

/// The commit of an image, and when it was built.
type Origin = (Option<String>, Option<Timestamp>);

/// An image's name and all its tags.
type Listed = (String, Vec<Tag>);

/// What a choice is made from.
struct Offer {
    name: String,
    repository: Repository,
    policy: TagPolicy,
    tags: Vec<Tag>,
    context: Context,
}

impl Promotion {
    /// What is to go to `environment`, where `running` is what it had when it was last well.
    pub(super) async fn choose(
        &self,
        index: usize,
        environment: &Environment,
        wanted: &Wanted,
        running: &Images,
        now: Timestamp,
    ) -> Result<Candidate> {
        let before = index.checked_sub(1).and_then(|before| self.environments.get(before));
        let mut known = Images::new();
        let mut tags = BTreeMap::new();
        match (&wanted.what, before) {
            (What::Next, Some(before)) => {
                let present = Present::read(&*before.store, &before.lines, &self.images).await?;
                for name in environment.images() {
                    let image = present.images.get(name).ok_or_else(|| {
                        Error::new(ErrorKind::NotFound, format!("{} has no {name} yet", before.name))
                            .during("promote")
                            .help(format!("promote it to {} first", before.name))
                    })?;
                    tags.insert(name.to_owned(), vec![tag_of(image, &before.name)?]);
                }
                known = present.images;
            }
            (What::Next | What::Newest, _) => {
                tags = self.listed(environment).await?;
            }
            (What::Tags(given), _) => {
                for (name, tag) in given {
                    if !environment.images().any(|known| known == name) {
                        let names: Vec<&str> = environment.images().collect();
                        return Err(Error::invalid(format!("{} has no image \"{name}\"", environment.name))
                            .help(format!("it has {}", names.join(", "))));
                    }
                    tags.insert(name.clone(), vec![tag.parse()?]);
                }
            }
        }
        let group = matches!((&wanted.what, before), (What::Newest, _) | (What::Next, None));
        let offers = self.offers(environment, tags, running, wanted.older, now).await?;
        let chosen = if group && offers.len() > 1 { together(&offers)? } else { each(&offers)? };
        self.resolved(environment, chosen, known, running).await
    }

    /// All tags of each image, of several repositories at once.
    async fn listed(&self, environment: &Environment) -> Result<BTreeMap<String, Vec<Tag>>> {
        let mut asked: Vec<BoxFuture<'_, Result<Listed>>> = Vec::new();
        for name in environment.images() {
            let tags = self.registry.tags(self.repository(name)?).try_collect::<Vec<Tag>>();
            let tags =
                tags.map(|all| Ok((name.to_owned(), all.map_err(|error| error.during("list the tags"))?)));
            asked.push(tags.boxed());
        }
        stream::iter(asked).buffered(AT_ONCE).try_collect().await
    }

    async fn offers(
        &self,
        environment: &Environment,
        tags: BTreeMap<String, Vec<Tag>>,
        running: &Images,
        older: bool,
        now: Timestamp,
    ) -> Result<Vec<Offer>> {
        let holds = match &environment.holds {
            Some(holds) => holds.all().await?,
            None => Vec::new(),
        };
        let mut offers = Vec::new();
        for (name, tags) in tags {
            let repository = self.repository(&name)?.clone();
            let policy = environment.policy_for(&name).cloned().ok_or_else(|| {
                Error::invalid(format!("{} has no policy for {name}", environment.name))
                    .during("promote")
                    .help("give the environment a policy: it says which tags may run there")
            })?;
            let policy = if older { policy.allowing_downgrade() } else { policy };
            let mut context = Context::at(now);
            if let Some(tag) = running.get(&name).and_then(Reference::tag) {
                context = context.running(tag.as_str());
            }
            let on_it = holds.iter().filter(|hold| hold.is_on(&repository, &environment.name));
            context = context.holds(on_it.cloned());
            if let Some((ancestry, head)) = &self.ancestry {
                context = context.ask(&**ancestry, head, &policy, &tags).await?;
            }
            offers.push(Offer { name, repository, policy, tags, context });
        }
        Ok(offers)
    }

    /// The digests of what was chosen, and what else is known of it.
    async fn resolved(
        &self,
        environment: &Environment,
        chosen: BTreeMap<String, Tag>,
        known: Images,
        running: &Images,
    ) -> Result<Candidate> {
        let mut images = Images::new();
        for name in environment.images() {
            let image = match chosen.get(name) {
                Some(tag) => Reference::tagged(self.repository(name)?.clone(), tag.clone()),
                None => match running.get(name) {
                    Some(image) => image.clone(),
                    None => continue,
                },
            };
            // What the environment before was seen to run with stays that, wherever the tag moved since.
            let seen = known.get(name).filter(|seen| seen.repository() == image.repository());
            let image = match seen.and_then(Reference::digest) {
                Some(digest) => image.with_digest(digest.clone()),
                None => image,
            };
            images.insert(name.to_owned(), image);
        }
        let digests = match resolve_all(&*self.registry, images.values().cloned()).await {
            Ok(digests) => digests,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(self.alike(error, &images).await);
            }
            Err(error) => return Err(error),
        };
        for image in images.values_mut() {
            if let Some(digest) = digests.get(image) {
                *image = image.clone().with_digest(digest.clone());
            }
        }
        let (revision, built) = self.origin(environment, &images).await?;
        Ok(Candidate { images, revision, built })
    }

    /// What is known of images that are written down or run: their digests, commit and time.
    pub(super) async fn known(&self, environment: &Environment, images: &Images) -> Result<Candidate> {
        self.resolved(environment, BTreeMap::new(), Images::new(), images).await
    }

    /// The commit and the time of the images: from their tags, or else from what they say of themselves.
    async fn origin(
        &self,
        environment: &Environment,
        images: &Images,
    ) -> Result<(Option<String>, Option<Timestamp>)> {
        let mut asked: Vec<BoxFuture<'_, Result<Origin>>> = Vec::new();
        for (name, image) in images {
            asked.push(self.origin_of(environment, name, image).boxed());
        }
        let known: Vec<Origin> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let (revisions, built): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let built = built.into_iter().max().flatten();
        let first = revisions.first().cloned().flatten();
        let same = |other: &Option<String>| match (&first, other) {
            (Some(a), Some(b)) => a.starts_with(b.as_str()) || b.starts_with(a.as_str()),
            _ => false,
        };
        let one = revisions.iter().all(same);
        Ok((revisions.into_iter().flatten().max_by_key(String::len).filter(|_| one), built))
    }

    async fn origin_of(&self, environment: &Environment, name: &str, image: &Reference) -> Result<Origin> {
        let (mut commit, mut time) = (None, None);
        if let (Some(policy), Some(tag)) = (environment.policy_for(name), image.tag())
            && let Ok(parsed) = policy.scheme().parse(tag.as_str())
        {
            (commit, time) = (parsed.commit().map(str::to_owned), parsed.timestamp());
        }
        if commit.is_none() || time.is_none() {
            let ImageFacts { revision, created, .. } = self.registry.inspect(image).await?;
            (commit, time) = (commit.or(revision), time.or(created));
        }
        Ok((commit, time))
    }

    pub(super) fn repository(&self, image: &str) -> Result<&Repository> {
        self.images.get(image).ok_or_else(|| {
            Error::invalid(format!("the promotion has no image \"{image}\"")).during("promote")
        })
    }
}

impl Environment {
    /// The images that are written down, each once, in their order.
    pub(super) fn images(&self) -> impl Iterator<Item = &str> {
        let first =
            |(index, name): &(usize, &str)| self.lines.iter().take(*index).all(|line| line.image != *name);
        self.lines.iter().map(|line| line.image.as_str()).enumerate().filter(first).map(|(_, name)| name)
    }
}

fn tag_of(image: &Reference, environment: &str) -> Result<Tag> {
    image.tag().cloned().ok_or_else(|| {
        Error::invalid(format!("{environment} has {image}, without a tag: a policy chooses among tags"))
            .during("promote")
            .help("write the tag as well")
    })
}

/// The newest commit that all images have.
fn together(offers: &[Offer]) -> Result<BTreeMap<String, Tag>> {
    let members: Vec<Member<'_, Tag>> = offers
        .iter()
        .map(|offer| Member::new(&offer.name, &offer.policy, &offer.tags, &offer.context))
        .collect();
    let selection = select_group(&members)?;
    Ok(selection.chosen()?.into_iter().map(|(name, tag)| (name.to_owned(), tag.clone())).collect())
}

/// Each image by itself.
fn each(offers: &[Offer]) -> Result<BTreeMap<String, Tag>> {
    let mut chosen = BTreeMap::new();
    for Offer { name, repository, policy, tags, context } in offers {
        let about = |error: Error| error.on(format!("image {repository}"));
        let selection = select(policy, tags, context).map_err(about)?;
        chosen.insert(name.clone(), selection.chosen().map_err(about)?.clone());
    }
    Ok(chosen)
}
