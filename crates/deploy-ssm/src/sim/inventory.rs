//! `DescribeInstanceInformation`.

use serde_json::{Value, json};

use super::account::{Account, Managed};
use super::wire::{Answer, Refusal, number, page, seconds, texts};

pub(super) fn describe(account: &Account, input: &Value, is_here: bool) -> Answer {
    let size = number(input, "MaxResults", 5..=50, 10)?;
    let filters = filters(input)?;
    let state = account.state();
    let found = state
        .nodes
        .iter()
        .filter(|(_, managed)| is_here && filters.iter().all(|(key, values)| passes(managed, key, values)))
        .map(|(id, managed)| (id.clone(), tell(managed)))
        .collect();
    let (told, next) = page(found, input, size)?;
    Ok(json!({"InstanceInformationList": told, "NextToken": next}))
}

fn filters(input: &Value) -> Result<Vec<(String, Vec<String>)>, Refusal> {
    let given = |list: &str, key: &str, values: &str| -> Vec<(String, Vec<String>)> {
        let filters = input[list].as_array().map(Vec::as_slice).unwrap_or_default();
        filters
            .iter()
            .map(|filter| (filter[key].as_str().unwrap_or_default().to_owned(), texts(&filter[values])))
            .collect()
    };
    let mut all = given("Filters", "Key", "Values");
    all.extend(given("InstanceInformationFilterList", "key", "valueSet"));
    let known = ["InstanceIds", "AgentVersion", "PingStatus", "PlatformTypes", "ResourceType"];
    let is_tag = |key: &str| key == "tag-key" || key.starts_with("tag:");
    for (key, values) in &all {
        if !is_tag(key) && !known.contains(&key.as_str()) {
            return Err(Refusal::new("InvalidFilterKey", format!("The filter key {key} isn't valid.")));
        }
        if values.is_empty() {
            return Err(Refusal::new(
                "InvalidInstanceInformationFilterValue",
                format!("{key} has no value."),
            ));
        }
    }
    if all.iter().any(|(key, _)| is_tag(key)) && !all.iter().all(|(key, _)| is_tag(key)) {
        return Err(Refusal::new(
            "InvalidFilterKey",
            "Tag filters can't be combined with other filter types.",
        ));
    }
    Ok(all)
}

fn passes(managed: &Managed, key: &str, values: &[String]) -> bool {
    let node = managed.node.borrow();
    let is = |text: &str| values.iter().any(|value| value == text);
    match key {
        "InstanceIds" => is(&node.id),
        "AgentVersion" => is(&node.agent_version),
        "PingStatus" => is(node.ping.name()),
        "PlatformTypes" => is(node.platform),
        "ResourceType" => is(resource_type(&node.id)),
        "tag-key" => node.tags.keys().any(|key| is(key)),
        tag => tag.strip_prefix("tag:").and_then(|key| node.tags.get(key)).is_some_and(|value| is(value)),
    }
}

fn tell(managed: &Managed) -> Value {
    let node = managed.node.borrow();
    let is_linux = node.platform == "Linux";
    json!({
        "InstanceId": node.id,
        "PingStatus": node.ping.name(),
        "LastPingDateTime": seconds(managed.last_ping),
        "AgentVersion": node.agent_version,
        "IsLatestVersion": false,
        "PlatformType": node.platform,
        "PlatformName": if is_linux { "Ubuntu" } else { "Microsoft Windows Server 2022 Datacenter" },
        "PlatformVersion": if is_linux { "24.04" } else { "10.0.20348" },
        "ResourceType": resource_type(&node.id),
        "Name": node.name,
        "IPAddress": node.ip,
        "ComputerName": node.computer,
    })
}

fn resource_type(id: &str) -> &'static str {
    if id.starts_with("mi-") { "ManagedInstance" } else { "EC2Instance" }
}
