use super::*;
use crate::SystemEntropy;
use crate::faulty::{Fixture, sealed_in, secrets, values};

fn key(byte: &str) -> MasterKey {
    MasterKey::parse(&byte.repeat(32)).unwrap()
}

fn both() -> MasterKey {
    MasterKey::parse(&format!("{} {}", "22".repeat(32), "11".repeat(32))).unwrap()
}

async fn sealed_store(master: &MasterKey) -> Fixture {
    let fixture = Fixture::new();
    for (at, value) in sealed_values(master) {
        fixture.put(&at, value).await;
    }
    let sealing = Sealing { v: Format, key: master.id().unwrap(), since: None, former: vec![] };
    fixture.put(keys::SEALING, serde_json::to_vec(&sealing).unwrap()).await;
    fixture
}

fn sealed_values(master: &MasterKey) -> Vec<(String, String)> {
    values(|purpose| {
        let (_, secret) = secrets().into_iter().find(|(of, _)| *of == purpose).unwrap();
        String::from(&*master.seal(secret.as_bytes(), purpose, &SystemEntropy).0)
    })
}

async fn opens(fixture: &Fixture, master: &MasterKey) -> bool {
    let found = sealed_in(fixture).await;
    assert_eq!(found.len(), secrets().len());
    found.iter().all(|(purpose, sealed)| {
        let secret = &secrets().into_iter().find(|(of, _)| of == purpose).unwrap().1;
        master.open(sealed, purpose).is_ok_and(|open| open.expose() == secret.as_bytes())
    })
}

#[tokio::test]
async fn after_a_rotation_the_new_key_alone_opens_everything() {
    let (old, new) = (key("11"), key("22"));
    let fixture = sealed_store(&old).await;
    let to = new.id().unwrap();
    assert!(opens(&fixture, &old).await && !opens(&fixture, &new).await);
    let rotated = rotate(&*fixture.store, &both(), to, Timestamp(5), &SystemEntropy).await.unwrap();
    assert_eq!(rotated.values, 6);
    assert!(opens(&fixture, &new).await && !opens(&fixture, &old).await);
    let (_, sealing) = sealing(&*fixture.store).await.unwrap().unwrap();
    assert_eq!((sealing.key, sealing.since, sealing.former), (to, Some(Timestamp(5)), vec![]));
    assert_eq!(census(&*fixture.store).await.unwrap().into_iter().collect::<Vec<_>>(), [(to, 10)]);
    // Done once more it does nothing.
    let again = rotate(&*fixture.store, &new, to, Timestamp(6), &SystemEntropy).await.unwrap();
    assert_eq!(again.values, 0);
}

#[tokio::test]
async fn wherever_it_is_broken_off_both_keys_open_everything_and_it_goes_on() {
    let (old, new) = (key("11"), key("22"));
    let to = new.id().unwrap();
    let mut broken_off = 0;
    for transactions in 0.. {
        let fixture = sealed_store(&old).await;
        let breaking = fixture.breaking_after(transactions);
        let done = rotate(&breaking, &both(), to, Timestamp(5), &SystemEntropy).await;
        assert!(opens(&fixture, &both()).await);
        if done.is_ok() {
            break;
        }
        broken_off += 1;
        rotate(&*fixture.store, &both(), to, Timestamp(6), &SystemEntropy).await.unwrap();
        assert!(opens(&fixture, &new).await);
    }
    assert!(broken_off >= 3, "it was never broken off in its middle");
}

#[tokio::test]
async fn a_rotation_that_was_broken_off_can_be_taken_back() {
    let (old, new) = (key("11"), key("22"));
    let fixture = sealed_store(&old).await;
    let breaking = fixture.breaking_after(1);
    rotate(&breaking, &both(), new.id().unwrap(), Timestamp(5), &SystemEntropy).await.unwrap_err();
    rotate(&*fixture.store, &both(), old.id().unwrap(), Timestamp(6), &SystemEntropy).await.unwrap();
    assert!(opens(&fixture, &old).await);
}

#[tokio::test]
async fn what_does_not_open_or_is_not_known_keeps_the_former_key() {
    let to = key("22").id().unwrap();
    let fixture = sealed_store(&key("11")).await;
    let alone = rotate(&*fixture.store, &key("22"), to, Timestamp(5), &SystemEntropy).await;
    assert!(matches!(alone, Err(SealingError::Unopened(_))), "{alone:?}");
    let fixture = sealed_store(&key("11")).await;
    let foreign = key("11").seal(b"x", "something/new", &SystemEntropy);
    let value = format!(r#"{{"v":1,"deep":[{{"hidden":{}}}]}}"#, serde_json::to_string(&foreign).unwrap());
    fixture.put("entities/123456789012/roles/robot", value).await;
    let done = rotate(&*fixture.store, &both(), to, Timestamp(5), &SystemEntropy).await;
    assert!(matches!(&done, Err(SealingError::Unknown(at)) if at.ends_with("roles/robot")), "{done:?}");
    let (_, sealing) = sealing(&*fixture.store).await.unwrap().unwrap();
    assert_eq!(sealing.former, [key("11").id().unwrap()]);
    let unknown = rotate(&*fixture.store, &key("11"), to, Timestamp(5), &SystemEntropy).await;
    assert!(matches!(unknown, Err(SealingError::NoKey(_))));
}

/// The members of stored types that are sealed, read off the source of this crate.
fn sealed_members(directory: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sealed_members(&path));
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let member = line.trim().strip_prefix("pub ").and_then(|member| member.split_once(": "));
            if let Some((name, "Sealed," | "Option<Sealed>," | "Vec<Sealed>,")) = member {
                let file = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.push(format!("{file}.{name}"));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_sealed_member_has_its_place_and_is_tested() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // Whoever adds one adds its place, and a secret of its kind to the values that these tests rotate.
    let known = [
        "credentials.secret",
        "credentials.secret",
        "instance.user_data",
        "key_ring.key",
        "mfa.seed",
        "outbound.private",
        "server_certificate.private_key",
    ];
    assert_eq!(sealed_members(&source), known);
    let tested: Vec<String> = secrets().iter().map(|(purpose, _)| (*purpose).to_owned()).collect();
    for place in PLACES {
        let prefix = format!("{}/", place.purpose);
        assert!(tested.iter().any(|purpose| purpose.starts_with(&prefix)), "{prefix}");
    }
}
