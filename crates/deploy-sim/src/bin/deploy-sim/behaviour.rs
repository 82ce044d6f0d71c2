//! What `--image` and `--fault` say.

use std::time::Duration;

use deploy_sim::{Fault, Image};

use crate::words::{time, words};

/// What is to go wrong.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Fault(Fault),
    Down(Duration),
}

/// Reads `NAME=BEHAVIOUR[,…]`.
///
/// # Errors
/// What it does not know.
pub(crate) fn image(text: &str) -> Result<(String, Image), String> {
    let (name, said) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("write it like NAME=BEHAVIOUR, shop/api:v2=exits:1")?;
    let (mut image, mut logs) = (Image::new(), Vec::new());
    let said = words(said);
    refuse_contradictions(&said)?;
    for (word, value) in said {
        let needs = || value.ok_or(format!("\"{word}\" needs a value: {word}:…"));
        let after = || value.map_or(Ok(Duration::ZERO), time);
        image = match word {
            "runs" => image,
            "not-found" => Image::not_found(),
            "unreachable" => Image::unreachable(),
            "exits" => {
                let (code, after) = needs()?.split_once(':').unwrap_or((needs()?, "0s"));
                let code = code.parse().map_err(|_| format!("\"{code}\" is no exit code: 0 to 255"))?;
                image.exits(code, time(after)?)
            }
            "out-of-memory" => image.out_of_memory(after()?),
            "ready-after" => image.ready_after(time(needs()?)?),
            "never-ready" => image.never_ready(),
            "unhealthy-after" => image.unhealthy_after(time(needs()?)?),
            "stops-after" => image.stops_after(time(needs()?)?),
            "ignores-sigterm" => image.ignores_sigterm(),
            "log" => {
                logs.push(needs()?.to_owned());
                image
            }
            "serves" => {
                let (port, address) =
                    needs()?.split_once(':').ok_or("write it like serves:80:127.0.0.1:8080")?;
                let port = port.parse().map_err(|_| format!("\"{port}\" is no port"))?;
                image.serves(port, address.parse().map_err(|_| format!("\"{address}\" is no address"))?)
            }
            "" => return Err(format!("write what \"{name}\" does behind the =: {name}=exits:1")),
            other => return Err(format!("images do not know \"{other}\"; --help tells what they know")),
        };
    }
    if !logs.is_empty() {
        image = image.logs(logs);
    }
    Ok((name.to_owned(), image))
}

/// Of which an image does one.
const ONE_OF: [&[&str]; 2] = [&["runs", "exits", "out-of-memory"], &["ready-after", "never-ready"]];
/// What leaves nothing else to do.
const ALONE: [&str; 2] = ["not-found", "unreachable"];
/// What may be said many times.
const MANY: [&str; 2] = ["log", "serves"];

fn refuse_contradictions(said: &[(&str, Option<&str>)]) -> Result<(), String> {
    for (at, (word, _)) in said.iter().enumerate() {
        for (other, _) in said.iter().skip(at + 1) {
            let both = |of: &[&str]| of.contains(word) && of.contains(other);
            let is_twice = word == other && !MANY.contains(word);
            let is_alone = ALONE.contains(word) || ALONE.contains(other);
            if is_twice || is_alone || ONE_OF.iter().any(|of| both(of)) {
                return Err(format!("an image does not do both \"{word}\" and \"{other}\""));
            }
        }
    }
    Ok(())
}

/// The methods that the API server knows.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A method as requests have it; empty for any.
fn method(text: &str) -> Result<String, String> {
    let method = text.to_ascii_uppercase();
    match method.as_str() {
        "*" => Ok(String::new()),
        known if METHODS.contains(&known) => Ok(method),
        _ => Err(format!("\"{text}\" is no method of the API: one of {}, or *", METHODS.join(", "))),
    }
}

