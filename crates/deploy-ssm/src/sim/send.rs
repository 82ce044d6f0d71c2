//! `SendCommand` and `CancelCommand`: what is accepted, and to whom it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::account::{Account, State};
use super::agent::{Order, dispatch};
use super::command::{Invocation, Sent};
use super::node::{Node, Ping};
use super::wire::{Answer, Refusal, needed, number, text, texts};

/// Bytes that the parameters may take with the document.
const MAX_DOCUMENT: usize = 64 * 1024;
const MAX_IDS: usize = 50;
const MAX_TARGETS: usize = 5;
const MAX_COMMENT: usize = 100;
/// `executionTimeout` where it is not given or out of range.
const EXECUTION_TIMEOUT: u64 = 3_600;

/// Sends the command on its way and tells it as it was accepted.
pub(super) fn send_command(account: &Arc<Account>, input: &Value, is_here: bool) -> Answer {
    let timeout = number(input, "TimeoutSeconds", 30..=2_592_000, 3_600)?;
    let comment = text(input, "Comment").unwrap_or_default();
    if comment.chars().count() > MAX_COMMENT {
        let constraint = format!("Member must have length less than or equal to {MAX_COMMENT}");
        return Err(Refusal::invalid("comment", constraint));
    }
    let max_concurrency = share(input, "MaxConcurrency", "50", 1)?;
    let max_errors = share(input, "MaxErrors", "0", 0)?;
    let (lines, order) = script(input)?;
    let mut state = account.state();
    let nodes = receivers(&state, input, is_here)?;
    let sent = Sent {
        id: state.new_id(),
        requested: account.clock.now(),
        comment: comment.to_owned(),
        parameters: input["Parameters"].clone(),
        instance_ids: texts(&input["InstanceIds"]),
        targets: if input["Targets"].is_array() { input["Targets"].clone() } else { json!([]) },
        timeout: Duration::from_secs(timeout.unsigned_abs()),
        max_concurrency,
        max_errors,
        invocations: nodes.iter().map(|id| (id.clone(), Invocation::new())).collect(),
        invisible: account.options.invisible_calls,
        unlisted: account.options.unlisted_calls,
    };
    let order = Order {
        command: sent.id.clone(),
        lines,
        timeout: sent.timeout,
        at_once: part(&sent.max_concurrency, nodes.len()),
        errors: part(&sent.max_errors, nodes.len()),
        nodes,
        ..order
    };
    let answer = json!({"Command": sent.to_json()});
    state.commands.push(sent);
    drop(state);
    account.spawn(dispatch(Arc::clone(account), order));
    Ok(answer)
}

/// Asks those that have not ended to stop.
pub(super) fn cancel_command(account: &Account, input: &Value, is_here: bool) -> Answer {
    let id = needed(input, "CommandId")?;
    let only = texts(&input["InstanceIds"]);
    distinct(&only)?;
    let now = account.clock.now();
    let mut state = account.state();
    let sent = state.command(id).filter(|_| is_here);
    let sent =
        sent.ok_or_else(|| Refusal::new("InvalidCommandId", "The specified command ID isn't valid."))?;
    if let Some(unknown) = only.iter().find(|id| !sent.invocations.contains_key(*id)) {
        return Err(Refusal::new("InvalidInstanceId", format!("{unknown} has not got this command")));
    }
    for (id, one) in &mut sent.invocations {
        if only.is_empty() || only.contains(id) {
            one.cancel(now);
        }
    }
    Ok(json!({}))
}

