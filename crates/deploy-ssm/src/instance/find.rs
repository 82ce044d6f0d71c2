//! Asks SSM, and EC2 before it where that was asked for.

use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter};
use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};

use super::choose::{Candidate, choose};
use super::selector::{By, Instances, MOST};
use super::{Instance, PingStatus};
use crate::aws::operation::command::FIND;
use crate::aws::{Aws, failed};

/// Nodes that SSM tells at once.
const PAGE: i32 = 50;
/// Nodes that are read at most; so many match only what was not meant.
const READ: usize = 1_000;
/// Pages that are read at most: a page may be empty, and yet not the last.
const PAGES: usize = 200;

impl Instances {
    /// The nodes that are meant: one, or the whole fleet. Cancel safe.
    ///
    /// # Errors
    /// `NotFound` where SSM manages none like that, `Unavailable` for one that is not online, `InvalidInput` for several that are no fleet; each says
    /// what to do. What AWS refuses.
    pub async fn find(&self, aws: &Aws) -> Result<Vec<Instance>> {
        let running: Option<Vec<Candidate>> = match &self.by {
            #[cfg(feature = "ec2")]
            By::Named(pattern) => Some(super::ec2::running(aws, pattern).await?),
            _ => None,
        };
        let found = match (&self.by, &running) {
            (By::Ids(ids), _) => by_ids(aws, ids).await?,
            (_, Some(running)) => {
                let ids: Vec<String> = running.iter().map(|candidate| candidate.id.clone()).collect();
                by_ids(aws, &ids).await?
            }
            (By::Tags(tags), None) => {
                let filters = tags.iter().map(|(key, value)| filter(&format!("tag:{key}"), [value.clone()]));
                ask(aws, &filters.collect::<Result<Vec<_>>>()?).await?
            }
            #[cfg(feature = "ec2")]
            (By::Named(_), None) => Vec::new(),
        };
        // Where nothing is found, it may be in another one.
        choose(self, running.as_deref(), found, SystemClock::new().now())
            .map_err(|error| error.inside(aws.region()))
    }
}

async fn by_ids(aws: &Aws, ids: &[String]) -> Result<Vec<Instance>> {
    let mut found = Vec::new();
    for some in ids.chunks(MOST) {
        found.extend(ask(aws, &[filter("InstanceIds", some.iter().cloned())?]).await?);
    }
    Ok(found)
}

fn filter(key: &str, values: impl IntoIterator<Item = String>) -> Result<InstanceInformationStringFilter> {
    let filter =
        InstanceInformationStringFilter::builder().key(key).set_values(Some(values.into_iter().collect()));
    filter.build().map_err(|_| Error::invalid("no filter can be made of it").during("find").on("node"))
}

/// All pages. PingStatus is no filter of this: SSM joins it with no tag.
async fn ask(aws: &Aws, filters: &[InstanceInformationStringFilter]) -> Result<Vec<Instance>> {
    let mut found: Vec<Instance> = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let request = aws.ssm().describe_instance_information().max_results(PAGE);
        let request = request.set_filters(Some(filters.to_vec())).set_next_token(next.take());
        let answer = request.send().await.map_err(|error| failed(error, &FIND, "node"))?;
        found.extend(answer.instance_information_list().iter().filter_map(read));
        if found.len() > READ {
            return Err(Error::invalid(format!("more than {READ} nodes match"))
                .during("find")
                .on("node")
                .help("say more of the one that is meant"));
        }
        match answer.next_token.filter(|token| !token.is_empty()) {
            None => return Ok(found),
            Some(token) => next = Some(token),
        }
    }
    Err(Error::new(ErrorKind::Internal, "SSM's list of nodes has no end").during("find").on("node"))
}

/// One without an id cannot be told from others.
fn read(one: &InstanceInformation) -> Option<Instance> {
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Some(Instance {
        id: text(&one.instance_id)?,
        name: text(&one.name).or_else(|| text(&one.computer_name)),
        ip: text(&one.ip_address),
        ping: PingStatus::of(one.ping_status.as_ref().map_or("unknown", |status| status.as_str())),
        last_ping: one.last_ping_date_time.map(|time| Timestamp::from_unix_seconds(time.secs())),
        agent_version: text(&one.agent_version),
        platform: one.platform_type.as_ref().map(|platform| platform.as_str().to_owned()),
    })
}
