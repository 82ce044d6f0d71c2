//! The names under which clients find an API server.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::FromStr;

use rustls::pki_types::DnsName;

/// A name under which clients find an API server: a DNS name or an IP address, no pattern of names.
///
/// ```
/// use deploy_sim::Host;
///
/// let host: Host = "sim.shop.example".parse()?;
/// assert_eq!(host.to_string(), "sim.shop.example");
/// assert!("*.example".parse::<Host>().is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host(Name);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Dns(String),
    Ip(IpAddr),
}

impl Host {
    /// The address, where it is one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match &self.0 {
            Name::Dns(_) => None,
            Name::Ip(ip) => Some(*ip),
        }
    }

    /// As it stands in a URL.
    pub(crate) fn in_url(&self) -> String {
        match &self.0 {
            Name::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.to_string(),
        }
    }
}

/// What clients look for in a certificate: letters, digits, `-` and `_`, with dots between; 253 characters at most.
impl FromStr for Host {
    type Err = io::Error;

    fn from_str(text: &str) -> Result<Self, io::Error> {
        if let Ok(ip) = text.parse() {
            return Ok(Self(Name::Ip(ip)));
        }
        match DnsName::try_from(text) {
            Ok(_) if !text.ends_with('.') => Ok(Self(Name::Dns(text.to_ascii_lowercase()))),
            _ => {
                let why = format!("{text:?} is no host: neither a DNS name nor an IP address");
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Self(Name::Ip(ip))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Dns(name) => f.write_str(name),
            Name::Ip(ip) => ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        let check = |text: &str, in_url: &str| {
            let host: Host = text.parse().unwrap();
            assert_eq!(host.in_url(), in_url);
        };
        check("sim", "sim");
        check("Sim_1.shop.svc", "sim_1.shop.svc");
        check("10.0.0.7", "10.0.0.7");
        check("FD00::1", "[fd00::1]");
        check(
            &format!("{}.a", vec!["a".repeat(50); 4].join(".")),
            &format!("{}.a", vec!["a".repeat(50); 4].join(".")),
        );
        let long = vec!["a".repeat(50); 5].join(".");
        for wrong in [
            "",
            ".",
            "a..b",
            "a.",
            "-a",
            "a-",
            "*.a",
            "a b",
            "a/b",
            "a:1",
            "[::1]",
            "300.1.1.1",
            "ä",
            &long,
            &"a".repeat(64),
        ] {
            let why = wrong.parse::<Host>().unwrap_err();
            assert!(why.to_string().contains("is no host: neither"), "{wrong:?}: {why}");
        }
    }
}
