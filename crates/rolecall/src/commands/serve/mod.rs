//! `rolecall serve`

pub(super) mod files;
pub(crate) use compute::INSTANCE_INIT;
pub(crate) use compute::directory as instances_directory;
mod compute;
mod control;
mod delegation;
mod first_start;
mod given_keys;
mod issuers;
mod logging;
mod master_key;
mod open;
mod role_templates;
pub(crate) mod root;
pub(crate) use master_key::{KeyError, KeySource, add_key, leave_key, new_key};
pub(crate) use open::{RESTORING, bare_store, first_account, made_place, open_place};

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rolecall_iam::Quotas;
use rolecall_s3::S3;
use rolecall_server::record::{Recorder, TrailError, TrailSettings};
use rolecall_server::{Clock as _, Endpoint, Limits, Parts, RateLimits, SystemClock, Tls, TlsFiles};
use rolecall_state::entities::AccountRecord;
use rolecall_state::{AccountId, Entropy, Pace, State, StateError, SystemEntropy, Txn};
use rolecall_store::OpenError;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Failure;
use super::task::{CONTROL, Place, listen_at};
use crate::settings::{Settings, SettingsError};

/// How often it is looked whether the session key is due to rotate.
const ROTATION_CHECK: Duration = Duration::from_secs(60);
/// How often the last uses of credentials are written to the store.
const LAST_USED_INTERVAL: Duration = Duration::from_secs(60);

