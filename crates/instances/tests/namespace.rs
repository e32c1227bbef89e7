//! Real instances in real namespaces. Where the host allows none, each test says so and passes.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first thing that is not as it should be"
)]

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use rolecall_instances::{
    Driver, DriverError, ExecIo, ExecRequest, ExecStatus, Exit, InstanceId, InstanceSpec, NamespaceConfig,
    NamespaceDriver, Output, Running, TerminalSize, UserData, Users, capture, client,
};

const INIT: &str = env!("CARGO_BIN_EXE_rolecall-instance-init");
const PATIENCE: Duration = Duration::from_secs(60);

struct Host {
    driver: NamespaceDriver,
    users: Users,
    sshd: bool,
    root: tempfile::TempDir,
}

fn config(root: &Path) -> NamespaceConfig {
    NamespaceConfig { orphan_grace: Duration::from_secs(120), ..NamespaceConfig::new(root, INIT) }
}

async fn host() -> Option<Host> {
    let root = tempfile::tempdir().unwrap();
    let driver = NamespaceDriver::new(config(root.path())).unwrap();
    let capabilities = driver.capabilities().await;
    if !capabilities.usable {
        eprintln!("SKIPPED: no namespaces on this host: {:?}", capabilities.notes);
        return None;
    }
    Some(Host { driver, users: capabilities.users, sshd: capabilities.sshd.is_some(), root })
}

fn spec(number: u8) -> InstanceSpec {
    let id = InstanceId::parse(&format!("i-{number:017x}")).unwrap();
    InstanceSpec::new(id, Ipv4Addr::new(172, 31, 5, number), "us-east-1")
}

async fn run(driver: &impl Driver, id: &InstanceId, request: ExecRequest) -> Output {
    let executing = driver.exec(id, request).await.unwrap();
    capture(executing, b"", 1 << 20, PATIENCE).await.unwrap()
}

/// Runs a shell command that has to succeed.
async fn sh(driver: &impl Driver, id: &InstanceId, command: &str) -> String {
    let output = run(driver, id, ExecRequest::new(["sh", "-c", command])).await;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status, ExecStatus::Exited(0), "{command}: {out}{err}");
    out.trim_end().to_owned()
}

/// Processes (of the whole host) whose environment or arguments name this directory.
fn processes_of(root: &Path) -> Vec<String> {
    let needle = root.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let line = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    let lines = entries.filter_map(line).map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(needle) && line.contains("boot")).collect()
}

