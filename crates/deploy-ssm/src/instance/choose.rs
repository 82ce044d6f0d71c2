//! Which of what was found is taken, or why none: a decision about data.

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};

use super::selector::{By, Instances, MOST};
use super::{Instance, PingStatus};

/// What is wrong with a node that SSM does not know.
const NOT_MANAGED: &str = "see that the SSM agent runs on it, that its instance profile allows what AmazonSSMManagedInstanceCore does, and that it \
     reaches SSM (a route out, or the endpoints ssm, ssmmessages and ec2messages in its VPC)";

/// A node that somebody else than SSM knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) ip: Option<String>,
}

/// Of the nodes that SSM knows, those that are meant. `running` is what EC2 said, where it was asked.
pub(super) fn choose(
    meant: &Instances,
    running: Option<&[Candidate]>,
    mut found: Vec<Instance>,
    now: Timestamp,
) -> Result<Vec<Instance>> {
    let failed =
        |kind, message: String| Error::new(kind, message).during("find").on(format!("node by {meant}"));
    if let Some(running) = running {
        name(&mut found, running);
        if running.is_empty() {
            return Err(failed(ErrorKind::NotFound, "no instance of that name runs in this region".into())
                .help("see its tag Name, its state in EC2, the account and the region"));
        }
    }
    // Several are told before what is wrong with one of them: it may be another one that is meant.
    let unmanaged = unmanaged(meant, running, &found);
    let count = found.len() + unmanaged.len();
    if meant.fleet.is_none() && count > 1 {
        let mut lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        lines.extend(unmanaged.iter().map(|one| format!("{one} (not managed by SSM)")));
        return Err(failed(ErrorKind::InvalidInput, format!("{count} nodes match: {}", some(&lines)))
            .help("name one by its id, say more of it, or ask for a fleet"));
    }
    if count > MOST {
        return Err(failed(ErrorKind::InvalidInput, format!("{count} nodes match, more than {MOST}"))
            .help("deploy to them in parts: SSM takes no more in a command"));
    }
    if !unmanaged.is_empty() {
        let what = if running.is_some() {
            format!("{} runs in EC2, but SSM does not manage it", some(&unmanaged))
        } else {
            format!("SSM does not manage {} in this region", some(&unmanaged))
        };
        return Err(failed(ErrorKind::NotFound, what).help(NOT_MANAGED));
    }
    if found.is_empty() {
        return Err(failed(ErrorKind::NotFound, "SSM manages no node like that in this region".into()).help(
            format!(
                "see key and value of the tag (their case matters), the account and the region; {NOT_MANAGED}"
            ),
        ));
    }
    for node in &found {
        usable(node, now).map_err(|error| error.during("find").on(format!("node {node}")))?;
    }
    Ok(found)
}

/// Whether a script can be sent there now.
fn usable(node: &Instance, now: Timestamp) -> Result<()> {
    let heard = node.last_ping.map_or_else(String::new, |last| {
        format!("; it was last heard of {} ({} ago)", to_second(last), ago(now.since(last).as_secs()))
    });
    let failed = |message: String| Error::new(ErrorKind::Unavailable, message);
    match &node.ping {
        PingStatus::Online => {}
        PingStatus::ConnectionLost => {
            return Err(failed(format!("SSM has lost the connection to its agent{heard}"))
                .help("see that the node runs and has memory and disk left, and its way to SSM; restart amazon-ssm-agent"));
        }
        PingStatus::Inactive => {
            return Err(failed(format!("its agent is inactive{heard}"))
                .help("it is gone or was stopped long ago: start it, or name the node that took its place"));
        }
        PingStatus::Other(word) => {
            return Err(failed(format!("its PingStatus is {word}, not Online{heard}")));
        }
    }
    match node.platform.as_deref() {
        None | Some("Linux") => Ok(()),
        Some(other) => Err(Error::new(ErrorKind::Unsupported, format!("it runs {}", other.escape_default()))
            .help("K3s runs on Linux: name the server's node")),
    }
}