/// Why the server can't start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// A setting is no good.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file of the data directory is no good.
    #[error("the data directory can't be used: {0}")]
    Files(#[from] files::FileError),
    /// The store can't be opened.
    #[error("the store can't be opened: {0}")]
    Open(#[from] OpenError),
    /// etcd can't be used.
    #[error(transparent)]
    Etcd(#[from] rolecall_store::ConnectError),
    /// The setting `store` names none. It is not repeated: there may be a password in it.
    #[error("store is neither `embedded` nor the address of an etcd: {0}")]
    StoreAddress(#[from] rolecall_store::SettingsError),
    /// A file that a setting names can't be read.
    #[error("{setting} names {path}, which can't be read: {cause}")]
    Named {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The store holds something, and the key that opens its secrets is not here.
    #[error(
        "the store is in use already, and its master key is not here: give it by master_key_file or ROLECALL_MASTER_KEY"
    )]
    NoMasterKey,
    /// The master key can't be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no store.
    #[error("there is no store at {0}; choose another data directory with --data")]
    NoStore(PathBuf),
    /// A restore was broken off.
    #[error("a restore into this store was not finished: run `rolecall restore` again")]
    HalfRestored,
    /// An import was broken off.
    #[error(
        "an import into this store was not finished: run `rolecall import` again, or begin with another store"
    )]
    HalfImported,
    /// The store's file was in use and has nothing in it any more.
    #[error(
        "{0} is empty, though this data directory was served from: bring the file back from a backup, or remove it to begin anew"
    )]
    Emptied(PathBuf),
    /// The store can't be read.
    #[error("the store can't be read: {0}")]
    Store(#[from] rolecall_store::StoreError),
    /// The objects' directory can't be opened.
    #[error("the objects can't be opened: {0}")]
    Objects(#[from] rolecall_s3::OpenError),
    /// The state can't be read.
    #[error("the state can't be read: {0}")]
    State(#[from] StateError),
    /// The audit trail can't be opened.
    #[error(transparent)]
    Trail(#[from] TrailError),
    /// The root credentials that the environment gives are no good.
    #[error("the root credentials can't be used: {0}")]
    GivenRoot(&'static str),
    /// The root user's password that the environment gives is no good.
    #[error("$ROLECALL_ROOT_PASSWORD can't be used: {0}")]
    RootPassword(String),
    /// The address can't be listened on.
    #[error("{address} can't be listened on: {cause}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The certificates can't be used.
    #[error("TLS: {0}")]
    Tls(#[from] rolecall_server::TlsError),
    /// There is no runtime to work in.
    #[error("no runtime: {0}")]
    Runtime(std::io::Error),
}

/// Serves until a signal asks to stop.
pub(crate) fn run(settings: &Settings) -> Result<ExitCode, Failure> {
    logging::start(settings)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().thread_name("rolecall").on_thread_park(rolecall_server::worker_rests);
    runtime.build().map_err(ServeError::Runtime)?.block_on(serve(settings))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads every setting once, so that a bad one is told before anything is touched.
fn check(settings: &Settings) -> Result<(), ServeError> {
    open::check(settings)?;
    compute::check(settings)?;
    let _: AccountId = settings.get("account")?;
    let _: usize = settings.get("audit.recent")?;
    logging::line_format(settings)?;
    trail_settings(settings, Path::new(""))?;
    limits(settings)?;
    rates(settings)?;
    quotas(settings)?;
    delegation::providers(settings)?;
    role_templates::read(settings)?;
    issuers::rules(settings)?;
    given_keys::read(settings)?;
    sts_limits(settings)?;
    token_key_period(settings)?;
    pace(settings)?;
    public_url(settings, "")?;
    Ok(())
}

async fn serve(settings: &Settings) -> Result<(), ServeError> {
    check(settings)?;
    let data = PathBuf::from(settings.text("data"));
    let address: SocketAddr = settings.get("listen")?;
    // The port comes first: who can't have it must not have touched the data.
    let listener = TcpListener::bind(address).await.map_err(|cause| ServeError::Listen { address, cause })?;
    let bound = listener.local_addr().unwrap_or(address);
    let tls = open_tls(settings)?;
    files::prepare(&data)?;
    let place = open::place(settings, &data).await?;
    let (store, state) = (place.store.clone(), place.state.clone());
    let recorder = Arc::new(Recorder::start(
        &trail_settings(settings, &data)?,
        settings.get("audit.recent")?,
        logging::line_format(settings)?,
    )?);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{bound}");
    let parts = parts(settings, &data, &url, state.clone(), recorder.clone())?;
    let endpoint = Arc::new(Endpoint::new(parts));
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(rotate_session_keys(state.clone(), pace(settings)?));
    tokio::spawn(rotate_token_keys(state.clone(), token_key_period(settings)?));
    tokio::spawn(master_key::follow(place.source.clone(), state.clone()));
    take_in_operators(place, recorder.clone());
    tokio::spawn(write_last_used(state.clone()));
    // Before anyone is told that the server is there, so that whoever asks it to stop at once is heard.
    let asked_to_stop = stop_signal();
    tokio::spawn(async move {
        asked_to_stop.await;
        let _ = stop.send(true);
    });
    announce(&data, &url)?;
    let supervised = tokio::spawn(compute::run(settings, &data, endpoint.clone(), url, stopped.clone())?);
    let front = Arc::new(rolecall_server::Front::new(endpoint));
    rolecall_server::serve(listener, tls, limits(settings)?, front, stopped).await;
    let _ = supervised.await;
    recorder.stop();
    if let Err(cause) = state.last_used().flush(&state).await {
        tracing::warn!(%cause, "the last uses of credentials could not be written");
    }
    store.close().await;
    for gone in [files::ENDPOINT, CONTROL] {
        let _ = std::fs::remove_file(data.join(gone));
    }
    tracing::info!("stopped");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the program is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn parts(
    settings: &Settings,
    data: &Path,
    url: &str,
    state: State,
    recorder: Arc<Recorder>,
) -> Result<Parts, ServeError> {
    let issuer_rules = issuers::rules(settings)?;
    Ok(Parts {
        issuer_keys: issuers::keys(issuer_rules),
        given_keys: given_keys::read(settings)?,
        local_issuers: issuer_rules.allow_loopback || issuer_rules.allow_private_networks,
        s3: open_s3(settings, data)?,
        node: files::node_name(data, &SystemEntropy)?.into(),
        console: Box::new(compute::console(data)),
        state,
        recorder,
        clock: Box::new(SystemClock),
        entropy: Box::new(SystemEntropy),
        limits: limits(settings)?,
        rates: rates(settings)?,
        quotas: quotas(settings)?,
        providers: delegation::providers(settings)?,
        role_templates: role_templates::read(settings)?,
        sts_limits: sts_limits(settings)?,
        public_url: public_url(settings, url)?,
        region: settings.text("region").into(),
        metrics_token: settings.text("metrics.token").into(),
    })
}

/// Under which address others find this server: its own, where the settings have no other.
fn public_url(settings: &Settings, own: &str) -> Result<Box<str>, ServeError> {
    let given = settings.text("public_url").trim_end_matches('/');
    if given.is_empty() {
        return Ok(own.into());
    }
    let is_url = given.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && uri.query().is_none()
    });
    match is_url {
        true => Ok(given.into()),
        false => Err(settings
            .refuse("public_url", "it takes a URL, such as https://iam.example.com".into())
            .into()),
    }
}

fn rates(settings: &Settings) -> Result<RateLimits, ServeError> {
    Ok(RateLimits {
        per_source: settings.get("rate.per_source")?,
        per_principal: settings.get("rate.per_principal")?,
    })
}

fn quotas(settings: &Settings) -> Result<Quotas, ServeError> {
    let mut quotas = Quotas::default();
    for (setting, _) in settings.iter() {
        if let Some(name) = setting.key.strip_prefix("quotas.") {
            let known = quotas.set(name, settings.get(setting.key)?);
            debug_assert!(known, "{name} is a setting and no quota");
        }
    }
    Ok(quotas)
}

fn sts_limits(settings: &Settings) -> Result<rolecall_sts::Limits, ServeError> {
    let key = "sts.min_session_seconds";
    let min_session_seconds: i32 = settings.get(key)?;
    if !(1..=43_200).contains(&min_session_seconds) {
        return Err(settings.refuse(key, "it takes 1 to 43200 seconds".into()).into());
    }
    Ok(rolecall_sts::Limits { min_session_seconds })
}

/// For how many seconds a key signs tokens for others.
fn token_key_period(settings: &Settings) -> Result<i64, ServeError> {
    let key = "sts.token_key_rotation_seconds";
    let seconds: i64 = settings.get(key)?;
    match seconds {
        2.. => Ok(seconds),
        _ => Err(settings.refuse(key, "it takes 2 seconds or more".into()).into()),
    }
}

fn open_s3(settings: &Settings, data: &Path) -> Result<S3, ServeError> {
    let endpoint = rolecall_s3::Endpoint::new([], settings.text("region"));
    let entropy: &dyn Entropy = &SystemEntropy;
    Ok(S3::open(&data.join("s3"), endpoint, Arc::new(move || entropy.bytes()))?)
}

fn limits(settings: &Settings) -> Result<Limits, ServeError> {
    let seconds = |key| Ok::<_, ServeError>(Duration::from_secs(settings.get(key)?));
    Ok(Limits {
        max_connections: settings.get("http.max_connections")?,
        header_timeout: seconds("http.header_timeout_seconds")?,
        body_timeout: seconds("http.body_timeout_seconds")?,
        max_header_bytes: settings.get("http.max_header_bytes")?,
        max_body_bytes: settings.get("http.max_body_bytes")?,
    })
}

fn trail_settings(settings: &Settings, data: &Path) -> Result<TrailSettings, ServeError> {
    Ok(TrailSettings {
        directory: data.join(files::AUDIT),
        file_bytes: settings.get("audit.file_bytes")?,
        files: settings.get("audit.files")?,
    })
}

/// TLS, where the settings have a certificate.
fn open_tls(settings: &Settings) -> Result<Option<Arc<Tls>>, ServeError> {
    let named = |key| Some(settings.text(key)).filter(|path: &&str| !path.is_empty()).map(PathBuf::from);
    let (certificate, key) = (named("tls.certificate_file"), named("tls.key_file"));
    let client_authority = named("tls.client_authority_file");
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) if client_authority.is_none() => return Ok(None),
        _ => {
            let both = "it goes together with tls.certificate_file and tls.key_file".to_owned();
            let given = ["tls.certificate_file", "tls.key_file", "tls.client_authority_file"];
            let given =
                given.into_iter().find(|key| !settings.text(key).is_empty()).unwrap_or("tls.key_file");
            return Err(settings.refuse(given, both).into());
        }
    };
    let tls = Arc::new(Tls::open(TlsFiles { certificate, key, client_authority })?);
    tokio::spawn(tls.clone().follow_files());
    Ok(Some(tls))
}

/// Says where the server is, on standard output and in the data directory.
fn announce(data: &Path, url: &str) -> Result<(), ServeError> {
    files::write_private(&data.join(files::ENDPOINT), &format!("{url}\n"))?;
    // Whoever closed standard output does not want to read it.
    let _ = writeln!(
        std::io::stdout(),
        "rolecall listens on {url}\n  eval \"$(rolecall env --data {})\"",
        data.display()
    );
    tracing::info!(%url, data = %data.display(), "listening");
    Ok(())
}

/// Writes at intervals when credentials and roles were last used.
async fn write_last_used(state: State) {
    loop {
        tokio::time::sleep(LAST_USED_INTERVAL).await;
        if let Err(cause) = state.last_used().flush(&state).await {
            tracing::warn!(%cause, "the last uses of credentials could not be written");
        }
    }
}

/// How fast session keys follow each other.
fn pace(settings: &Settings) -> Result<Pace, ServeError> {
    let key = "sts.key_rotation_seconds";
    let behind = i64::try_from(open::staleness(settings)?.as_secs()).unwrap_or(i64::MAX);
    match settings.get::<i64>(key)? {
        seconds @ 1..=31_536_000 => Ok(Pace::new(seconds, if is_alone(settings) { 0 } else { behind })),
        _ => Err(settings.refuse(key, "it takes 1 to 31536000 seconds".into()).into()),
    }
}

/// Whether no other node uses the same store.
fn is_alone(settings: &Settings) -> bool {
    settings.text("store") == "embedded"
}

/// Listens for the operator, where nobody else can open the store. A server does without, if it must.
fn take_in_operators(place: Place, recorder: Arc<Recorder>) {
    let sealing = place.state.snapshot();
    if sealing.sealing().is_some_and(|sealing| !sealing.former.is_empty()) {
        tracing::warn!("a rotation of the master key was not finished: run `rolecall master-key rotate`");
    }
    if !is_alone(&place.settings) {
        return;
    }
    match listen_at(&place.data) {
        Ok(listener) => {
            tokio::spawn(control::run(listener, place, recorder));
        }
        Err(cause) => {
            tracing::warn!(%cause, "no socket in the data directory: backups need the server stopped")
        }
    }
}

/// Makes a new session key when it is time, and lets it seal once every node has it.
async fn rotate_session_keys(state: State, pace: Pace) {
    let look = pace.look().min(ROTATION_CHECK);
    loop {
        let now = SystemClock.now();
        let account = state.snapshot().accounts().next().map(|account| account.id());
        if let Some(account) = account.filter(|_| state.is_following()) {
            let rotated = state.write(account, |txn| {
                // Another node may have been first.
                if txn.snapshot().key_ring().is_due(now, pace) {
                    txn.rotate_key_ring(now, &SystemEntropy);
                }
                Ok::<_, StateError>(())
            });
            if let Err(cause) = rotated.await {
                tracing::error!(%cause, "the session key could not be rotated");
            }
        }
        tokio::time::sleep(look).await;
    }
}

/// Gives the accounts that sign tokens for others new keys, when the last have signed for `period` seconds.
async fn rotate_token_keys(state: State, period: i64) {
    let pause = ROTATION_CHECK.min(Duration::from_secs(u64::try_from(period / 2).unwrap_or(1).max(1)));
    loop {
        let now = SystemClock.now();
        let snapshot = state.snapshot();
        let due = |record: &AccountRecord| rolecall_iam::token_keys_are_due(record, period, now);
        for account in snapshot.accounts().filter(|account| due(&account.record) && state.is_following()) {
            // Making a key takes its time.
            let rotate = |txn: &mut Txn| {
                tokio::task::block_in_place(|| {
                    rolecall_iam::rotate_token_keys(txn, period, now, &SystemEntropy)
                })
            };
            if let Err(cause) = state.write(account.id(), rotate).await {
                tracing::error!(account = %account.id(), %cause, "the keys for tokens could not be rotated");
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Takes the signals that ask to stop, from this call on; gives what waits for one.
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let taken = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        let (Ok(mut terminate), Ok(mut interrupt)) = taken else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
