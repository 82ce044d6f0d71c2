//! `release`: what helm released.

mod args;
mod table;

use deploy_core::error::Result;
use deploy_core::manifest::to_yaml;
use deploy_k8s::{Release, ReleaseContent, ReleaseRevision};
use serde_json::{Value, json};

pub(crate) use args::ReleaseArgs;
use args::{ReleaseCommand, Show};

use crate::Done;
use crate::paint::{Paint, Tone, printable};
use crate::session::Session;

pub(crate) async fn release(args: &ReleaseArgs, session: &Session) -> Result<Done> {
    session.ready();
    let open = |name: &str| Release::new(session.cluster.clone(), &session.namespace, name);
    match &args.command {
        ReleaseCommand::List(args) => {
            let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
            let releases = session.unless_cancelled(Release::list(&session.cluster, namespace)).await?;
            let whereabouts =
                namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
            Ok(Done {
                json: json!({"releases": releases}),
                good: true,
                text: Box::new(move |paint| match releases.as_slice() {
                    [] => format!("no releases{}\n", printable(&whereabouts)),
                    releases => table::list(releases, paint),
                }),
            })
        }
        ReleaseCommand::History(args) => {
            let release = open(&args.name)?;
            let revisions = session.unless_cancelled(release.revisions()).await?;
            Ok(Done {
                json: json!({"name": args.name, "namespace": session.namespace, "revisions": revisions}),
                good: true,
                text: Box::new(move |paint| table::history(&revisions, paint)),
            })
        }
        ReleaseCommand::Get(args) => {
            let content =
                session.unless_cancelled(open(&args.revision.name)?.get(args.revision.revision)).await?;
            let show = args.show;
            Ok(Done {
                json: whole(&content),
                good: true,
                // As it is, for whoever reads it from a pipe.
                text: Box::new(move |_| part(&content, show)),
            })
        }
        ReleaseCommand::Status(args) => {
            let content =
                session.unless_cancelled(open(&args.revision.name)?.get(args.revision.revision)).await?;
            let mut json = json!(content.revision);
            json["notes"] = content.notes.clone().into();
            Ok(Done {
                json,
                good: true,
                text: Box::new(move |paint| status(&content.revision, &content.notes, paint)),
            })
        }
    }
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
