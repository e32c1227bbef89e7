//! Opening the store, embedded or etcd, and the state above it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rolecall_state::arrival::Arrival;
use rolecall_state::{AccountId, Entropy, MasterKey, State, SystemEntropy, hex};
use rolecall_store::{Credentials, Embedded, Etcd, EtcdSettings, Store, Tls};
use zeroize::Zeroizing;

use super::first_start::{self, GivenRoot};
use super::master_key::{KeyError, KeySource};
use super::{ServeError, files, root, variable};
use crate::commands::task::Place;
use crate::settings::Settings;
use rolecall_server::{Clock as _, SystemClock};

/// The store's file in the data directory.
const STORE_FILE: &str = "store.redb";

/// Whether the settings name a store.
pub(super) fn check(settings: &Settings) -> Result<(), ServeError> {
    staleness(settings)?;
    match settings.text("store") {
        "embedded" => Ok(()),
        _ => etcd_settings(settings).map(drop),
    }
}

/// The store that the settings name, and the state in it, with its first account.
pub(super) async fn place(settings: &Settings, data: &Path) -> Result<Place, ServeError> {
    let place = open(settings, data).await?;
    first_account(&place.state, data, settings.get("account")?, None).await?;
    root::settle(data, &place.state.snapshot())?;
    Ok(place)
}

async fn open(settings: &Settings, data: &Path) -> Result<Place, ServeError> {
    let source = KeySource::of(settings, data)?;
    let (store, state) = match settings.text("store") {
        "embedded" => embedded(&source, data).await?,
        _ => etcd(settings, &source).await?,
    };
    Ok(Place { settings: settings.clone(), data: data.to_owned(), store, state, source })
}

/// The store that the settings name, which must be there.
pub(crate) async fn open_place(settings: &Settings) -> Result<Place, ServeError> {
    let data = existing(settings)?;
    open(settings, &data).await
}

/// The data directory. Who only looks at a store does not make one.
fn existing(settings: &Settings) -> Result<PathBuf, ServeError> {
    let data = PathBuf::from(settings.text("data"));
    if settings.text("store") == "embedded" && !data.join(STORE_FILE).exists() {
        return Err(ServeError::NoStore(data.join(STORE_FILE)));
    }
    files::prepare(&data)?;
    Ok(data)
}

/// The store that the settings name, which is made where it is not there.
pub(crate) async fn made_place(settings: &Settings) -> Result<Place, ServeError> {
    let data = PathBuf::from(settings.text("data"));
    files::prepare(&data)?;
    open(settings, &data).await
}

/// Makes the first account, unless there is one; says whether it did.
pub(crate) async fn first_account(
    state: &State,
    data: &Path,
    account: AccountId,
    arrival: Option<&Arrival>,
) -> Result<bool, ServeError> {
    let given = GivenRoot {
        access_key_id: variable("ROLECALL_ROOT_ACCESS_KEY_ID"),
        secret_access_key: variable("ROLECALL_ROOT_SECRET_ACCESS_KEY"),
        password: variable("ROLECALL_ROOT_PASSWORD").map(Zeroizing::new),
    };
    first_start::make_account(state, data, account, arrival, given, SystemClock.now(), &SystemEntropy).await
}

/// The key that stands in the store while a restore goes on.
pub(crate) const RESTORING: &[u8] = b"restoring";

/// The store that the settings name, as it is, and the master key. An embedded store that is not there is made when
/// `may_create` says so; a master key never.
pub(crate) async fn bare_store(
    settings: &Settings,
    may_create: bool,
) -> Result<(Arc<dyn Store>, MasterKey), ServeError> {
    let data = match may_create {
        true => PathBuf::from(settings.text("data")),
        false => existing(settings)?,
    };
    files::prepare(&data)?;
    let master = KeySource::of(settings, &data)?.read(false, &SystemEntropy)?;
    let store: Arc<dyn Store> = match settings.text("store") {
        "embedded" => Arc::new(Embedded::open(&data.join(STORE_FILE))?),
        _ => Arc::new(Etcd::connect(&etcd_settings(settings)?).await?),
    };
    Ok((store, master))
}

