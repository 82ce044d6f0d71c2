//! `tags`: which tag is to run, and why.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use deploy_core::error::{Error, Result};
use deploy_core::image::{Reference, Repository, Tag};
use deploy_core::inventory::RunningImage;
use deploy_core::registry::Registry;
use deploy_core::tag::{Context, Hold, Selection, TagPolicy, select};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{Desk, Reading};
use crate::Done;
use crate::images::args::TagsArgs;
use crate::paint::Tone;

/// The most bytes of a file of holds.
const MAX_HOLDS_BYTES: u64 = 1024 * 1024;

pub(crate) async fn tags(args: &TagsArgs, registry: Arc<dyn Registry>, desk: &Desk<'_>) -> Result<Done> {
    let policy: TagPolicy = args.policy.parse()?;
    let repository = &args.repository;
    let mut context = Context::at(desk.now());
    if let (Some(file), Some(environment)) = (&args.holds, &args.environment) {
        context = context.holds(holds(file, repository, environment)?);
    }
    let running = match args.running.as_slice() {
        [] => BTreeSet::new(),
        namespaces => {
            let running = running_tags(&desk.running(namespaces).await?, repository)?;
            if running.is_empty() {
                let text = format!("nothing of {repository} runs in {}", namespaces.join(", "));
                desk.progress.tell(Tone::Plain, &text);
            }
            running
        }
    };
    let mut reading = Reading::new(desk, format!("tags of {repository}"));
    let mut tags = Vec::new();
    let mut listed = registry.tags(repository);
    while let Some(tag) = listed.try_next().await? {
        tags.push(tag);
        reading.one_more();
    }
    let done = choose(&policy, &tags, &context, &running, args.explain, desk.json);
    done.map_err(|error| error.on(repository))
}

/// The tag alone on the last line.
///
/// # Errors
/// If there is none; the table is then in the message's way, and told before.
fn choose(
    policy: &TagPolicy,
    tags: &[Tag],
    context: &Context,
    running: &BTreeSet<String>,
    explain: Option<u32>,
    json: bool,
) -> Result<Done> {
    // Whichever floor is chosen by, the newest is the same; it must be above them all.
    let contexts: Vec<Context> = match running.len() {
        0 => vec![context.clone()],
        _ => running.iter().map(|tag| context.clone().running(tag)).collect(),
    };
    let mut found: Option<Selection<'_, Tag>> = None;
    for context in &contexts {
        let selection = select(policy, tags, context)?;
        let none = selection.choice().is_none();
        if none || found.is_none() {
            found = Some(selection);
        }
        if none {
            break;
        }
    }
    let Some(selection) = found else { return Err(Error::invalid("nothing was selected")) };
    let table = explain.map(|rows| selection.table(usize::try_from(rows).unwrap_or(usize::MAX)).to_string());
    let choice = match selection.chosen() {
        Ok(choice) => choice.to_string(),
        // A script that takes the last line must not take one of the table.
        Err(error) => return Err(error.source(Unchosen(table.unwrap_or_default()))),
    };
    let why = selection.to_string();
    let json = if json { serde_json::json!(selection) } else { Value::Null };
    Ok(Done::told(json, move |_| match &table {
        Some(table) => format!("{table}\n{why}\n{choice}\n"),
        None => format!("{choice}\n"),
    }))
}

/// The tags that run of a repository, whatever its registry was called by who pulled it.
///
/// # Errors
/// If one runs of which no tag is known: what is older than it cannot be told.
fn running_tags(running: &[RunningImage], repository: &Repository) -> Result<BTreeSet<String>> {
    let mut tags = BTreeSet::new();
    for RunningImage { workload, image, .. } in running {
        let image: Reference = image.parse().map_err(|error: Error| error.on(workload))?;
        if image.repository().path() != repository.path() {
            continue;
        }
        let tag = image.tag().ok_or_else(|| {
            Error::invalid(format!("it runs {image}, and which tag that is cannot be told"))
                .on(workload)
                .help("deploy it with tag and digest (apply --pin), or choose without --running")
        })?;
        tags.insert(tag.to_string());
    }
    Ok(tags)
}

/// Those on `repository` in `environment`.
fn holds(file: &Path, repository: &Repository, environment: &str) -> Result<Vec<Hold>> {
    let bytes = super::read_file(file, MAX_HOLDS_BYTES)?;
    let holds: Vec<Hold> = serde_json::from_slice(&bytes)
        .map_err(|source| Error::invalid("it is no list of holds").on(file.display()).source(source))?;
    Ok(holds.into_iter().filter(|hold| hold.is_on(repository, environment)).collect())
}

/// The table of a selection that chose nothing.
#[derive(Debug)]
pub(crate) struct Unchosen(pub(crate) String);

