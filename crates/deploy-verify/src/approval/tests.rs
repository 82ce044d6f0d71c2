use std::io::{self, BufRead, Cursor, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use deploy_core::clock::Timestamp;
use deploy_core::error::ErrorKind;
use deploy_core::gate::approval::{Approval, subject_digest};
use deploy_core::guard::{Answer, Gate, Subject};

use futures_util::FutureExt;

use super::*;

fn subject() -> Subject {
    let mut subject = Subject::new("production");
    subject.name = Some("shop".into());
    subject.images = vec!["shop/api:v2".into(), "shop/web:v1".into()];
    subject.before = vec![Some("shop/api:v1".into()), None];
    subject.git_revision = Some("4f1c2d9".into());
    subject
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn shows_what_is_asked() {
    let screen = Screen::default();
    let terminal = Terminal::new("ann", Cursor::new("production\n"), screen.clone(), true).unwrap();
    assert!(terminal.ask(&subject()).await.unwrap().is_yes());
    let expect = format!(
        "Deploy to production?\n  run       shop\n  image     shop/api:v1 -> shop/api:v2\n  image     (new) shop/web:v1\n  \
         revision  4f1c2d9\n  subject   {}\nType the environment's name to go on: ",
        subject_digest(&subject())
    );
    assert_eq!(screen.text(), expect);
}

#[tokio::test]
async fn only_the_name_of_the_environment_is_a_yes() {
    let check = async |environment: &str, typed: &'static str, expect: &str| {
        let terminal = Terminal::new("ann", Cursor::new(typed), Screen::default(), true).unwrap();
        let text = match terminal.ask(&Subject::new(environment)).await.unwrap() {
            Answer::Yes { grounds } => format!("yes: {grounds}"),
            Answer::No { why } => format!("no: {why}"),
            _ => unreachable!("there is no third"),
        };
        assert_eq!(text, expect);
    };
    check("production", "production\n", "yes: ann typed \"production\" at the terminal").await;
    check("production", " production \r\n", "yes: ann typed \"production\" at the terminal").await;
    check("production", "production", "yes: ann typed \"production\" at the terminal").await;
    check("production", "Production\n", "no: ann typed \"Production\", and not \"production\"").await;
    check("production", "y\nproduction\n", "no: ann typed \"y\", and not \"production\"").await;
    check("production", "\u{1b}[31mx\n", "no: ann typed \" [31mx\", and not \"production\"").await;
    check("production", "\n", "no: ann typed nothing, and not \"production\"").await;
    check("production", "", "no: nobody answered: the input ended").await;
    check("", "\n", "no: ann typed nothing, and not \"\"").await;
}

#[tokio::test]
async fn without_a_terminal_nobody_is_asked() {
    let screen = Screen::default();
    let terminal = Terminal::new("ann", Cursor::new("production\n"), screen.clone(), false).unwrap();
    let why = "nobody can be asked: there is no terminal".into();
    assert_eq!(terminal.ask(&subject()).await.unwrap(), Answer::No { why });
    assert_eq!(screen.text(), "");
}

#[tokio::test]
async fn a_line_without_end_is_an_error() {
    let terminal =
        Terminal::new("ann", io::BufReader::new(io::repeat(b'x')), Screen::default(), true).unwrap();
    let error = terminal.ask(&subject()).await.unwrap_err();
    assert_eq!(error.to_string(), "ask: the answer cannot be read");
    // Whoever reads no more says no.
    assert!(!terminal.ask(&subject()).await.unwrap().is_yes());
}

/// A keyboard on which a test types, and which says when it is read from.
struct Keyboard {
    typed: Receiver<String>,
    reads: Sender<()>,
    line: Cursor<String>,
}

impl io::Read for Keyboard {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("it is read by lines"))
    }
}

impl BufRead for Keyboard {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if usize::try_from(self.line.position()).unwrap() == self.line.get_ref().len() {
            let _ = self.reads.send(());
            self.line = Cursor::new(self.typed.recv().unwrap_or_default());
        }
        self.line.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.line.consume(amount);
    }
}

#[tokio::test]
async fn what_is_typed_to_a_question_that_was_dropped_approves_nothing() {
    let (keys, typed) = channel();
    let (reads, is_read) = channel();
    let keyboard = Keyboard { typed, reads, line: Cursor::default() };
    let terminal = Terminal::new("ann", keyboard, Screen::default(), true).unwrap();
    // Nothing is read before it is asked.
    assert!(is_read.try_recv().is_err());
    let subject = subject();
    let ask = terminal.ask(&subject);
    assert!(ask.now_or_never().is_none());
    is_read.recv().unwrap();
    keys.send("production\n".into()).unwrap();
    // Until the thread has it: the lines are the terminal's own, so the test looks there.
    while !terminal.has_line().await {
        tokio::task::yield_now().await;
    }
    let ask = terminal.ask(&subject);
    let answer = async {
        is_read.recv().unwrap();
        keys.send("no\n".into()).unwrap();
    };
    let (answered, ()) = tokio::join!(ask, answer);
    assert!(!answered.unwrap().is_yes());
}

#[tokio::test]
async fn a_file_holds_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let file = ApprovalFile::new(folder.path().join("approvals.jsonl"));
    assert_eq!(file.all().await.unwrap(), []);
    let at: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
    let approvals = ["ann", "bob"].map(|who| Approval::new(who, &subject(), at).note("in the\nstand-up"));
    for approval in &approvals {
        file.add(approval).await.unwrap();
    }
    assert_eq!(file.all().await.unwrap(), approvals);
    let text = std::fs::read_to_string(folder.path().join("approvals.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 2);
}

#[tokio::test]
async fn a_file_that_is_something_else_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |bytes: &[u8], expect: &str| {
        let path = folder.path().join("approvals.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let error = ApprovalFile::new(&path).all().await.unwrap_err().to_string();
        assert_eq!(error.replace(&folder.path().display().to_string(), "…"), expect);
    };
    check(b"\n{}\n", "read approvals …/approvals.jsonl:2: the line is no approval").await;
    check(b"ann\n", "read approvals …/approvals.jsonl:1: the line is no approval").await;
    check(b"\xff\n", "read approvals …/approvals.jsonl:1: the line is no approval").await;
    check(&vec![b' '; 1024 * 1024 + 1], "read approvals …/approvals.jsonl: it has more than 1048576 bytes")
        .await;
    let error = ApprovalFile::new(folder.path()).all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}
