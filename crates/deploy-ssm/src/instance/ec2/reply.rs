//! EC2's answers, in XML.

use deploy_core::error::{Error, ErrorKind, Result};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::instance::choose::Candidate;
use crate::instance::selector::is_id;

/// How deep elements are read; EC2 needs a dozen.
const DEPTH: usize = 64;
/// The longest text that an element may hold.
const TEXT: usize = 64 * 1024;

/// A page of instances.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) found: Vec<Candidate>,
    pub(super) next: Option<String>,
}

/// The answer to `DescribeInstances`.
pub(super) fn page(xml: &[u8]) -> Result<Page> {
    let instance = ["DescribeInstancesResponse", "reservationSet", "item", "instancesSet", "item"];
    let tag = ["tagSet", "item"];
    let mut page = Page::default();
    let mut now = Candidate { id: String::new(), name: None, ip: None };
    let (mut key, mut value) = (String::new(), String::new());
    let mut is_answer = false;
    walk(xml, |path, text| {
        is_answer |= path.first().is_some_and(|root| root == instance[0]);
        let Some(inner) = inside(path, &instance) else {
            if path.len() == 2 && path[1] == "nextToken" && text.is_some_and(|text| !text.is_empty()) {
                page.next = text.map(str::to_owned);
            }
            return;
        };
        match (inner, text) {
            ([], None) => {
                let done = std::mem::replace(&mut now, Candidate { id: String::new(), name: None, ip: None });
                page.found.extend(is_id(&done.id).then_some(done));
            }
            ([name], Some(text)) if name == "instanceId" => text.clone_into(&mut now.id),
            ([name], Some(text)) if name == "privateIpAddress" => now.ip = Some(text.to_owned()),
            (inner, None) if inner == tag => {
                let value = std::mem::take(&mut value);
                if std::mem::take(&mut key) == "Name" {
                    now.name = Some(value);
                }
            }
            ([a, b, leaf], Some(text)) if [a, b] == tag => match leaf.as_str() {
                "key" => text.clone_into(&mut key),
                "value" => text.clone_into(&mut value),
                _ => {}
            },
            _ => {}
        }
    })?;
    if is_answer { Ok(page) } else { Err(broken("it is no list of instances")) }
}

/// Code and message of a refusal; empty where the answer has none.
pub(super) fn refusal(xml: &[u8]) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    // What cannot be read has said nothing.
    let _ = walk(xml, |path, text| {
        let Some(text) = text else { return };
        match path.last().map(String::as_str) {
            Some("Code") if code.is_empty() => text.clone_into(&mut code),
            Some("Message") if message.is_empty() => text.clone_into(&mut message),
            _ => {}
        }
    });
    (code, message)
}

/// Tells the end of every element with its path: a leaf with its text, any other without.
fn walk(xml: &[u8], mut tell: impl FnMut(&[String], Option<&str>)) -> Result<()> {
    let mut reader = Reader::from_reader(xml);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut is_leaf = false;
    let mut buffer = Vec::new();
    loop {
        let event =
            reader.read_event_into(&mut buffer).map_err(|error| broken("it is no XML").source(error))?;
        match event {
            Event::Start(start) => {
                if path.len() == DEPTH {
                    return Err(broken("it is too deep"));
                }
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
                is_leaf = true;
            }
            Event::Empty(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                tell(&path, Some(""));
                path.pop();
                is_leaf = false;
            }
            Event::End(_) => {
                tell(&path, is_leaf.then_some(text.trim()));
                path.pop();
                text.clear();
                is_leaf = false;
            }
            Event::Text(part) => {
                text.push_str(&part.decode().map_err(|error| broken("it is no UTF-8").source(error))?);
            }
            Event::CData(part) => {
                text.push_str(&part.decode().map_err(|error| broken("it is no UTF-8").source(error))?);
            }
            Event::GeneralRef(name) => {
                text.push(meant(&name).ok_or_else(|| broken("it has an unknown entity"))?);
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(broken("it ends too early")),
            // A document type could say anything of itself.
            Event::DocType(_) => return Err(broken("it has a document type")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
        if text.len() > TEXT {
            return Err(broken("a text in it is too long"));
        }
        buffer.clear();
    }
}

/// `&#45;`, and the five that XML itself has.
fn meant(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(char)) = name.resolve_char_ref() {
        return Some(char);
    }
    Some(match &*name.decode().ok()? {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// What of a path lies in another one.
fn inside<'a>(path: &'a [String], outer: &[&str]) -> Option<&'a [String]> {
    let (head, rest) = path.split_at_checked(outer.len())?;
    (head == outer).then_some(rest)
}

fn broken(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("EC2's answer cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, rest: &str) -> String {
        format!(
            "<item><reservationId>r-1</reservationId><groupSet/><instancesSet><item><instanceId>{id}</instanceId>\
             <instanceState><code>16</code><name>running</name></instanceState>{rest}</item></instancesSet></item>"
        )
    }

    fn answer(items: &str, rest: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeInstancesResponse \
             xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><reservationSet>{items}</reservationSet>{rest}\
             </DescribeInstancesResponse>"
        )
    }

    #[test]
    fn instances_are_read() {
        let tags = "<privateIpAddress>10.0.0.5</privateIpAddress><tagSet><item><key>Role</key><value>x</value></item>\
                    <item><key>Name</key><value>a &amp; b&#33;</value></item></tagSet>\
                    <networkInterfaceSet><item><privateIpAddress>9.9.9.9</privateIpAddress></item></networkInterfaceSet>";
        let xml = answer(
            &(instance("i-0123456789abcdef0", tags)
                + &instance("i-01234567", "<tagSet/>")
                + &instance("../x", "")),
            "<nextToken>more</nextToken>",
        );
        let page = page(xml.as_bytes()).unwrap();
        let named = Candidate {
            id: "i-0123456789abcdef0".into(),
            name: Some("a & b!".into()),
            ip: Some("10.0.0.5".into()),
        };
        let bare = Candidate { id: "i-01234567".into(), name: None, ip: None };
        assert_eq!(page, Page { found: vec![named, bare], next: Some("more".into()) });
        assert_eq!(super::page(answer("", "<nextToken/>").as_bytes()).unwrap(), Page::default());
    }

    #[test]
    fn refusals_are_read() {
        let check = |xml: &str, code: &str, message: &str| {
            assert_eq!(refusal(xml.as_bytes()), (code.to_owned(), message.to_owned()));
        };
        let xml = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized.\
                   </Message></Error></Errors><RequestID>x</RequestID></Response>";
        check(xml, "UnauthorizedOperation", "You are not authorized.");
        check("<html>Bad gateway", "", "");
        check("", "", "");
    }

    #[test]
    fn what_is_hostile_is_refused() {
        let check = |xml: &str, why: &str| {
            let error = page(xml.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        check("{}", "no list of instances");
        check("<a></a>", "no list of instances");
        check("<DescribeInstancesResponse><a>", "ends too early");
        check("<a></b>", "no XML");
        check(&"<a>".repeat(100), "too deep");
        check("<!DOCTYPE x [<!ENTITY y \"z\">]><a/>", "document type");
        check("<a>&y;</a>", "unknown entity");
        check(&format!("<a>{}</a>", "x".repeat(70_000)), "too long");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = page(&bytes);
            let _ = refusal(&bytes);
        }
    }
}
