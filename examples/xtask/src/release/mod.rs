//! `release`: what helm does, and what it recorded.

mod args;
mod table;
mod values;
mod work;

use deploy_core::error::Result;
use deploy_core::manifest::to_yaml;
use deploy_k8s::{Release, ReleaseContent, ReleaseRevision};
use serde_json::{Value, json};

pub(crate) use args::ReleaseArgs;
use args::{HistoryArgs, ListArgs, ReleaseCommand, RevisionArgs, Show};

use crate::Done;
use crate::paint::{Paint, Tone, printable};
use crate::report::Deed;
use crate::session::Session;

pub(crate) async fn release(args: &ReleaseArgs, session: &Session) -> Result<Done> {
    Ok(match &args.command {
        ReleaseCommand::Upgrade(args) => Done::followed(work::upgrade(args, session).await?, Deed::Revision),
        ReleaseCommand::Rollback(args) => {
            Done::followed(work::roll_back(args, session).await?, Deed::Revision)
        }
        ReleaseCommand::Uninstall(args) => {
            Done::followed(work::uninstall(args, session).await?, Deed::Uninstallation)
        }
        ReleaseCommand::Test(args) => Done::followed(work::test(args, session).await?, Deed::Tests),
        ReleaseCommand::Diff(args) => Done::compared(work::diff(args, session).await?),
        ReleaseCommand::List(args) => list(args, session).await?,
        ReleaseCommand::History(args) => history(args, session).await?,
        ReleaseCommand::Get(args) => {
            let (content, show) = (content(&args.revision, session).await?, args.show);
            // As it is, for whoever reads it from a pipe.
            Done::told(whole(&content), move |_| part(&content, show))
        }
        ReleaseCommand::Status(args) => {
            let content = content(&args.revision, session).await?;
            let mut json = json!(content.revision);
            json["notes"] = content.notes.clone().into();
            Done::told(json, move |paint| status(&content.revision, &content.notes, paint))
        }
    })
}

async fn list(args: &ListArgs, session: &Session) -> Result<Done> {
    session.ready();
    let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
    let releases = session.unless_cancelled(Release::list(&session.cluster, namespace)).await?;
    let whereabouts = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    Ok(Done::told(json!({"releases": releases}), move |paint| match releases.as_slice() {
        [] => format!("no releases{}\n", printable(&whereabouts)),
        releases => table::list(releases, paint),
    }))
}

async fn history(args: &HistoryArgs, session: &Session) -> Result<Done> {
    let release = open(&args.name, session)?;
    let revisions = session.unless_cancelled(release.revisions()).await?;
    let json = json!({"name": args.name, "namespace": session.namespace, "revisions": revisions});
    Ok(Done::told(json, move |paint| table::history(&revisions, paint)))
}

async fn content(args: &RevisionArgs, session: &Session) -> Result<ReleaseContent> {
    session.unless_cancelled(open(&args.name, session)?.get(args.revision)).await
}

fn open(name: &str, session: &Session) -> Result<Release> {
    let release = Release::new(session.cluster.clone(), &session.namespace, name)?;
    session.ready();
    Ok(release)
}

fn whole(content: &ReleaseContent) -> Value {
    let mut json = json!(content);
    json["allValues"] = content.all_values().into();
    json
}

fn part(content: &ReleaseContent, show: Show) -> String {
    let mut text = match show {
        Show::Manifest => content.manifest.clone(),
        Show::Values => to_yaml(&content.values.clone().into()),
        Show::AllValues => to_yaml(&content.all_values().into()),
        Show::Notes => content.notes.clone(),
        Show::Hooks => content.hooks.iter().fold(String::new(), |mut hooks, hook| {
            hooks += &format!("---\n{}\n", hook.trim_end());
            hooks
        }),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn status(revision: &ReleaseRevision, notes: &str, paint: Paint) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str, tone: Tone| {
        if !value.is_empty() {
            out += &format!("{name:<13}{}\n", paint.text(tone, &printable(value)));
        }
    };
    line("release", &format!("{}/{}", revision.namespace, revision.name), Tone::Plain);
    line("revision", &revision.revision.to_string(), Tone::Plain);
    line("status", revision.status.as_str(), table::tone(&revision.status));
    line("updated", &revision.updated.map(|time| time.to_string()).unwrap_or_default(), Tone::Plain);
    line("description", &revision.description, Tone::Plain);
    line("chart", revision.chart.as_deref().unwrap_or_default(), Tone::Plain);
    line("app version", revision.app_version.as_deref().unwrap_or_default(), Tone::Plain);
    line("git revision", revision.git_revision.as_deref().unwrap_or_default(), Tone::Plain);
    for image in &revision.images {
        line("image", image, Tone::Plain);
    }
    let notes = notes.trim_end();
    if !notes.is_empty() {
        out += &format!("\n{}\n", printable(notes));
    }
    out
}
