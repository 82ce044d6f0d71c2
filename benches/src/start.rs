//! From the start of a program to its first API request.
//!
//! From outside, a listener on loopback takes the API server's place and notes when the first byte comes: of the TLS handshake, whose
//! beginning needs the program loaded, the manifests read and the credentials parsed. From inside, xtask's own word.

use std::io::Read;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::Result;
use crate::manifests::{self, config_maps};
use crate::report::{Bar, Row, Unit};
use crate::session::Session;
use crate::stats::Stats;
use crate::tools::{Manifests, Tool};

/// It is over soon, and the machine has other things to do now and then.
const SAMPLES_A_ROUND: u32 = 5;
const NEVER: Duration = Duration::from_secs(20);

pub(crate) fn measure(session: &Session) -> Result<Vec<Row>> {
    eprintln!("start to first request");
    let one = manifests::write(&session.scratch, "start", &config_maps(1))?;
    let mut namespaces = session.namespaces("start");
    let namespace = namespaces.create("xtask")?;
    let (mut ours, mut inside, mut kubectl, mut helm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..session.rounds * SAMPLES_A_ROUND {
        for tool in Tool::in_turn(round) {
            let samples = match tool {
                Tool::Xtask => &mut ours,
                Tool::Kubectl => &mut kubectl,
                Tool::Helm => &mut helm,
                Tool::XtaskNamed | Tool::XtaskRelease => continue,
            };
            samples.push(first_byte(session, tool, &one)?);
        }
        let ran = session.run(Tool::Xtask, &Tool::Xtask.apply(&one, &namespace))?.good()?;
        inside.push(Stats::of(&ran)?.first);
    }
    namespaces.remove()?;
    Ok(vec![
        Row::new("start to first API request, from outside", Unit::Milliseconds, ours)
            .beside(kubectl, helm)
            .bar(Bar::AtMost(30.0)),
        Row::new("the same from inside (--stats)", Unit::Milliseconds, inside),
    ])
}

/// Milliseconds until the tool says its first word to the API server.
fn first_byte(session: &Session, tool: Tool, manifests: &Manifests) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let kubeconfig = kubeconfig(session, &listener)?;
    let clock = SystemClock::new();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more once time is up.
        let _ = tell.send(heard(&listener, clock));
    });
    let mut args = tool.apply(manifests, "default");
    args.extend(["--kubeconfig", &kubeconfig]);
    let started = clock.now();
    let mut child = session.program(tool).spawn(&args)?;
    let heard = told.recv_timeout(NEVER);
    child.kill()?;
    child.wait()?;
    session.go_on()?;
    let heard = heard.map_err(|_| format!("{} sends no request", tool.name()))??;
    Ok(heard.since(started).as_secs_f64() * 1000.0)
}

fn heard(listener: &TcpListener, clock: SystemClock) -> std::io::Result<Timestamp> {
    let (mut stream, _) = listener.accept()?;
    stream.read_exact(&mut [0])?;
    Ok(clock.now())
}

/// The real one with another address, and with credentials that open nothing.
fn kubeconfig(session: &Session, listener: &TcpListener) -> Result<String> {
    let real = session.kubectl(&["config", "view", "--raw", "--minify", "-o", "json"])?;
    let real: Value = serde_json::from_str(&real)?;
    let mut cluster = real.pointer("/clusters/0/cluster").cloned().unwrap_or_default();
    cluster["server"] = format!("https://{}", listener.local_addr()?).into();
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": cluster}],
        "users": [{"name": "bench", "user": {"token": "none"}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
    });
    session.scratch.write("kubeconfig", &kubeconfig.to_string())
}