/// Reads `KIND[:TIME][,on:METHOD PATH][,skip:N][,times:N]`.
///
/// # Errors
/// What it does not know.
pub(crate) fn trouble(text: &str) -> Result<Trouble, String> {
    let mut all = words(text).into_iter();
    let (kind, value) = all.next().unwrap_or_default();
    let needed = || value.ok_or(format!("\"{kind}\" needs a time: {kind}:2s")).and_then(time);
    let mut fault = match kind {
        "latency" => Fault::latency(needed()?),
        "overloaded" => Fault::overloaded(value.map_or(Ok(Duration::from_secs(1)), time)?),
        "server-error" => Fault::server_error(),
        "request-lost" => Fault::request_lost(),
        "answer-lost" => Fault::answer_lost(),
        "watch-broken" => Fault::watch_broken(needed()?),
        "expired" => Fault::expired(),
        "down" => {
            return match all.next() {
                None => Ok(Trouble::Down(needed()?)),
                Some((word, _)) => Err(format!("\"down\" concerns all requests: it takes no \"{word}\"")),
            };
        }
        other => return Err(format!("there is no fault \"{other}\"; --help lists them")),
    };
    for (word, value) in all {
        let value = value.ok_or(format!("\"{word}\" needs a value: {word}:…"))?;
        let number = || value.parse::<u32>().map_err(|_| format!("\"{value}\" is no number"));
        fault = match word {
            "on" => {
                let (name, path) = value.split_once(' ').ok_or("write it like on:PATCH /deployments/")?;
                fault.on(&method(name)?, path)
            }
            "skip" => fault.skip(number()?),
            "times" if value == "always" => fault.times(u32::MAX),
            "times" => match number()? {
                0 => return Err("\"times:0\" is no fault at all: times:1 or more".into()),
                times => fault.times(times),
            },
            other => return Err(format!("faults do not know \"{other}\", only on, skip and times")),
        };
    }
    Ok(Trouble::Fault(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        let check = |text: &str, name: &str, expect: Image| {
            let (found, image) = image(text).unwrap();
            assert_eq!((found.as_str(), format!("{image:?}")), (name, format!("{expect:?}")), "{text}");
        };
        let second = Duration::from_secs(1);
        check("*=runs", "*", Image::new());
        check("a:1=not-found", "a:1", Image::not_found());
        check(
            "r.x/a:1=exits:3:1s,log:a: b,log:c",
            "r.x/a:1",
            Image::new().exits(3, second).logs(["a: b", "c"]),
        );
        check("a=exits:1,log:one, two", "a", Image::new().exits(1, Duration::ZERO).logs(["one, two"]));
        check("a=exits:1", "a", Image::new().exits(1, Duration::ZERO));
        check("a=ready-after:1s,ignores-sigterm", "a", Image::new().ready_after(second).ignores_sigterm());
        check("a=serves:80:127.0.0.1:8080", "a", Image::new().serves(80, "127.0.0.1:8080".parse().unwrap()));
        for text in [
            "a",
            "=runs",
            "a=",
            "a=exits:1,not-found",
            "a=runs,exits:1",
            "a=runs,runs",
            "a=exits",
            "a=exits:999",
            "a=ready-after",
            "a=serves:80",
            "a=log",
            "a=x",
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn troubles() {
        let check = |text: &str, expect: Fault| {
            let Trouble::Fault(fault) = trouble(text).unwrap() else { panic!("{text}") };
            assert_eq!(format!("{fault:?}"), format!("{expect:?}"), "{text}");
        };
        let second = Duration::from_secs(1);
        check("latency:1s", Fault::latency(second));
        check("overloaded", Fault::overloaded(second));
        check(
            "overloaded:1s,on:PATCH /deployments/,times:3,skip:2",
            Fault::overloaded(second).on("PATCH", "/deployments/").times(3).skip(2),
        );
        check("expired,times:always,on:* /pods", Fault::expired().times(u32::MAX).on("", "/pods"));
        check("expired,on:patch /x", Fault::expired().on("PATCH", "/x"));
        assert!(matches!(trouble("down:1s"), Ok(Trouble::Down(time)) if time == second));
        for text in [
            "",
            "latency",
            "down",
            "down:1s,times:2",
            "expired,times:0",
            "expired,on:PET /x",
            "expired,times",
            "expired,times:x",
            "expired,on:/pods",
        ] {
            assert!(trouble(text).is_err(), "{text}");
        }
    }
}