/// Those that are meant by id, or that EC2 knows, and SSM does not.
fn unmanaged(meant: &Instances, running: Option<&[Candidate]>, found: &[Instance]) -> Vec<String> {
    let is_known = |id: &str| found.iter().any(|node| node.id == id);
    match (&meant.by, running) {
        (By::Ids(ids), _) => ids.iter().filter(|id| !is_known(id)).cloned().collect(),
        (_, Some(running)) => {
            let unknown = running.iter().filter(|candidate| !is_known(&candidate.id));
            unknown
                .map(|candidate| match &candidate.name {
                    Some(name) => format!("{} \"{}\"", candidate.id, name.escape_default()),
                    None => candidate.id.clone(),
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// EC2 knows better names than SSM.
fn name(found: &mut [Instance], running: &[Candidate]) {
    for node in found {
        if let Some(candidate) = running.iter().find(|candidate| candidate.id == node.id) {
            node.name = candidate.name.clone().or(node.name.take());
            node.ip = candidate.ip.clone().or(node.ip.take());
        }
    }
}

/// The first ten, and how many more there are.
fn some(lines: &[String]) -> String {
    let shown = lines.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    match lines.len() {
        0..=10 => shown,
        more => format!("{shown} and {} more", more - 10),
    }
}

fn to_second(time: Timestamp) -> Timestamp {
    Timestamp::from_unix_seconds(time.as_millis().div_euclid(1000))
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::Fleet;

    const ONE: &str = "i-0123456789abcdef0";
    const TWO: &str = "i-0123456789abcdef1";

    fn node(id: &str, ping: &str) -> Instance {
        Instance {
            id: id.into(),
            name: Some("ip-10-0-0-5".into()),
            ip: Some("10.0.0.5".into()),
            ping: PingStatus::of(ping),
            last_ping: Some("2026-11-22T18:00:00.5Z".parse().unwrap()),
            agent_version: None,
            platform: Some("Linux".into()),
        }
    }

    fn candidate(id: &str) -> Candidate {
        Candidate { id: id.into(), name: Some("k3s-master".into()), ip: None }
    }

    fn check(meant: &Instances, running: Option<&[Candidate]>, found: Vec<Instance>, expected: &[&str]) {
        let now = "2026-11-22T18:05:00Z".parse().unwrap();
        let said = match choose(meant, running, found, now) {
            Ok(taken) => taken.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
            Err(error) => format!("{:?}: {error}", error.kind()),
        };
        for part in expected {
            assert!(said.contains(part), "{said}\nhas no {part}");
        }
    }

    #[test]
    fn one_that_is_online_is_taken() {
        let by_id = Instances::id(ONE).unwrap();
        check(
            &by_id,
            None,
            vec![node(ONE, "Online")],
            &["i-0123456789abcdef0 (ip-10-0-0-5, 10.0.0.5, Online)"],
        );
        let by_tag = Instances::tag("Name", "x").unwrap();
        check(
            &by_tag,
            Some(&[candidate(ONE)]),
            vec![node(ONE, "Online")],
            &["(k3s-master, 10.0.0.5, Online)"],
        );
    }

    #[test]
    fn each_reason_says_what_to_do() {
        let by_id = Instances::id(ONE).unwrap();
        let by_tag = Instances::tag("Role", "k3s").unwrap();
        check(
            &by_id,
            None,
            vec![],
            &["NotFound: find node by i-0123456789abcdef0", "AmazonSSMManagedInstanceCore"],
        );
        check(&by_tag, None, vec![], &["NotFound: find node by tag Role=k3s", "the region"]);
        check(&by_tag, Some(&[]), vec![], &["no instance of that name runs"]);
        check(
            &by_tag,
            Some(&[candidate(ONE)]),
            vec![],
            &["\"k3s-master\" runs in EC2, but SSM does not manage it", "agent"],
        );
        let lost = "last heard of 2026-11-22T18:00:00Z (299 s ago)".replace("299 s", "4 min");
        check(
            &by_id,
            None,
            vec![node(ONE, "ConnectionLost")],
            &["Unavailable", "lost the connection", &lost],
        );
        check(
            &by_id,
            None,
            vec![node(ONE, "Inactive")],
            &["Unavailable", "inactive", "name the node that took its place"],
        );
        check(&by_id, None, vec![node(ONE, "Napping")], &["its PingStatus is Napping"]);
        let windows = Instance { platform: Some("Windows".into()), ..node(ONE, "Online") };
        check(&by_id, None, vec![windows], &["Unsupported", "it runs Windows"]);
    }

    #[test]
    fn several_are_listed_unless_a_fleet_was_asked_for() {
        let by_tag = Instances::tag("Role", "k3s").unwrap();
        let both = || vec![node(ONE, "Online"), node(TWO, "ConnectionLost")];
        check(
            &by_tag,
            None,
            both(),
            &["InvalidInput", "2 nodes match: i-0123456789abcdef0 (", "10.0.0.5, ConnectionLost)"],
        );
        check(
            &by_tag,
            Some(&[candidate(ONE), candidate(TWO)]),
            vec![node(ONE, "Online")],
            &["2 nodes match", "not managed by SSM"],
        );
        let fleet = by_tag.fleet(Fleet::default());
        check(
            &fleet,
            None,
            vec![node(ONE, "Online"), node(TWO, "Online")],
            &[&format!("{ONE} ("), &format!(" + {TWO} (")],
        );
        check(&fleet, None, both(), &["Unavailable: find node i-0123456789abcdef1"]);
        let many = (0..51).map(|number| node(&format!("i-{number:017x}"), "Online")).collect();
        check(&fleet, None, many, &["51 nodes match, more than 50"]);
    }
}