async fn embedded(source: &KeySource, data: &Path) -> Result<(Arc<dyn Store>, State), ServeError> {
    let path = data.join(STORE_FILE);
    // A store whose master key is lost must not get a new one: nothing would open.
    let master = source.read(!path.exists(), &SystemEntropy)?;
    if files::is_emptied(data, &path).unwrap_or(false) {
        return Err(ServeError::Emptied(path));
    }
    let store: Arc<dyn Store> = Arc::new(Embedded::open(&path)?);
    refuse_half_restored(&store).await?;
    let state = State::open(store.clone(), master).await?;
    Ok((store, state))
}

async fn etcd(settings: &Settings, source: &KeySource) -> Result<(Arc<dyn Store>, State), ServeError> {
    let store: Arc<dyn Store> = Arc::new(Etcd::connect(&etcd_settings(settings)?).await?);
    let (some, _) = store.range(b"", b"", 1).await?;
    let master = match source.read(some.is_empty(), &SystemEntropy) {
        Err(KeyError::Absent(_)) => return Err(ServeError::NoMasterKey),
        other => other?,
    };
    refuse_half_restored(&store).await?;
    let state = State::open(store.clone(), master).await?;
    tokio::spawn(state.clone().keep_within(staleness(settings)?));
    Ok((store, state))
}

/// A store in which a restore was broken off is not served.
async fn refuse_half_restored(store: &Arc<dyn Store>) -> Result<(), ServeError> {
    match store.get(RESTORING).await? {
        Some(_) => Err(ServeError::HalfRestored),
        None => Ok(()),
    }
}

pub(super) fn staleness(settings: &Settings) -> Result<Duration, ServeError> {
    let key = "store_staleness_seconds";
    match settings.get::<u64>(key)? {
        seconds @ 1..=3_600 => Ok(Duration::from_secs(seconds)),
        _ => Err(settings.refuse(key, "it takes 1 to 3600 seconds".into()).into()),
    }
}

fn etcd_settings(settings: &Settings) -> Result<EtcdSettings, ServeError> {
    // Every start is a node of its own to the store: what an earlier one left open is not taken up.
    let entropy: &dyn Entropy = &SystemEntropy;
    let node = hex(&entropy.bytes::<16>());
    let address = settings.text("store");
    let mut etcd = match EtcdSettings::parse(address, node) {
        // Where there may be a password, the value is not shown.
        Err(error) if !address.contains('@') => {
            return Err(settings
                .refuse("store", format!("it is neither `embedded` nor etcd's: {error}"))
                .into());
        }
        parsed => parsed?,
    };
    etcd.credentials = credentials(settings)?;
    etcd.tls = Tls {
        authority: contents(settings, "etcd.ca_file")?,
        identity: match (contents(settings, "etcd.certificate_file")?, contents(settings, "etcd.key_file")?) {
            (Some(certificate), Some(key)) => Some((certificate, Zeroizing::new(key))),
            (None, None) => None,
            _ => {
                let both = "it goes together with etcd.key_file".to_owned();
                return Err(settings.refuse("etcd.certificate_file", both).into());
            }
        },
        server_name: Some(settings.text("etcd.server_name").to_owned()).filter(|name| !name.is_empty()),
    };
    Ok(etcd)
}

fn credentials(settings: &Settings) -> Result<Option<Credentials>, ServeError> {
    let user = settings.text("etcd.user");
    if user.is_empty() {
        return Ok(None);
    }
    let Some(password) = contents(settings, "etcd.password_file")? else {
        let both = "it goes together with etcd.password_file".to_owned();
        return Err(settings.refuse("etcd.user", both).into());
    };
    let password = Zeroizing::new(password);
    let password = Zeroizing::new(String::from_utf8_lossy(&password).trim_end().to_owned());
    Ok(Some(Credentials { user: user.to_owned(), password }))
}

fn named(settings: &Settings, key: &'static str) -> Option<PathBuf> {
    Some(settings.text(key)).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn contents(settings: &Settings, key: &'static str) -> Result<Option<Vec<u8>>, ServeError> {
    let Some(path) = named(settings, key) else { return Ok(None) };
    let read = std::fs::read(&path);
    read.map(Some).map_err(|cause| ServeError::Named { setting: key, path, cause })
}
