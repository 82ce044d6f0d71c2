//! The judge in Rust over the same polls, and what both must agree on.

use std::collections::BTreeSet;

use deploy_core::clock::Timestamp;
use deploy_core::event::EventKind;
use deploy_core::health::{Assessment, Judge, Patience, PodPhases, Verdict, World};
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

use crate::node::{Node, Poll, Said, pods, verdicts};

/// What was listed at a moment.
pub(crate) type Snapshot = (Timestamp, Vec<Value>);

/// Runs both over the same polls; they must agree on every word.
pub(crate) fn compare(
    awk: &str,
    patience: &Patience,
    targets: &[ObjectId],
    snapshots: &[Snapshot],
) -> Result<(), String> {
    let node = Node::new(awk, patience, targets);
    let polls: Vec<Poll> = snapshots.iter().map(|(now, objects)| Poll::of(*now, objects)).collect();
    let (judge, mut world, mut phases) = (Judge::new(patience.clone()), World::new(), PodPhases::new());
    for (number, (text, (now, objects))) in node.polls(&polls).iter().zip(snapshots).enumerate() {
        take(&mut world, objects, *now);
        let (mut told, all) = (Vec::new(), verdicts(text));
        assert_eq!(all.len(), targets.len(), "poll {number}: {text}");
        for (index, (target, said)) in targets.iter().zip(all).enumerate() {
            let mut expect = expected(&judge.judge(target, &world, *now));
            // What has no status to wait for is not asked for on the node: that it was applied is enough.
            if world.get(target).is_none()
                && ["ConfigMap", "CronJob", "Ingress"].contains(&target.kind.as_str())
            {
                expect.state = "healthy".into();
                expect.progress = "has no status to wait for".into();
            }
            if said != expect {
                return Err(format!(
                    "poll {number}, {target}: awk said {said:#?}, must say {expect:#?}\n{}",
                    polls[number].text
                ));
            }
            for news in phases.news(target, &world) {
                let EventKind::Pod { pod, phase, reason, .. } = news else { continue };
                let phase =
                    serde_json::to_value(phase).expect("is written").as_str().unwrap_or_default().to_owned();
                told.push((index + 1, pod, phase, reason));
            }
        }
        let mut awk_told = pods(text);
        awk_told.sort();
        told.sort();
        if awk_told != told {
            return Err(format!("poll {number}: awk told {awk_told:?}, must tell {told:?}"));
        }
    }
    Ok(())
}

/// Takes a poll as the whole of what there is.
fn take(world: &mut World, objects: &[Value], now: Timestamp) {
    let mut kinds: BTreeSet<(String, String)> =
        world.objects().map(|object| (object.group().to_owned(), object.kind().to_owned())).collect();
    let objects: Vec<Object> = objects.iter().filter_map(|value| Object::new(value.clone()).ok()).collect();
    kinds.extend(objects.iter().map(|object| (object.group().to_owned(), object.kind().to_owned())));
    for (group, kind) in kinds {
        let same = |object: &&Object| object.group() == group && object.kind() == kind;
        world.replace_kind(&group, &kind, None, objects.iter().filter(same).cloned(), now);
    }
}

fn expected(said: &Assessment) -> Said {
    let state = match said.verdict {
        Verdict::Healthy => "healthy",
        Verdict::Failed { .. } => "failed",
        _ => "progressing",
    };
    let (progress, suspect) = (said.progress.clone(), said.suspect.clone());
    Said { state: state.into(), progress, failure: said.failure().cloned(), suspect }
}
