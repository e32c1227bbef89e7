//! etcd itself, started for a test on ports that are free, and ended with it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rolecall_store::EtcdSettings;
use tempfile::TempDir;

/// A member of a cluster.
pub(crate) struct Member {
    name: String,
    pub(crate) address: SocketAddr,
    peer: SocketAddr,
    dir: TempDir,
    child: Option<Child>,
    arguments: Vec<String>,
}

/// Whether there is an etcd to test with; says so where there is none.
pub(crate) fn is_there() -> bool {
    let there = Command::new("etcd").arg("--version").stdout(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        eprintln!("SKIPPED: there is no etcd here (Debian: apt-get install etcd-server)");
    }
    there
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a cluster of so many members.
pub(crate) fn cluster(members: usize) -> Vec<Member> {
    let mut members: Vec<Member> = (0..members)
        .map(|n| Member {
            name: format!("m{n}"),
            address: free_address(),
            peer: free_address(),
            dir: tempfile::tempdir().unwrap(),
            child: None,
            arguments: Vec::new(),
        })
        .collect();
    let all: Vec<String> = members.iter().map(|it| format!("{}=http://{}", it.name, it.peer)).collect();
    for member in &mut members {
        member.arguments = vec!["--initial-cluster".into(), all.join(",")];
        member.start();
    }
    members.iter().for_each(Member::await_health);
    members
}

/// Starts a member that is a cluster by itself, with more arguments.
pub(crate) fn single(scheme: &str, arguments: &[&str]) -> Member {
    let (address, peer) = (free_address(), free_address());
    let dir = tempfile::tempdir().unwrap();
    let mut arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    arguments.extend(["--initial-cluster".into(), format!("m0=http://{peer}")]);
    let urls = format!("{scheme}://{address}");
    arguments.extend(["--listen-client-urls".into(), urls.clone(), "--advertise-client-urls".into(), urls]);
    let mut member = Member { name: "m0".into(), address, peer, dir, child: None, arguments };
    member.start();
    if scheme == "http" {
        member.await_health();
    }
    member
}

impl Member {
    pub(crate) fn start(&mut self) {
        let (client, peer) = (format!("http://{}", self.address), format!("http://{}", self.peer));
        let mut command = Command::new("etcd");
        command.args(["--name", &self.name, "--log-level", "error", "--data-dir"]).arg(self.dir.path());
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        if !self.arguments.iter().any(|argument| argument == "--listen-client-urls") {
            command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        }
        command.args(["--heartbeat-interval", "50", "--election-timeout", "500"]).args(&self.arguments);
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it in its tracks, or lets it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn await_health(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self
            .post("/v3/kv/range", r#"{"key":"eA=="}"#)
            .is_some_and(|answer| answer.contains("revision"))
        {
            assert!(Instant::now() < deadline, "etcd does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks by etcd's HTTP gateway what the engine never asks for.
    pub(crate) fn post(&self, path: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let length = body.len();
        let head = format!("POST {path} HTTP/1.0\r\nHost: etcd\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    pub(crate) fn is_leader(&self) -> bool {
        let status = self.post("/v3/maintenance/status", "{}").unwrap_or_default();
        let field = |name: &str| {
            let (_, rest) = status.split_once(&format!("\"{name}\":\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        field("leader").is_some_and(|leader| Some(leader) == field("member_id"))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Settings for these addresses, with times that suit a test.
pub(crate) fn settings(addresses: &[SocketAddr], node: &str) -> EtcdSettings {
    let hosts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut settings = EtcdSettings::parse(&format!("etcd://{}/test", hosts.join(",")), node.into()).unwrap();
    settings.request_timeout = Duration::from_millis(700);
    settings.deadline = Duration::from_secs(8);
    settings
}
