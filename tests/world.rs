//! An operator for one test: a data directory, free ports, and the real binary.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const AVOW: &str = env!("CARGO_BIN_EXE_avow");

/// How long anything in a test may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Accounts may reach this machine, where the targets of the tests are.
const INSIDE: &str = "allow_private = [\"127.0.0.0/8\", \"::1\"]";

/// An operator: a data directory and the addresses of its service.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) tunnel: u16,
    pub(crate) web: u16,
    pub(crate) hosts: &'static [&'static str],
    /// How commands reach a file system that only they see: a program and its arguments.
    pub(crate) through: Vec<String>,
}

/// A service that runs; it is killed when the test ends, however it ends.
pub(crate) struct Service {
    child: Child,
    pub(crate) first_screen: String,
    pub(crate) ready_after: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self::bare(&["127.0.0.1"]);
        world.configure("[books]\nflush_seconds = 1\n");
        world
    }

    /// One whose tunnel is reached at every loopback address, on one port.
    pub(crate) fn on_both_families() -> Self {
        let world = Self::bare(&["127.0.0.1", "[::1]"]);
        world.configure("[books]\nflush_seconds = 1\n");
        world
    }

    fn bare(hosts: &'static [&'static str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Self { directory, tunnel: free_port(), web: free_port(), hosts, through: Vec::new() };
        fs::create_dir(world.data()).unwrap();
        world
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes the configuration; the addresses and the runtime directory of this world are added, and
    /// that accounts may reach this machine, where the targets of the tests are.
    pub(crate) fn configure(&self, text: &str) {
        let runtime = self.directory.path().join("runtime");
        let listen: Vec<_> = self.hosts.iter().map(|host| format!("{host}:{}", self.tunnel)).collect();
        let text = format!(
            "[relay]\nlisten = {listen:?}\n{INSIDE}\n[web]\nlisten = \"127.0.0.1:{}\"\n[runtime]\ndirectory = {runtime:?}\n{text}",
            self.web
        );
        fs::write(self.data().join("avow.toml"), text).unwrap();
    }

    /// A command of this operator, ready to be changed and run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.through.iter().map(String::as_str).chain([AVOW]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments).arg("--data").arg(self.data()).env_remove("AVOW_DATA").env("NO_COLOR", "1");
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end: its code and what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Runs a command that must succeed, and reads what it printed as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ran = Ran::from(self.command(arguments).args(["--format", "json"]).output().unwrap());
        assert_eq!(ran.code, 0, "{arguments:?}: {} {}", ran.out, ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Starts the service and waits until it is ready.
    pub(crate) fn up(&self) -> Service {
        self.up_with(self.command(&["up"]))
    }

    pub(crate) fn up_with(&self, mut command: Command) -> Service {
        let errors = File::options().create(true).append(true).open(self.log()).unwrap();
        let started = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut first_screen = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        while !first_screen.contains("Ctrl-C stops") {
            let before = first_screen.len();
            out.read_line(&mut first_screen).unwrap();
            assert!(first_screen.len() > before, "`up` ended: {first_screen} {}", self.log_text());
        }
        // The screen stays open, so that whatever is printed later is read too.
        thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Service { child, first_screen, ready_after: started.elapsed() }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The account of the first start, while there is no other: its number.
    pub(crate) fn first_account(&self) -> u64 {
        let list = self.json(&["account", "list"]);
        assert_eq!(list["accounts"].as_array().unwrap().len(), 1, "numbers are random: which is the first?");
        list["accounts"][0]["account"].as_u64().unwrap()
    }

    /// Opens an account: its number.
    pub(crate) fn add_account(&self, method: &str) -> u64 {
        self.json(&["account", "add", "--method", method])["account"].as_u64().unwrap()
    }

    /// The link of an account.
    pub(crate) fn link(&self, account: u64) -> String {
        self.json(&["account", "link", &account.to_string()])["links"][0].as_str().unwrap().to_owned()
    }

    /// The bytes stored for an account this month.
    pub(crate) fn stored(&self, account: u64) -> u64 {
        self.json(&["account", "show", &account.to_string()])["month_bytes"].as_u64().unwrap()
    }

    /// Waits until an account's stored bytes are these, and fails if they are not in time.
    #[track_caller]
    pub(crate) fn stored_becomes(&self, account: u64, bytes: impl Fn() -> u64) {
        let end = Instant::now() + PATIENCE;
        let mut stored = self.stored(account);
        while stored != bytes() && Instant::now() < end {
            thread::sleep(Duration::from_millis(100));
            stored = self.stored(account);
        }
        assert_eq!(stored, bytes(), "stored against moved");
    }

    /// The status and the body of a page of the service.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.request(&format!("GET {path} HTTP/1.1\r\nhost: avow\r\nconnection: close\r\n\r\n"))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        self.request(&format!(
            "POST {path} HTTP/1.1\r\nhost: avow\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }

    fn request(&self, request: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.web)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}

impl Service {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The process of the relay: the one child of the service.
    pub(crate) fn relay_pid(&self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            let path = format!("/proc/{0}/task", self.pid());
            for task in fs::read_dir(&path).unwrap().flatten() {
                let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                if let Some(child) = children.split_whitespace().next() {
                    return child.parse().unwrap();
                }
            }
            assert!(Instant::now() < end, "the service has no relay");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> i32 {
        signal(self.pid(), "TERM");
        wait(&mut self.child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command that ended printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Sends a signal to a process that this test started.
pub(crate) fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

/// Waits for a process to end; fails if it does not in time.
pub(crate) fn wait(child: &mut Child) -> i32 {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        assert!(Instant::now() < end, "it did not stop in time");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The same command, which is ended if it does not end by itself.
pub(crate) fn in_time(command: Command) -> Command {
    let mut timed = Command::new("timeout");
    timed.args(["--signal=KILL", "60", "env"]);
    // What is preloaded is for the command, and not for what ends it.
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => {
                let mut set = name.to_owned();
                set.push("=");
                set.push(value);
                timed.arg(set);
            }
            None => {
                timed.env_remove(name);
            }
        }
    }
    timed.arg(command.get_program()).args(command.get_args());
    timed.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    timed
}

/// A port that is free for TCP and UDP, and that no other test of this process was given.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20000 + u16::try_from(std::process::id() % 5000).unwrap();
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed);
        let free = |host| TcpListener::bind((host, port)).is_ok() && UdpSocket::bind((host, port)).is_ok();
        if free("127.0.0.1") && (!has_six() || free("::1")) {
            return port;
        }
    }
}

/// Whether this machine has an IPv6 loopback.
pub(crate) fn has_six() -> bool {
    TcpListener::bind(("::1", 0)).is_ok()
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