/// The lines and the bounds that the document's parameters say.
fn script(input: &Value) -> Result<(String, Order), Refusal> {
    let document = needed(input, "DocumentName")?;
    if document != "AWS-RunShellScript" {
        return Err(Refusal::new(
            "InvalidDocument",
            format!("Document with name {document} does not exist."),
        ));
    }
    let parameters = &input["Parameters"];
    if parameters.to_string().len() > MAX_DOCUMENT {
        return Err(Refusal::new("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB."));
    }
    let known = ["commands", "executionTimeout", "workingDirectory"];
    let given: BTreeMap<String, Value> =
        parameters.as_object().cloned().unwrap_or_default().into_iter().collect();
    if let Some(unknown) = given.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Refusal::new(
            "InvalidParameters",
            format!("Parameter \"{unknown}\" is not in the document."),
        ));
    }
    let lines = texts(&parameters["commands"]);
    if lines.is_empty() {
        return Err(Refusal::new("InvalidParameters", "Parameter \"commands\" requires a value."));
    }
    let one = |name: &str| texts(&parameters[name]).into_iter().next().filter(|value| !value.is_empty());
    let allowed =
        one("executionTimeout").and_then(|value| value.parse().ok()).filter(|s| (5..=172_800).contains(s));
    let order = Order {
        command: String::new(),
        nodes: Vec::new(),
        lines: String::new(),
        working_directory: one("workingDirectory").map(Into::into),
        timeout: Duration::ZERO,
        execution_timeout: Duration::from_secs(allowed.unwrap_or(EXECUTION_TIMEOUT)),
        at_once: 1,
        errors: 0,
    };
    Ok((lines.join("\n"), order))
}

/// The nodes it goes to, by id or by tags.
fn receivers(state: &State, input: &Value, is_here: bool) -> Result<Vec<String>, Refusal> {
    let ids = texts(&input["InstanceIds"]);
    let targets = input["Targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if ids.len() > MAX_IDS {
        return Err(Refusal::invalid(
            "instanceIds",
            format!("Member must have length less than or equal to {MAX_IDS}"),
        ));
    }
    if targets.len() > MAX_TARGETS {
        return Err(Refusal::invalid(
            "targets",
            format!("Member must have length less than or equal to {MAX_TARGETS}"),
        ));
    }
    match (ids.is_empty(), targets.is_empty()) {
        (true, true) => Err(Refusal::new("InvalidInstanceId", "No instance IDs and no targets were given.")),
        (false, false) => {
            Err(Refusal::new("ValidationException", "InstanceIds and Targets exclude each other."))
        }
        (false, true) => {
            distinct(&ids)?;
            for id in &ids {
                let node = state.node(id).filter(|node| is_here && node.ping != Ping::Inactive);
                let Some(node) = node else {
                    return Err(Refusal::new(
                        "InvalidInstanceId",
                        format!("Instances [[{id}]] not in a valid state for account 123456789012"),
                    ));
                };
                if node.platform != "Linux" {
                    let message = format!("{id} is of a platform that the document doesn't support.");
                    return Err(Refusal::new("UnsupportedPlatformType", message));
                }
            }
            Ok(ids)
        }
        (true, false) => {
            let nodes = state.nodes.values().map(|managed| managed.node.borrow().clone());
            let hit = nodes.filter(|node| is_here && targets.iter().all(|target| hits(node, target)));
            Ok(hit.map(|node| node.id).collect())
        }
    }
}

fn hits(node: &Node, target: &Value) -> bool {
    let values = texts(&target["Values"]);
    match target["Key"].as_str().unwrap_or_default() {
        "InstanceIds" => values.contains(&node.id),
        key => key
            .strip_prefix("tag:")
            .and_then(|key| node.tags.get(key))
            .is_some_and(|value| values.contains(value)),
    }
}

fn distinct(ids: &[String]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    match ids.iter().find(|id| !seen.insert(*id)) {
        Some(twice) => Err(Refusal::new("DuplicateInstanceId", format!("{twice} was given twice"))),
        None => Ok(()),
    }
}

/// A number or a percentage, as it was given.
fn share(input: &Value, member: &str, default: &str, least: usize) -> Result<String, Refusal> {
    let given = text(input, member).unwrap_or(default);
    let digits = given.strip_suffix('%').unwrap_or(given);
    let number: Option<usize> =
        digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let most = if digits.len() < given.len() { 100 } else { 999_999 };
    match number.filter(|number| (least..=most).contains(number)) {
        Some(_) => Ok(given.to_owned()),
        None => Err(Refusal::invalid(member, "Member must be a number or a percentage")),
    }
}

/// How many of `all` it means.
fn part(share: &str, all: usize) -> usize {
    match share.strip_suffix('%') {
        Some(percent) => all * percent.parse().unwrap_or(100) / 100,
        None => share.parse().unwrap_or(usize::MAX),
    }
}
