//! The loop: what the state asks for, against what is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::SystemRandom;
use rolecall_ec2 as observe;
use rolecall_imds::{Imds, ImdsParts, RENEW_BEFORE, TokenKey};
use rolecall_instances::{
    Driver, DriverError, DriverKind, Exit, InstanceId, InstanceSpec, Running, UserData,
};
use rolecall_state::entities::{Instance, InstanceState as State, StateReason};
use rolecall_state::{AccountId, StateError, Txn};
use tokio::sync::{mpsc, watch};

use crate::sessions::Sessions;
use crate::world::{World, system_time};
use crate::{Parts, STOP_GRACE, drivers, identity, sockets};

/// How long the record of a terminated instance stays.
const KEPT_SECONDS: i64 = 3_600;
/// How often it is looked for records that have been kept long enough.
const TIDY_INTERVAL: Duration = Duration::from_secs(60);

/// An instance that this loop has to do with.
#[derive(Clone)]
struct Subject {
    account: AccountId,
    instance: Arc<Instance>,
}

/// What is there, besides the state.
#[derive(Default)]
struct There {
    /// How often each was rebooted, of those that run here.
    running: HashMap<String, u32>,
    /// Those that something is being done with.
    busy: HashMap<String, ()>,
}

/// What a piece of work came to.
enum Done {
    /// It runs, after so many reboots.
    Runs { id: String, reboots: u32 },
    /// It does not run any more.
    Ended { id: String },
    /// Nothing more is being done with it.
    Idle { id: String },
}

pub(crate) struct Keeper {
    parts: Arc<Parts>,
    shutdown: watch::Receiver<bool>,
}

/// What a driver's work needs; made when first an instance is to be run.
#[derive(Clone)]
struct Works {
    parts: Arc<Parts>,
    driver: Arc<dyn Driver>,
    imds: Arc<Imds>,
    shutdown: watch::Receiver<bool>,
    done: mpsc::UnboundedSender<Done>,
}

impl Keeper {
    pub(crate) fn new(parts: Parts, shutdown: watch::Receiver<bool>) -> Self {
        Self { parts: Arc::new(parts), shutdown }
    }

    pub(crate) async fn run(self) {
        let mut revisions = self.parts.endpoint.state().revisions();
        let (sender, mut done) = mpsc::unbounded_channel();
        let mut shutdown = self.shutdown.clone();
        let mut there = There::default();
        let mut works: Option<Works> = None;
        let mut tidy = tokio::time::interval(TIDY_INTERVAL);
        // Instances of a server that was here before are taken over, or swept away.
        if self.parts.directory.exists() {
            works = self.begin(&sender).await.ok();
            if let Some(works) = &works {
                works.take_over(&mut there, self.mine()).await;
            }
        }
        loop {
            let mine = self.mine();
            if works.is_none() && mine.iter().any(|one| one.instance.state == State::Pending) {
                match self.begin(&sender).await {
                    Ok(begun) => works = Some(begun),
                    Err(cause) => self.refuse(&mine, &cause).await,
                }
            }
            match &works {
                Some(works) => works.look_after(&mut there, &mine),
                None => self.settle(&mine).await,
            }
            tokio::select! {
                changed = revisions.changed() => if changed.is_err() { return },
                Some(done) = done.recv() => there.note(done),
                _ = tidy.tick() => self.tidy(&mine).await,
                () = stopped(&mut shutdown) => return,
            }
        }
    }

    /// The instances that this node runs.
    fn mine(&self) -> Vec<Subject> {
        let snapshot = self.parts.endpoint.state().snapshot();
        let mut mine = Vec::new();
        for account in snapshot.accounts() {
            let here = account.instances.iter().filter(|instance| *instance.host == *self.parts.node);
            mine.extend(
                here.map(|instance| Subject { account: account.id(), instance: instance.value.clone() }),
            );
        }
        mine
    }

    async fn begin(&self, done: &mpsc::UnboundedSender<Done>) -> Result<Works, DriverError> {
        let parts = &self.parts;
        let driver = drivers::open(parts).await?;
        let random = Arc::new(SystemRandom::new());
        let token_key = TokenKey::generate(&*random)
            .map_err(|_| DriverError::Unsupported("the system has no randomness".to_owned()))?;
        let (directory, key_endpoint) = (parts.directory.clone(), parts.endpoint.clone());
        let signer =
            tokio::task::spawn_blocking(move || identity::signer(&directory, key_endpoint.entropy()));
        let clock_endpoint = parts.endpoint.clone();
        let imds = Imds::new(ImdsParts {
            instances: Arc::new(World::new(parts.endpoint.state().clone(), parts.region.clone())),
            credentials: Arc::new(Sessions {
                endpoint: parts.endpoint.clone(),
                seconds: parts.credential_seconds,
            }),
            token_key,
            signer: signer.await.ok().flatten(),
            renew_before: renew_before(parts.credential_seconds),
            clock: Arc::new(move || system_time(clock_endpoint.now())),
            random,
        });
        Ok(Works {
            parts: parts.clone(),
            driver,
            imds: Arc::new(imds),
            shutdown: self.shutdown.clone(),
            done: done.clone(),
        })
    }

