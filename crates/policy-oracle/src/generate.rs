//! Requests and policies that meet: each policy is made from the request that it will be asked about, with some of
//! its elements bent away, so that most statements nearly apply.

mod condition;
mod policy;
mod random;
mod scene;

use serde_json::{Value, json};

pub use random::Random;

use policy::{Principals, document, named};
use scene::Scene;

/// One request line in the `decide` format. The same seed always gives the same line.
#[must_use]
pub fn request(seed: u64) -> Value {
    let mut random = Random::new(seed);
    let scene = Scene::new(&mut random);
    let list = |random: &mut Random, most: usize| -> Value {
        let count = 1 + random.below(most);
        (0..count).map(|number| named(number, document(random, &scene, Principals::None))).collect()
    };
    let identity = if scene.is_principal_with_policies() { list(&mut random, 3) } else { json!([]) };
    let boundary = random.chance(25).then(|| list(&mut random, 1));
    let session =
        random.chance(if scene.is_federated_user() { 80 } else { 25 }).then(|| list(&mut random, 2));
    let service_control = levels(&mut random, &scene, 25, Principals::None);
    let resource_control = levels(&mut random, &scene, 15, Principals::Everyone);
    let resource_percent = if scene.needs_resource_policy() { 95 } else { 55 };
    let resource = random.chance(resource_percent).then(|| document(&mut random, &scene, Principals::Some));
    let endpoint =
        random.chance(10).then(|| json!([named(0, document(&mut random, &scene, Principals::Everyone))]));
    json!({
        "id": seed.to_string(),
        "action": scene.action,
        "resource": scene.resource,
        "resourceAccount": scene.resource_account,
        "principal": scene.principal,
        "context": scene.context,
        "identityPolicies": identity,
        "resourcePolicy": resource,
        "permissionsBoundaries": if scene.is_session_or_user() { json!(boundary) } else { Value::Null },
        "sessionPolicies": if scene.is_session() { json!(session) } else { Value::Null },
        "serviceControlPolicies": service_control,
        "resourceControlPolicies": resource_control,
        "vpcEndpointPolicies": endpoint,
    })
}

fn levels(random: &mut Random, scene: &Scene, percent: usize, principals: Principals) -> Value {
    if !random.chance(percent) {
        return json!([]);
    }
    let count = 1 + random.below(3);
    let level = |random: &mut Random| -> Value {
        let mut policies = Vec::new();
        if random.chance(75) {
            policies.push(named(0, policy::full_access(principals)));
        }
        if policies.is_empty() || random.chance(40) {
            policies.push(named(1, document(random, scene, principals)));
        }
        Value::Array(policies)
    };
    (0..count).map(|_| level(random)).collect()
}
