//! Over SSH, served by a real sshd on a port of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use deploy_config::git::Repository;
use deploy_core::error::ErrorKind;

use crate::support::{Server, command, plain, put, refused, set, value, yaml};

struct Sshd {
    server: Server,
    port: u16,
    user: String,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sshd {
    async fn new() -> Self {
        let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
        let path = |name: &str| server.path(name).display().to_string();
        for key in ["host", "user", "stranger"] {
            let made =
                command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status();
            assert!(made.unwrap().success());
        }
        fs::copy(server.path("user.pub"), server.path("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\nPermitRootLogin yes\n",
            path("host"),
            path("authorized")
        );
        fs::write(server.path("config"), config).unwrap();
        // Where sshd locks itself in before a user is known.
        let _ = fs::create_dir_all("/run/sshd");
        let sshd =
            ["/usr/sbin/sshd", "/usr/bin/sshd"].map(PathBuf::from).into_iter().find(|path| path.exists());
        let sshd = sshd.unwrap_or_else(|| panic!("there is no sshd: install openssh-server"));
        let log = fs::File::create(server.path("log")).unwrap();
        let mut command = command(sshd.to_str().unwrap());
        command.args(["-D", "-e", "-f", &path("config")]).stdin(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap();
        let user = crate::support::command("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let sshd = Self { server, port, user, child };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sshd;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("sshd does not listen: {}", fs::read_to_string(sshd.server.path("log")).unwrap());
    }

    fn url(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, self.server.bare().display())
    }

    fn repository(&self, key: &str, known_hosts: &str) -> Repository {
        let path = |name: &str| self.server.path(name).display().to_string();
        let ssh = format!(
            "ssh -F none -oBatchMode=yes -oIdentitiesOnly=yes -i {} -oUserKnownHostsFile={}",
            path(key),
            path(known_hosts)
        );
        plain(Repository::at(&self.url())).variable("GIT_SSH_COMMAND", ssh)
    }
}

#[tokio::test]
#[ignore = "needs sshd (openssh-server)"]
async fn keys_are_those_of_ssh() {
    let sshd = Sshd::new().await;
    let host = fs::read_to_string(sshd.server.path("host.pub")).unwrap();
    fs::write(sshd.server.path("known"), format!("[127.0.0.1]:{} {host}", sshd.port)).unwrap();
    let store = yaml(sshd.repository("user", "known")).build().unwrap();
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v1"));
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(sshd.server.file("main", "shop.yaml"), "tag: v2");
    let check = async |key: &str, known: &str, message: &str| {
        let store = yaml(sshd.repository(key, known)).build().unwrap();
        refused(&store, put("shop#tag", "v3"), ErrorKind::Unauthorized, message).await;
    };
    check("stranger", "known", "Permission denied (publickey)").await;
    check("user", "unknown", "Host key verification failed").await;
    sshd.server.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    refused(&store, put("shop#tag", "v3"), ErrorKind::Forbidden, "pre-receive hook declined: not on Fridays")
        .await;
    let none = plain(Repository::at(&sshd.url().replace("remote.git", "none.git")));
    let ssh = format!(
        "ssh -F none -oBatchMode=yes -i {} -oUserKnownHostsFile={}",
        sshd.server.path("user").display(),
        sshd.server.path("known").display()
    );
    let store = yaml(none.variable("GIT_SSH_COMMAND", ssh)).build().unwrap();
    refused(&store, put("shop#tag", "v3"), ErrorKind::NotFound, "does not appear to be a git repository")
        .await;
}