    /// Without a driver nothing can be started: that is said, and not left pending.
    async fn refuse(&self, mine: &[Subject], cause: &DriverError) {
        tracing::error!(%cause, "instances can't be run");
        for one in mine.iter().filter(|one| one.instance.state == State::Pending) {
            let reason = internal(&cause.to_string());
            write(&self.parts, one, |txn, id, now| observe::terminated(txn, id, Some(reason.clone()), now))
                .await;
        }
    }

    /// Without a driver there is nothing to stop or remove.
    async fn settle(&self, mine: &[Subject]) {
        for one in mine {
            match one.instance.state {
                State::Stopping => write(&self.parts, one, observe::stopped).await,
                State::ShuttingDown => {
                    write(&self.parts, one, |txn, id, now| observe::terminated(txn, id, None, now)).await
                }
                _ => {}
            }
        }
    }

    async fn tidy(&self, mine: &[Subject]) {
        let now = self.parts.endpoint.now();
        let old = |one: &&Subject| {
            one.instance.state == State::Terminated && now.seconds_since(one.instance.changed) > KEPT_SECONDS
        };
        for one in mine.iter().filter(old) {
            write(&self.parts, one, |txn, id, _| observe::forget(txn, id)).await;
        }
    }
}

/// Resolves when the server stops. Nothing borrowed is kept meanwhile.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Clients renew a quarter of an hour before the end; of short sessions, at half of their life.
fn renew_before(seconds: i64) -> Duration {
    RENEW_BEFORE.min(Duration::from_secs(u64::try_from(seconds).unwrap_or(0) / 2))
}

fn internal(message: &str) -> StateReason {
    let code = "Server.InternalError";
    StateReason { code: code.to_owned(), message: format!("{code}: {message}") }
}

/// Writes an observation down. What can't be written now is seen again at the next change.
async fn write(parts: &Parts, one: &Subject, change: impl Fn(&mut Txn, &str, rolecall_state::Timestamp)) {
    let (id, now) = (one.instance.id.as_str(), parts.endpoint.now());
    let written = parts.endpoint.state().write(one.account, |txn| {
        change(txn, id, now);
        Ok::<_, StateError>(())
    });
    if let Err(cause) = written.await {
        tracing::error!(instance = id, %cause, "what became of an instance can't be written down");
    }
}

impl There {
    fn note(&mut self, done: Done) {
        match done {
            Done::Runs { id, reboots } => {
                self.running.insert(id, reboots);
            }
            Done::Ended { id } => {
                self.running.remove(&id);
            }
            Done::Idle { id } => {
                self.busy.remove(&id);
            }
        }
    }
}

impl Works {
    /// Takes over what still runs of an earlier server, and sweeps away what nobody knows.
    async fn take_over(&self, there: &mut There, mine: Vec<Subject>) {
        let living: Vec<&Subject> =
            mine.iter().filter(|one| one.instance.state != State::Terminated).collect();
        let ids: Vec<InstanceId> =
            living.iter().filter_map(|one| InstanceId::parse(one.instance.id.as_str()).ok()).collect();
        match self.driver.sweep(&ids).await {
            Ok(swept) => {
                for id in swept.ended.iter().chain(&swept.removed) {
                    tracing::info!(instance = %id, "what was left of an instance is removed");
                }
            }
            Err(cause) => tracing::error!(%cause, "what earlier instances left can't be removed"),
        }
        let may_run =
            |one: &&&Subject| matches!(one.instance.state, State::Running | State::Pending | State::Stopping);
        let ids: Vec<InstanceId> = living
            .iter()
            .filter(may_run)
            .filter_map(|one| InstanceId::parse(one.instance.id.as_str()).ok())
            .collect();
        for (id, taken) in self.driver.reattach_all(&ids).await {
            let Some(one) = living.iter().find(|one| one.instance.id.as_str() == id.as_str()) else {
                continue;
            };
            match taken {
                Ok(running) => {
                    tracing::info!(instance = %id, "an instance is taken over");
                    self.attend((*one).clone(), running);
                    there.running.insert(id.to_string(), one.instance.reboots);
                    write(&self.parts, one, observe::running).await;
                }
                Err(cause) => {
                    tracing::warn!(instance = %id, %cause, "an instance could not be taken over");
                    write(&self.parts, one, observe::lost).await;
                }
            }
        }
    }