/// Processes (of the whole host) in whose mount namespace this directory is mounted somewhere.
fn processes_that_mount(root: &Path) -> Vec<u32> {
    let needle = root.to_str().unwrap();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mounts = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    numbers.filter(|pid| mounts(pid).contains(needle)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_a_place_of_its_own() {
    let Some(Host { driver, users, root, .. }) = host().await else { return };
    let spec = spec(1);
    let id = spec.id.clone();
    let running: Running = driver.start(spec.clone()).await.unwrap();
    println!("{:?} {:?}", running.file_system, running.users);
    assert_eq!(running.users, users);
    assert_eq!(running.listeners.metadata.local_addr().unwrap().to_string(), "169.254.169.254:80");

    assert_eq!(sh(&driver, &id, "hostname").await, "ip-172-31-5-1.ec2.internal");
    assert_eq!(sh(&driver, &id, "id -u; whoami; pwd; echo $HOME").await, "0\nroot\n/root\n/root");
    assert_eq!(
        sh(&driver, &id, "echo $AWS_ENDPOINT_URL $AWS_REGION").await,
        "http://169.254.169.253:4566 us-east-1"
    );
    assert_eq!(sh(&driver, &id, "grep -c . /proc/net/dev").await, "3", "two lines of header and lo");
    let hosts = sh(&driver, &id, "cat /etc/hosts").await;
    assert!(hosts.contains("172.31.5.1 ip-172-31-5-1.ec2.internal"), "{hosts}");
    // Its own directories are empty or new, and writable; the system's are writable and not the host's.
    assert_eq!(sh(&driver, &id, "ls -A /home /root").await, "/home:\nec2-user\n\n/root:");
    sh(&driver, &id, "for d in /root /tmp /home /run /var/tmp /dev/shm /etc /usr/local/bin /; do touch $d/.mark || exit 1; done").await;
    assert!(!Path::new("/etc/.mark").exists() && !Path::new("/usr/local/bin/.mark").exists());
    // Its own processes are all it sees, and no path leads to the host's data.
    let processes = sh(&driver, &id, "ls /proc | grep -c '^[0-9]*$'").await;
    assert!(processes.parse::<u32>().unwrap() < 10, "{processes}");
    let root_path = root.path().display();
    let look = format!("ls {root_path}/* /proc/1/root{root_path}/* 2>/dev/null || echo none");
    assert_eq!(sh(&driver, &id, &look).await, "none");
    assert_eq!(sh(&driver, &id, "cat /etc/shadow | grep -c '^root:\\*:'").await, "1");
    // What belongs to the host's root is closed to the instance's.
    for path in ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/usr/bin/env"] {
        assert_eq!(
            sh(&driver, &id, &format!("(: >> {path}) 2>/dev/null || echo refused")).await,
            "refused",
            "{path}"
        );
    }
    assert!(sh(&driver, &id, "cat /proc/1/environ | tr '\\0' '\\n'").await.is_empty());
    sh(
        &driver,
        &id,
        "for d in null zero urandom tty ptmx fd stdin console; do test -e /dev/$d || exit 1; done",
    )
    .await;

    let missing = run(&driver, &id, ExecRequest::new(["no-such-program"])).await;
    assert_eq!(missing.status, ExecStatus::Exited(127));
    let nobody = ExecRequest { user: Some("who".into()), ..ExecRequest::new(["true"]) };
    assert_eq!(run(&driver, &id, nobody).await.status, ExecStatus::Exited(126));
    let login =
        ExecRequest { user: Some("ec2-user".into()), ..ExecRequest::new(["sh", "-c", "id -un; id -u; pwd"]) };
    let login = run(&driver, &id, login).await;
    assert_eq!(String::from_utf8_lossy(&login.stdout), "ec2-user\n1000\n/home/ec2-user\n");

    driver.terminate(&id).await.unwrap();
    assert_eq!(running.exit.now(), Some(Exit::Asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_terminated_instance() {
    let Some(Host { driver, root, .. }) = host().await else { return };
    let spec = spec(2);
    let id = spec.id.clone();
    let running = driver.start(spec).await.unwrap();
    // Stubborn and detached processes, and a directory that can't be read.
    sh(&driver, &id, "trap '' TERM HUP; (setsid sh -c 'trap \"\" TERM HUP; sleep 600' >/dev/null 2>&1 </dev/null &); mkdir -m 0 /root/closed").await;
    let directory = driver.layout().directory(&id);
    assert!(directory.exists());
    let before = processes_that_mount(root.path());
    assert!(before.len() >= 2, "the stubborn shell and its sleep at least: {before:?}");
    drop(running.listeners);
    driver.terminate(&id).await.unwrap();
    assert!(!directory.exists());
    assert_eq!(processes_that_mount(root.path()), Vec::<u32>::new());
    assert_eq!(processes_of(root.path()), Vec::<String>::new());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(root.path().to_str().unwrap()));
    assert!(matches!(driver.exec(&id, ExecRequest::new(["true"])).await, Err(DriverError::NotRunning(_))));
    driver.terminate(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_sockets_are_served_from_outside() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Some(Host { driver, .. }) = host().await else { return };
    let spec = spec(3);
    let id = spec.id.clone();
    let running = driver.start(spec).await.unwrap();
    for (listener, name) in
        [(running.listeners.metadata, "metadata"), (running.listeners.api.unwrap(), "api")]
    {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = connection.read(&mut request).await;
                let body = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{name}",
                    name.len()
                );
                connection.write_all(body.as_bytes()).await.unwrap();
            }
        });
    }
    let fetch = "import os,sys,urllib.request as u\nfor x in ['http://169.254.169.254/', os.environ['AWS_ENDPOINT_URL']]: print(u.urlopen(x, timeout=20).read().decode())";
    let python = run(&driver, &id, ExecRequest::new(["/usr/bin/python3", "-c", fetch])).await;
    assert_eq!(
        String::from_utf8_lossy(&python.stdout),
        "metadata\napi\n",
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    driver.terminate(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn user_data_runs_once_with_its_output_on_the_console() {
    let Some(Host { driver, .. }) = host().await else { return };
    let mut spec = spec(4);
    let id = spec.id.clone();
    let script =
        "#!/bin/sh\necho from user data; echo to the console > /dev/console; echo x >> /root/runs\nexit 3\n";
    spec.user_data = Some(UserData(script.into()));
    let running = driver.start(spec.clone()).await.unwrap();
    wait_for_console(&driver, &id, "user data ended with 3").await;
    let console = console(&driver, &id).await;
    assert!(console.contains("from user data") && console.contains("to the console"), "{console}");
    assert_eq!(sh(&driver, &id, "cat /var/log/cloud-init-output.log").await, "from user data");

    driver.reboot(&id).await.unwrap();
    assert_eq!(running.exit.now(), None);
    driver.stop(&id, Duration::from_secs(5)).await.unwrap();
    assert_eq!(running.exit.now(), Some(Exit::Asked));
    drop(running);
    driver.start(spec).await.unwrap();
    assert_eq!(sh(&driver, &id, "cat /root/runs").await, "x", "its disk is kept, its user data ran once");
    driver.terminate(&id).await.unwrap();
}

async fn console(driver: &impl Driver, id: &InstanceId) -> String {
    String::from_utf8_lossy(&driver.console_output(id).await.unwrap()).into_owned()
}

async fn wait_for_console(driver: &impl Driver, id: &InstanceId, text: &str) {
    for _ in 0..600 {
        if console(driver, id).await.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text:?} did not come: {}", console(driver, id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_input_signals_and_terminals() {
    use tokio::io::AsyncReadExt;
    let Some(Host { driver, .. }) = host().await else { return };
    let spec = spec(5);
    let id = spec.id.clone();
    let _running = driver.start(spec).await.unwrap();

    let cat = driver.exec(&id, ExecRequest::new(["cat"])).await.unwrap();
    let output = capture(cat, b"through a pipe", 1024, PATIENCE).await.unwrap();
    assert_eq!(output.stdout, b"through a pipe");

    let sleep = driver.exec(&id, ExecRequest::new(["sleep", "600"])).await.unwrap();
    let control = sleep.control.clone();
    // The program may not have taken its own session yet when the signal comes; it ends either way.
    control.signal(15).unwrap();
    assert_eq!(capture(sleep, b"", 0, PATIENCE).await.unwrap().status, ExecStatus::Signaled(15));

    let size = TerminalSize { rows: 33, columns: 77 };
    let request = ExecRequest {
        terminal: Some(size),
        ..ExecRequest::new(["sh", "-c", "tty; stty size; test -t 0 && echo $TERM"])
    };
    let executing = driver.exec(&id, request).await.unwrap();
    let ExecIo::Terminal(master) = executing.io else { panic!("a terminal") };
    let mut master = tokio::fs::File::from_std(master.into());
    let mut shown = Vec::new();
    // Reading a terminal's master side fails when the last program on it is gone.
    let _ = master.read_to_end(&mut shown).await;
    assert_eq!(String::from_utf8_lossy(&shown), "/dev/pts/1\r\n33 77\r\nxterm-256color\r\n");
    assert_eq!(executing.status.await.unwrap(), ExecStatus::Exited(0));

    // A caller that goes away takes its program with it.
    let executing = driver.exec(&id, ExecRequest::new(["sleep", "601"])).await.unwrap();
    drop(executing);
    let mut left = String::new();
    for _ in 0..100 {
        left =
            sh(&driver, &id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 60[1]' || true").await;
        if left == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(left, "0");
    driver.terminate(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_logs_in_by_ssh_with_the_instances_key() {
    let Some(Host { driver, sshd, root, users, .. }) = host().await else { return };
    if !sshd {
        eprintln!("SKIPPED: no sshd is installed");
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    for name in ["key", "other"] {
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(keys.path().join(name))
            .status()
            .unwrap();
        assert!(made.success());
    }
    let mut spec = spec(6);
    let id = spec.id.clone();
    spec.authorized_keys = vec![std::fs::read_to_string(keys.path().join("key.pub")).unwrap()];
    let running = driver.start(spec).await.unwrap();
    let port = running.listeners.ssh.unwrap().port();
    let host_key = running.ssh_host_key.unwrap();
    let access = driver.layout().ssh(&id).unwrap();
    assert_eq!((access.port, &access.host_key), (port, &host_key));
    let known = keys.path().join("known");
    std::fs::write(&known, format!("[127.0.0.1]:{port} {host_key}\n")).unwrap();
    assert!(console(&driver, &id).await.contains(host_key.trim()));

    let ssh = async |key: &str, extra: &[&str], command: &str| {
        tokio::process::Command::new("ssh")
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .args(extra)
            .arg("-i")
            .arg(keys.path().join(key))
            .args(["-p", &port.to_string(), "ec2-user@127.0.0.1", command])
            .output()
            .await
            .unwrap()
    };
    let output = ssh("key", &[], "whoami; hostname; echo $AWS_ENDPOINT_URL").await;
    let log = sh(&driver, &id, "cat /var/log/sshd.log || true").await;
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ec2-user\nip-172-31-5-6.ec2.internal\nhttp://169.254.169.253:4566\n",
        "{}\n{log}",
        String::from_utf8_lossy(&output.stderr)
    );
    let terminal = ssh("key", &["-tt"], "tty").await;
    let log = sh(&driver, &id, "cat /var/log/sshd.log || true").await;
    assert!(String::from_utf8_lossy(&terminal.stdout).starts_with("/dev/pts/"), "{terminal:?} {log}");
    assert!(!ssh("other", &[], "true").await.status.success(), "another key opens nothing");
    if users == Users::Full && Path::new("/usr/bin/sudo").exists() {
        let output = ssh("key", &[], "sudo -n id -u").await;
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n", "{output:?}");
    }
    // A second server finds the instance and the same port.
    let again = ssh_port_after_restart(&driver, &id, root.path()).await;
    assert_eq!(again, port);
    driver.terminate(&id).await.unwrap();
}

async fn ssh_port_after_restart(driver: &NamespaceDriver, id: &InstanceId, root: &Path) -> u16 {
    // The first driver still holds the port, so its instance is stopped and started by the second.
    driver.stop(id, Duration::from_secs(1)).await.unwrap();
    let second = NamespaceDriver::new(config(root)).unwrap();
    let running = second.start(spec(6)).await.unwrap();
    let port = running.listeners.ssh.unwrap().port();
    second.stop(id, Duration::ZERO).await.unwrap();
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn without_overlays_system_files_are_read_only() {
    let Some(Host { root, .. }) = host().await else { return };
    let config = NamespaceConfig { overlay: false, ..config(root.path()) };
    let driver = NamespaceDriver::new(config).unwrap();
    let spec = spec(7);
    let id = spec.id.clone();
    let running = driver.start(spec).await.unwrap();
    assert_eq!(running.file_system, rolecall_instances::FileSystem::ReadOnly);
    assert_eq!(sh(&driver, &id, "touch /usr/x 2>/dev/null && echo written || echo refused").await, "refused");
    assert_eq!(sh(&driver, &id, "touch /etc/x /root/x && whoami").await, "root");
    driver.terminate(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn shown_directories_are_read_only_and_hidden_ones_empty() {
    let Some(Host { root, .. }) = host().await else { return };
    let shown = tempfile::tempdir().unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(shown.path(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(shown.path().join("secret")).unwrap();
    std::fs::write(shown.path().join("secret/key"), "k").unwrap();
    std::fs::write(shown.path().join("tool"), "t").unwrap();
    let config = NamespaceConfig {
        shown: vec![shown.path().to_owned()],
        hidden: vec![shown.path().join("secret")],
        ..config(root.path())
    };
    let driver = NamespaceDriver::new(config).unwrap();
    let mut spec = spec(12);
    spec.limits.open_files = Some(77);
    let id = spec.id.clone();
    let _running = driver.start(spec).await.unwrap();
    let path = shown.path().display();
    assert_eq!(sh(&driver, &id, &format!("cat {path}/tool")).await, "t");
    assert_eq!(
        sh(&driver, &id, &format!("ls -A {path}/secret; cat {path}/secret/key 2>&1 | grep -c such")).await,
        "1"
    );
    assert_eq!(
        sh(&driver, &id, &format!("(echo x > {path}/tool) 2>/dev/null || echo refused")).await,
        "refused"
    );
    assert_eq!(
        sh(&driver, &id, &format!("umount {path} 2>/dev/null || echo refused; ulimit -n")).await,
        "refused\n77"
    );
    driver.terminate(&id).await.unwrap();
    assert!(shown.path().join("secret/key").exists());
}

/// As `rolecall instance exec` does it, beside the server.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_can_run_programs_too() {
    use std::os::fd::AsFd;
    let Some(Host { driver, .. }) = host().await else { return };
    let spec = spec(13);
    let id = spec.id.clone();
    let layout = driver.layout().clone();
    let run = move |argv: &[&str], id: &InstanceId| {
        let (reader, writer) = std::io::pipe().unwrap();
        let input = std::fs::File::open("/dev/null").unwrap();
        let request = ExecRequest::new(argv.iter().copied());
        let program = client::exec(&layout, id, request, [input.as_fd(), writer.as_fd(), writer.as_fd()]);
        drop(writer);
        program.map(|program| (std::io::read_to_string(reader).unwrap(), program.wait().unwrap()))
    };
    assert!(matches!(run(&["hostname"], &id), Err(DriverError::NotRunning(_))));
    let _running = driver.start(spec).await.unwrap();
    assert_eq!(
        run(&["hostname"], &id).unwrap(),
        ("ip-172-31-5-13.ec2.internal\n".into(), ExecStatus::Exited(0))
    );
    assert_eq!(run(&["sh", "-c", "exit 7"], &id).unwrap().1, ExecStatus::Exited(7));
    driver.terminate(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_started_once() {
    let Some(Host { driver, root, .. }) = host().await else { return };
    let spec = spec(14);
    let both = futures::future::join(driver.start(spec.clone()), driver.start(spec.clone())).await;
    assert!(matches!(both, (Ok(_), Err(DriverError::AlreadyRunning(_)))), "{both:?}");
    // Nor by another server over the same directory; the one that runs is not harmed.
    let other = NamespaceDriver::new(config(root.path())).unwrap();
    let second = other.start(spec.clone()).await;
    assert!(matches!(second, Err(DriverError::AlreadyRunning(_))), "{second:?}");
    assert_eq!(sh(&driver, &spec.id, "echo here").await, "here");
    driver.terminate(&spec.id).await.unwrap();
    // Terminated while it is being started.
    let both = futures::future::join(driver.start(spec.clone()), driver.terminate(&spec.id)).await;
    assert!(matches!(both, (Ok(_), Ok(()))), "{both:?}");
    assert!(!driver.layout().directory(&spec.id).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_instance_is_swept_and_a_known_one_taken_over() {
    let Some(Host { driver, root, .. }) = host().await else { return };
    let (kept, gone) = (spec(8), spec(9));
    let (kept_id, gone_id) = (kept.id.clone(), gone.id.clone());
    let first = driver.start(kept).await.unwrap();
    let _second = driver.start(gone).await.unwrap();
    sh(&driver, &kept_id, "echo before > /tmp/state").await;

    let later = NamespaceDriver::new(config(root.path())).unwrap();
    let swept = later.sweep(std::slice::from_ref(&kept_id)).await.unwrap();
    assert_eq!(swept.ended, std::slice::from_ref(&gone_id));
    assert_eq!(swept.removed, std::slice::from_ref(&gone_id));
    assert!(!later.layout().directory(&gone_id).exists());
    let mut taken = later.reattach_all(&[kept_id.clone(), gone_id]).await;
    assert!(taken.pop().unwrap().1.is_err());
    let taken = taken.pop().unwrap().1.unwrap();
    assert_eq!(
        taken.listeners.metadata.local_addr().unwrap(),
        first.listeners.metadata.local_addr().unwrap()
    );
    assert_eq!(sh(&later, &kept_id, "cat /tmp/state").await, "before");
    assert_eq!(first.exit.now(), None);
    later.terminate(&kept_id).await.unwrap();
    assert_eq!(taken.exit.now(), Some(Exit::Asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_without_a_server_ends_by_itself() {
    let Some(Host { root, .. }) = host().await else { return };
    let config = NamespaceConfig { orphan_grace: Duration::from_secs(1), ..config(root.path()) };
    let driver = NamespaceDriver::new(config.clone()).unwrap();
    let spec = spec(10);
    let id = spec.id.clone();
    // A server that is killed is a runtime that ends without a word.
    let directory = driver.layout().directory(&id);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut exit = {
        let started = driver.clone();
        runtime.spawn(async move { started.start(spec).await.unwrap().exit }).await.unwrap()
    };
    runtime.shutdown_background();
    drop(driver);
    assert_eq!(exit.wait().await, Exit::Unasked);
    for _ in 0..200 {
        if processes_of(&directory).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(processes_of(&directory), Vec::<String>::new());
    // Its disk is left, as of any instance that stopped, until it is swept.
    let swept = NamespaceDriver::new(config).unwrap().sweep(&[]).await.unwrap();
    assert_eq!(swept.removed, [id]);
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_leaves_nothing() {
    let Some(Host { root, .. }) = host().await else { return };
    let missing = NamespaceConfig { shown: vec!["/no/such/directory".into()], ..config(root.path()) };
    let driver = NamespaceDriver::new(missing).unwrap();
    let spec = spec(11);
    let directory = driver.layout().directory(&spec.id);
    let error = driver.start(spec.clone()).await.unwrap_err();
    assert!(
        matches!(&error, DriverError::Start { reason, .. } if reason.contains("/no/such/directory")),
        "{error}"
    );
    assert!(!directory.exists());
    assert_eq!(processes_of(root.path()), Vec::<String>::new());
    assert!(matches!(driver.start(spec).await, Err(DriverError::Start { .. })), "and it can be tried again");
}
