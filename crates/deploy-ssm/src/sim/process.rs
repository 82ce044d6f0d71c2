//! The one place that starts and ends processes: a node's scripts, each in a session and group of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::node::Node;

/// The variable by which the processes of a node are known: whose simulator, and which node.
const MARK: &str = "DEPLOY_SSM_SIM_NODE";

/// Bytes of one output that are kept; the rest is read and dropped.
const KEPT: u64 = 1 << 20;

/// What is run before the script: its `PATH` and environment are made. The copy is executed, since a file that this
/// process has just written may still be open for writing in a process that another thread is starting.
const BEGIN: &str = r#"
script=$1 path=$2 front=$3; shift 3
cp "$script.new" "$script" && chmod 700 "$script" || exit 1
exec env -i PATH="$front${path:-$PATH}" "$@" /bin/sh -c '"$0"' "$script"
"#;

/// A script to be run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Where the node's files are.
    pub(super) folder: PathBuf,
    /// Where this script goes, as `_script.sh`.
    pub(super) place: PathBuf,
    pub(super) lines: String,
    /// `workingDirectory`; the node's folder if there is none.
    pub(super) working_directory: Option<PathBuf>,
    pub(super) region: String,
    pub(super) mark: String,
}

/// What a script has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Where an output goes.
#[derive(Clone, Debug)]
enum Capture {
    /// Its end is waited for.
    Pipe(Arc<Mutex<Vec<u8>>>),
    /// It is read when the script has ended.
    File(PathBuf),
}

impl Capture {
    fn read(&self) -> Vec<u8> {
        match self {
            Self::Pipe(bytes) => bytes.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Self::File(path) => fs::read(path).unwrap_or_default(),
        }
    }
}

/// Looks at what a script has written up to now.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    stdout: Capture,
    stderr: Capture,
}

impl Tap {
    pub(super) fn output(&self) -> Output {
        Output { stdout: self.stdout.read(), stderr: self.stderr.read() }
    }
}

/// A script that runs. Dropped before its end, its process group is killed.
#[derive(Debug)]
pub(super) struct Run {
    child: Child,
    /// The leader's id; it is not reaped before [`Run::ended`] returns, so that nobody else can have it.
    group: u32,
    tap: Tap,
    readers: JoinSet<()>,
    has_ended: bool,
}

impl Run {
    /// Starts the script.
    pub(super) fn start(job: &Job, node: &Node) -> io::Result<Self> {
        fs::create_dir_all(&job.place)?;
        fs::create_dir_all(job.folder.join("tmp"))?;
        let script = job.place.join("_script.sh");
        fs::write(job.place.join("_script.sh.new"), &job.lines)?;
        let mut front = node.front.join(":");
        if !front.is_empty() {
            front.push(':');
        }
        let mut command = Command::new("setsid");
        command
            .args(["sh", "-c", BEGIN, "sh"])
            .arg(&script)
            .args([node.path.as_deref().unwrap_or_default(), &front])
            .args(environment(job, node))
            .current_dir(job.working_directory.as_ref().unwrap_or(&job.folder))
            .stdin(Stdio::null());
        if node.waits_for_eof {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        } else {
            command.stdout(fs::File::create(job.place.join("stdout"))?);
            command.stderr(fs::File::create(job.place.join("stderr"))?);
        }
        let mut child = command.spawn()?;
        let group = child.id().ok_or_else(|| io::Error::other("it has ended already"))?;
        let mut readers = JoinSet::new();
        let stdout = match child.stdout.take() {
            Some(pipe) => capture(pipe, &mut readers),
            None => Capture::File(job.place.join("stdout")),
        };
        let stderr = match child.stderr.take() {
            Some(pipe) => capture(pipe, &mut readers),
            None => Capture::File(job.place.join("stderr")),
        };
        Ok(Self { child, group, tap: Tap { stdout, stderr }, readers, has_ended: false })
    }

    /// Its exit code; −1 if a signal ended it. Cancel safe.
    pub(super) async fn ended(&mut self) -> i32 {
        while self.readers.join_next().await.is_some() {}
        let status = self.child.wait().await;
        self.has_ended = true;
        status.ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    /// Kills its group, and returns when its leader is gone.
    pub(super) async fn kill(&mut self) {
        if !self.has_ended {
            kill(&[format!("-{}", self.group), self.group.to_string()]);
            // What left the group may hold the output: its end is not waited for.
            self.readers.abort_all();
            let _ = self.child.wait().await;
            self.has_ended = true;
        }
    }

    /// What it has written up to now.
    pub(super) fn output(&self) -> Output {
        self.tap.output()
    }

    pub(super) fn tap(&self) -> Tap {
        self.tap.clone()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.has_ended {
            kill(&[format!("-{}", self.group), self.group.to_string()]);
        }
    }
}

/// Kills every process that a node's scripts left behind, wherever they moved: those that carry the mark. `node` is
/// empty for all nodes of the simulator. What has no `/proc` keeps them.
pub(super) fn kill_marked(mark: &str, node: &str) {
    let wanted = if node.is_empty() { format!("{MARK}={mark}/") } else { format!("{MARK}={mark}/{node}\0") };
    // A process that is found may be starting another one.
    for _ in 0..10 {
        let found: Vec<String> = marked(wanted.as_bytes());
        if found.is_empty() {
            return;
        }
        kill(&found);
    }
}

fn marked(wanted: &[u8]) -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_ours = |folder: &Path| {
        fs::read(folder.join("environ")).is_ok_and(|all| all.windows(wanted.len()).any(|part| part == wanted))
    };
    processes
        .filter_map(|entry| entry.file_name().into_string().ok().filter(|name| name.parse::<u32>().is_ok()))
        .filter(|id| is_ours(&Path::new("/proc").join(id)))
        .collect()
}

/// `NAME=value` of all that a script sees but `PATH`.
fn environment(job: &Job, node: &Node) -> Vec<String> {
    let folder = job.folder.display();
    let mut all = vec![
        format!("TMPDIR={folder}/tmp"),
        format!("AWS_SSM_INSTANCE_ID={}", node.id),
        format!("AWS_SSM_REGION_NAME={}", job.region),
        format!("{MARK}={}/{}", job.mark, node.id),
    ];
    if node.has_home {
        all.push(format!("HOME={folder}"));
    }
    all.extend(node.env.iter().map(|(name, value)| format!("{name}={value}")));
    all
}

fn capture(mut pipe: impl AsyncRead + Unpin + Send + 'static, readers: &mut JoinSet<()>) -> Capture {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&kept);
    readers.spawn(async move {
        let mut buffer = vec![0; 16 * 1024];
        let mut left = KEPT;
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            let keep = count.min(usize::try_from(left).unwrap_or(usize::MAX));
            left -= keep as u64;
            sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..keep]);
        }
    });
    Capture::Pipe(kept)
}

/// SIGKILL to processes, or with a `-` before the id to groups.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulator's one place that starts programs; a drop cannot wait"
)]
fn kill(targets: &[String]) {
    // Those that are gone already are what was wanted.
    let _ = std::process::Command::new("sh")
        .args(["-c", "kill -s KILL -- \"$@\" 2>/dev/null", "sh"])
        .args(targets)
        .stdin(Stdio::null())
        .status();
}
