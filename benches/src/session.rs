//! What all measurements share: the tools, a folder of their own, and whether a person wants to stop.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::Result;
use crate::environment::Environment;
use crate::namespaces::Namespaces;
use crate::program::{Program, Ran};
use crate::tools::Tool;

/// A benchmark at work.
pub(crate) struct Session {
    pub(crate) rounds: u32,
    pub(crate) registry: String,
    pub(crate) workspace: PathBuf,
    /// Where results go.
    pub(crate) folder: PathBuf,
    /// Removed in the end.
    pub(crate) scratch: Scratch,
    xtask: Program,
    kubectl: Program,
    helm: Program,
    interrupted: Arc<AtomicBool>,
}

impl Session {
    /// Builds xtask and makes sure that the others are there.
    pub(crate) fn begin(environment: Environment, rounds: u32) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, interrupted.clone())?;
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let Environment { kubeconfig, registry, kubectl, helm, cargo } = environment;
        let xtask = build(&cargo, &workspace)?;
        let release = xtask.parent().and_then(Path::parent).ok_or("xtask is built nowhere")?;
        let folder = release.join("benches");
        let scratch = Scratch::new(folder.join(format!("scratch-{}", std::process::id())))?;
        let program = |path: &Path| Program::new(path, &kubeconfig, &scratch.0);
        let (xtask, kubectl, helm) = (program(&xtask), program(&kubectl), program(&helm));
        Ok(Self { rounds, registry, workspace, folder, scratch, xtask, kubectl, helm, interrupted })
    }

    pub(crate) fn program(&self, tool: Tool) -> &Program {
        match tool {
            Tool::Xtask | Tool::XtaskNamed | Tool::XtaskRelease => &self.xtask,
            Tool::Kubectl => &self.kubectl,
            Tool::Helm => &self.helm,
        }
    }

    /// Runs a tool to its end, unless a person wants to stop.
    pub(crate) fn run(&self, tool: Tool, args: &[&str]) -> Result<Ran> {
        let ran = self.program(tool).run(args);
        self.go_on()?;
        ran
    }

    /// What kubectl prints.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Result<String> {
        Ok(self.run(Tool::Kubectl, args)?.good()?.stdout)
    }

    /// Namespaces of this run's own, called after `work`.
    pub(crate) fn namespaces(&self, work: &str) -> Namespaces<'_> {
        Namespaces::new(&self.kubectl, format!("bench-{:05x}-{work}", std::process::id() & 0xf_ffff))
    }

    /// # Errors
    /// A person wants to stop.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err("interrupted; what was made on the cluster is being removed".into());
        }
        Ok(())
    }
}

/// A folder that goes with this.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes a file and the folders it is in; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<String> {
        let path = self.0.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        Ok(path.to_str().ok_or("the target directory's path is not UTF-8")?.to_owned())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} was not removed: {error}", self.0.display());
        }
    }
}

/// Builds xtask as it is released; its path, by cargo's own word.
fn build(cargo: &Path, workspace: &Path) -> Result<PathBuf> {
    eprintln!("building xtask");
    let scratch = Scratch::new(std::env::temp_dir().join(format!("deploy-benches-{}", std::process::id())))?;
    let manifest = workspace.join("Cargo.toml");
    let manifest = manifest.to_str().ok_or("the workspace's path is not UTF-8")?;
    let args =
        ["build", "--release", "--quiet", "--package", "xtask", "--message-format=json", "--manifest-path"];
    let args: Vec<&str> = args.into_iter().chain([manifest]).collect();
    let ran = Program::new(cargo, Path::new(""), &scratch.0).run(&args)?.good()?;
    let messages = ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let xtask = messages
        .filter(|message| message.pointer("/target/name").is_some_and(|name| name == "xtask"))
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    xtask.ok_or_else(|| ran.unexpected("it names no xtask").into())
}
