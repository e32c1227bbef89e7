//! Making a failing request small enough to read.

use serde_json::Value;

/// The smallest request that `still_fails`, found by removing list elements and object members one at a time, and by
/// putting the first element of a list in place of the list, until nothing more can go.
pub fn shrink(request: Value, mut still_fails: impl FnMut(&Value) -> bool) -> Value {
    let mut smallest = request;
    loop {
        let smaller = candidates(&smallest).into_iter().find(|candidate| still_fails(candidate));
        match smaller {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// Every request that is one removal away, larger removals first.
fn candidates(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let without = (0..items.len()).map(|gone| {
                let kept =
                    items.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, item)| item.clone());
                Value::Array(kept.collect())
            });
            let inside = items.iter().enumerate().flat_map(|(at, item)| {
                candidates(item).into_iter().map(move |smaller| {
                    let replaced = items.iter().enumerate();
                    let replaced =
                        replaced.map(|(n, item)| if n == at { smaller.clone() } else { item.clone() });
                    Value::Array(replaced.collect())
                })
            });
            without.chain(inside).collect()
        }
        Value::Object(members) => {
            let without = members.keys().map(|gone| {
                let mut kept = members.clone();
                kept.remove(gone);
                Value::Object(kept)
            });
            let inside = members.iter().flat_map(|(name, item)| {
                candidates(item).into_iter().map(move |smaller| {
                    let mut replaced = members.clone();
                    replaced.insert(name.clone(), smaller);
                    Value::Object(replaced)
                })
            });
            without.chain(inside).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_matter_goes() {
        let request = json!({"a": [1, 2, {"b": 3, "c": 4}], "d": 5});
        let smallest = shrink(request, |value| value.to_string().contains("\"c\":4"));
        assert_eq!(smallest, json!({"a": [{"c": 4}]}));
    }
}
