//! `GetCommandInvocation`, `ListCommands`, `ListCommandInvocations`.

use deploy_core::clock::Timestamp;
use serde_json::{Value, json};

use super::account::Account;
use super::command::Sent;
use super::wire::{Answer, Refusal, needed, number, page, text};

pub(super) fn get_command_invocation(account: &Account, input: &Value, is_here: bool) -> Answer {
    let (id, instance) = (needed(input, "CommandId")?, needed(input, "InstanceId")?);
    if text(input, "PluginName").is_some_and(|name| name != "aws:runShellScript") {
        return Err(Refusal::new("InvalidPluginName", "The plugin name isn't valid."));
    }
    let mut state = account.state();
    let sent = state.command(id).filter(|_| is_here);
    sent.and_then(|sent| {
        if !is_visible(account, sent) {
            return None;
        }
        let one = sent.invocations.get(instance)?;
        Some(sent.invocation(instance, one, account.options.spaced_details))
    })
    .ok_or_else(|| Refusal::new("InvocationDoesNotExist", ""))
}

pub(super) fn list_commands(account: &Account, input: &Value, is_here: bool) -> Answer {
    let size = number(input, "MaxResults", 1..=50, 50)?;
    let filters = Filters::of(input)?;
    let (id, instance) = (text(input, "CommandId"), text(input, "InstanceId"));
    let mut state = account.state();
    let mut found: Vec<(String, Value)> = Vec::new();
    for sent in state.commands.iter_mut().filter(|_| is_here) {
        let is_listed = sent.unlisted == 0;
        sent.unlisted = sent.unlisted.saturating_sub(1);
        let is_asked = id.is_none_or(|id| sent.id == id)
            && instance.is_none_or(|instance| sent.invocations.contains_key(instance));
        if is_listed && is_asked && filters.pass(sent.requested, sent.status().0) {
            found.push((sent.id.clone(), sent.to_json()));
        }
    }
    // The newest first.
    found.reverse();
    let (commands, next) = page(found, input, size)?;
    Ok(json!({"Commands": commands, "NextToken": next}))
}

pub(super) fn list_command_invocations(account: &Account, input: &Value, is_here: bool) -> Answer {
    let size = number(input, "MaxResults", 1..=50, 50)?;
    let filters = Filters::of(input)?;
    let (id, instance) = (text(input, "CommandId"), text(input, "InstanceId"));
    let details = input["Details"].as_bool().unwrap_or(false);
    let mut state = account.state();
    let names: std::collections::BTreeMap<String, String> = state
        .nodes
        .iter()
        .map(|(id, managed)| (id.clone(), managed.node.borrow().computer.clone()))
        .collect();
    let mut found = Vec::new();
    for sent in state.commands.iter_mut().filter(|sent| is_here && id.is_none_or(|id| sent.id == id)).rev() {
        if !is_visible(account, sent) {
            continue;
        }
        for (node, one) in &sent.invocations {
            let is_asked = instance.is_none_or(|instance| instance == node);
            if is_asked && filters.pass(sent.requested, one.status.name()) {
                let name = names.get(node).map_or("", String::as_str);
                let listed = sent.listed(node, name, account.options.spaced_details, details);
                found.push((format!("{}-{node}", sent.id), listed));
            }
        }
    }
    let (invocations, next) = page(found, input, size)?;
    Ok(json!({"CommandInvocations": invocations, "NextToken": next}))
}

/// Whether its invocations are told by now. Counts this look.
fn is_visible(account: &Account, sent: &mut Sent) -> bool {
    let is_old = account.clock.now().since(sent.requested) >= account.options.invisible_for;
    let is_visible = sent.invisible == 0 && is_old;
    sent.invisible = sent.invisible.saturating_sub(1);
    is_visible
}

/// `Filters` of both lists.
#[derive(Default)]
struct Filters {
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    status: Option<String>,
    finds_nothing: bool,
}

impl Filters {
    fn of(input: &Value) -> Result<Self, Refusal> {
        let mut filters = Self::default();
        for filter in input["Filters"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let value = filter["value"].as_str().unwrap_or_default();
            let time = || {
                let parsed = value.parse().map_err(|_| Refusal::invalid("filters", "not a timestamp"));
                parsed.map(Some)
            };
            match filter["key"].as_str().unwrap_or_default() {
                "InvokedAfter" => filters.after = time()?,
                "InvokedBefore" => filters.before = time()?,
                "Status" => filters.status = Some(value.to_owned()),
                "DocumentName" => filters.finds_nothing |= value != "AWS-RunShellScript",
                _ => return Err(Refusal::new("InvalidFilterKey", "The specified key isn't valid.")),
            }
        }
        Ok(filters)
    }

    fn pass(&self, requested: Timestamp, status: &str) -> bool {
        !self.finds_nothing
            && self.after.is_none_or(|after| requested >= after)
            && self.before.is_none_or(|before| requested < before)
            && self.status.as_deref().is_none_or(|wanted| wanted == status)
    }
}