impl std::fmt::Display for Unchosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.trim_end())
    }
}

impl std::error::Error for Unchosen {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::Paint;
    use deploy_core::error::ErrorKind;
    use deploy_core::manifest::ObjectId;

    const POLICY: &str = "scheme=branch.timestamp.sha branch=main";
    const TAGS: [&str; 3] =
        ["main.20261119-120000.aaaaaaa", "main.20261120-120000.bbbbbbb", "dev.20261121-080000.ccccccc"];

    fn chosen(policy: &str, running: &[&str], explain: Option<u32>) -> Result<Done> {
        let tags: Vec<Tag> = TAGS.iter().map(|tag| tag.parse().unwrap()).collect();
        let context = Context::at("2026-11-21T10:00:00Z".parse().unwrap());
        let running = running.iter().map(|tag| (*tag).to_owned()).collect();
        choose(&policy.parse()?, &tags, &context, &running, explain, true)
    }

    #[test]
    fn the_choice_is_the_last_line() {
        let check = |running: &[&str], explain: Option<u32>, lines: usize| {
            let done = chosen(POLICY, running, explain).unwrap();
            let text = (done.text)(Paint(false));
            assert_eq!(text.lines().last(), Some(TAGS[1]));
            assert_eq!(text.lines().count(), lines, "{text}");
            assert_eq!(done.json["choice"], TAGS[1]);
        };
        check(&[], None, 1);
        check(&[], Some(20), 7);
        check(&[], Some(1), 6);
        check(&[TAGS[0]], None, 1);
        check(&[TAGS[0], TAGS[1]], None, 1);
    }

    #[test]
    fn nothing_is_chosen_below_what_runs() {
        let newer = "main.20261121-090000.ddddddd";
        for running in [&[newer][..], &[TAGS[0], newer], &[newer, "main.20261121-093000.eeeeeee"]] {
            let error = chosen(POLICY, running, Some(3)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains("2 older than what runs"), "{error}");
            let table = std::error::Error::source(&error).unwrap().to_string();
            assert!(table.starts_with("TAG ") && table.lines().count() == 4, "{table}");
        }
        let error = chosen(POLICY, &["latest"], None).err().unwrap();
        assert!(error.to_string().contains("what runs, \"latest\", cannot be compared"), "{error}");
    }

    #[test]
    fn holds_on_this_image_in_this_environment_count() {
        let file = std::env::temp_dir().join(format!("t-holds-{}", std::process::id()));
        let check = |text: &str, environment: &str, expect: Result<usize, &str>| {
            std::fs::write(&file, text).unwrap();
            match (holds(&file, &"shop/api".parse().unwrap(), environment), expect) {
                (Ok(found), Ok(expect)) => assert_eq!(found.len(), expect),
                (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
                (found, expect) => panic!("{found:?} is not {expect:?}"),
            }
        };
        let on = |image: &str| Hold::not_past(image.parse().unwrap(), "production", "v1".parse().unwrap());
        let list = serde_json::to_string(&[on("shop/api"), on("shop/web")]).unwrap();
        check(&list, "production", Ok(1));
        check(&list, "staging", Ok(0));
        check("{}", "production", Err("it is no list of holds"));
        std::fs::remove_file(&file).unwrap();
        let gone = holds(&file, &"shop/api".parse().unwrap(), "production").unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        let large = super::super::read_file(std::path::Path::new("/dev/zero"), 8).unwrap_err();
        assert!(large.to_string().contains("it has more than 8 bytes"), "{large}");
    }

    #[test]
    fn what_runs_of_a_repository_is_told_by_its_path() {
        let workload = ObjectId::new("apps", "Deployment", Some("shop"), "api");
        let check = |image: &str, expect: Result<&[&str], &str>| {
            let running = [RunningImage::new(workload.clone(), "api", image)];
            let repository = "registry.example/shop/api".parse().unwrap();
            match (running_tags(&running, &repository), expect) {
                (Ok(tags), Ok(expect)) => assert_eq!(tags.iter().collect::<Vec<_>>(), expect),
                (Err(error), Err(expect)) => assert!(error.to_string().contains(expect), "{error}"),
                (found, expect) => panic!("{found:?} is not {expect:?}"),
            }
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        check("registry.example/shop/api:v1", Ok(&["v1"]));
        check(&format!("mirror:5000/shop/api:v1@{digest}"), Ok(&["v1"]));
        check("registry.example/shop/web:v1", Ok(&[]));
        check(&format!("shop/api@{digest}"), Err("which tag that is cannot be told"));
        check("NOT AN IMAGE", Err("Deployment shop/api: invalid image reference"));
    }
}
