//! A node's process, from outside: requests, answers, signals.

use super::node::PLACE;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Waiting = Arc<Mutex<Option<HashMap<u64, SyncSender<String>>>>>;

/// One that runs, or has ended. Dropping kills it.
pub(crate) struct Process {
    child: Mutex<Child>,
    ask: Mutex<ChildStdin>,
    /// Requests without an answer; `None` once the process has ended.
    waiting: Waiting,
    next: AtomicU64,
}

impl Process {
    /// Starts a node, in a network of its own if that is named, and waits until it runs.
    ///
    /// # Errors
    /// Why the node refuses to run.
    pub(crate) fn start(
        place: &str,
        variables: &[(&str, &str)],
        network: Option<String>,
    ) -> Result<Self, String> {
        let program = std::env::current_exe().expect("this program");
        let mut command = match network {
            // It becomes the program, so signals reach that.
            Some(name) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", &name]).arg(program);
                command
            }
            None => Command::new(program),
        };
        let mut child = command
            .args(["--exact", "node::node_of_a_log", "--ignored", "--nocapture"])
            .env(PLACE, place)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Why one died is to be seen.
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it starts");
        let (ask, answers) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (opened, is_open) = sync_channel(1);
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::from([(0, opened)]))));
        let process = Self {
            child: Mutex::new(child),
            ask: Mutex::new(ask),
            waiting: Arc::clone(&waiting),
            next: AtomicU64::new(1),
        };
        std::thread::spawn(move || {
            for line in BufReader::new(answers).lines().map_while(Result::ok) {
                let answer = line.strip_prefix('@').and_then(|line| line.split_once(' '));
                let Some((Ok(number), text)) = answer.map(|(number, text)| (number.parse(), text)) else {
                    continue;
                };
                let asked = waiting.lock().unwrap().as_mut().and_then(|waiting| waiting.remove(&number));
                // Who has lost patience does not listen.
                let _ = asked.map(|asked: SyncSender<String>| asked.try_send(text.to_owned()));
            }
            // Those who wait hear that nothing comes.
            *waiting.lock().unwrap() = None;
        });
        match is_open.recv() {
            Ok(text) if text == "open" => Ok(process),
            Ok(text) => Err(text),
            Err(_) => Err("it ended".to_owned()),
        }
    }

    fn send(&self, request: &str) -> Option<Receiver<String>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = sync_channel(1);
        self.waiting.lock().unwrap().as_mut()?.insert(number, send);
        // One that died answers no more, which its reader finds.
        let _ = writeln!(self.ask.lock().unwrap(), "{number} {request}");
        Some(receive)
    }

    /// Asks, and waits for so long; `None` when there was no answer.
    pub(crate) fn ask(&self, request: &str, patience: Duration) -> Option<String> {
        self.send(request)?.recv_timeout(patience).ok()
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        let pid = i32::try_from(self.child.lock().unwrap().id()).expect("a process number");
        // SAFETY: only `end` waits for the child, and who ends one signals it no more: the number is still its own.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// With SIGKILL; afterwards all that it had open is closed.
    pub(crate) fn end(&self) {
        let mut child = self.child.lock().unwrap();
        let _ = (child.kill(), child.wait());
    }

    /// From now on no file grows beyond so many bytes, as if the disk were full.
    pub(crate) fn limit_files(&self, bytes: u64) {
        let pid = i32::try_from(self.child.lock().unwrap().id()).expect("a process number");
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: reads one structure; as in `signal`, the number is still its own.
        let done = unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut()) };
        assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