    /// Begins what has to be done, for each instance that nothing is being done with.
    fn look_after(&self, there: &mut There, mine: &[Subject]) {
        for one in mine {
            let id = one.instance.id.as_str();
            if there.busy.contains_key(id) {
                continue;
            }
            let running = there.running.get(id).copied();
            let (works, subject) = (self.clone(), one.clone());
            let work: futures::future::BoxFuture<'static, ()> = match (one.instance.state, running) {
                (State::Pending, None) => Box::pin(async move { works.start(subject).await }),
                (State::Stopping, _) => Box::pin(async move { works.stop(subject).await }),
                (State::ShuttingDown, _) => Box::pin(async move { works.terminate(subject).await }),
                (State::Running, Some(reboots)) if reboots != one.instance.reboots => {
                    Box::pin(async move { works.reboot(subject).await })
                }
                _ => continue,
            };
            there.busy.insert(id.to_owned(), ());
            let (done, id) = (self.done.clone(), id.to_owned());
            tokio::spawn(async move {
                work.await;
                let _ = done.send(Done::Idle { id });
            });
        }
    }

    async fn start(&self, one: Subject) {
        let id = one.instance.id.to_string();
        let started = match self.spec(&one) {
            Ok(spec) => self.driver.start(spec).await,
            Err(cause) => Err(cause),
        };
        match started {
            Ok(running) => {
                tracing::info!(instance = id, "an instance runs");
                self.attend(one.clone(), running);
                let _ = self.done.send(Done::Runs { id, reboots: one.instance.reboots });
                write(&self.parts, &one, observe::running).await;
            }
            Err(cause) => {
                tracing::error!(instance = id, %cause, "an instance can't be started");
                if let Ok(id) = InstanceId::parse(&id) {
                    let _ = self.driver.terminate(&id).await;
                }
                let reason = internal(&cause.to_string());
                write(&self.parts, &one, |txn, id, now| {
                    observe::terminated(txn, id, Some(reason.clone()), now)
                })
                .await;
            }
        }
    }

    fn spec(&self, one: &Subject) -> Result<InstanceSpec, DriverError> {
        let instance = &one.instance;
        let id = InstanceId::parse(instance.id.as_str())
            .map_err(|cause| DriverError::Unsupported(cause.to_string()))?;
        let snapshot = self.parts.endpoint.state().snapshot();
        let mut spec = InstanceSpec::new(id, instance.private_ip, &self.parts.region);
        spec.hostname = rolecall_ec2::private_dns_name(instance.private_ip, &self.parts.region);
        spec.user_data = rolecall_ec2::user_data(instance, &snapshot).map(UserData);
        spec.authorized_keys = instance.public_key.iter().cloned().collect();
        if self.driver.kind() == DriverKind::MetadataOnly {
            let url = |(name, _): &&mut (String, String)| name == "AWS_ENDPOINT_URL";
            spec.env.iter_mut().filter(url).for_each(|(_, value)| value.clone_from(&self.parts.endpoint_url));
        }
        Ok(spec)
    }

    /// Serves a running instance, and sees to its end.
    fn attend(&self, one: Subject, running: Running) {
        let Running { listeners, exit, .. } = running;
        let id = one.instance.id.to_string();
        let parts = &self.parts;
        let (imds, endpoint) = (self.imds.clone(), parts.endpoint.clone());
        let served = sockets::Served { imds, endpoint, limits: parts.limits.clone() };
        sockets::serve(
            (&id, one.instance.private_ip),
            listeners,
            served,
            exit.clone(),
            self.shutdown.clone(),
        );
        let (works, mut exit, mut shutdown) = (self.clone(), exit, self.shutdown.clone());
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = exit.wait() => ended,
                () = stopped(&mut shutdown) => return,
            };
            if ended == Exit::Unasked {
                let code = "Client.InstanceInitiatedShutdown";
                let reason = StateReason {
                    code: code.into(),
                    message: format!("{code}: Instance initiated shutdown"),
                };
                write(&works.parts, &one, |txn, id, now| observe::gone(txn, id, reason.clone(), now)).await;
            }
            let _ = works.done.send(Done::Ended { id });
        });
    }

    async fn stop(&self, one: Subject) {
        let Ok(id) = InstanceId::parse(one.instance.id.as_str()) else { return };
        match self.driver.stop(&id, STOP_GRACE).await {
            Ok(()) => write(&self.parts, &one, observe::stopped).await,
            Err(cause) => {
                tracing::error!(instance = %id, %cause, "an instance can't be stopped");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn terminate(&self, one: Subject) {
        let Ok(id) = InstanceId::parse(one.instance.id.as_str()) else { return };
        match self.driver.terminate(&id).await {
            Ok(()) => {
                self.imds.forget(id.as_str());
                write(&self.parts, &one, |txn, id, now| observe::terminated(txn, id, None, now)).await;
            }
            Err(cause) => {
                tracing::error!(instance = %id, %cause, "an instance can't be removed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn reboot(&self, one: Subject) {
        let Ok(id) = InstanceId::parse(one.instance.id.as_str()) else { return };
        if let Err(cause) = self.driver.reboot(&id).await {
            tracing::error!(instance = %id, %cause, "an instance can't be rebooted");
        }
        let reboots = one.instance.reboots;
        let _ = self.done.send(Done::Runs { id: id.to_string(), reboots });
    }
}
