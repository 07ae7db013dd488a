//! What a typed mutator changed, as a change of the object that came: what its type does not know stays.

use serde_json::Value;

/// Makes in `target` what changed from `before` to `after`. `before` is what the type made of `target`: it may lack fields
/// of it, and have some that it does not.
pub(crate) fn carry_over(before: &Value, after: &Value, target: &mut Value) {
    if before == after {
        return;
    }
    match (before, after, &mut *target) {
        (Value::Object(old), Value::Object(new), Value::Object(fields)) => {
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                fields.remove(name);
            }
            for (name, value) in new {
                let unchanged = old.get(name) == Some(value);
                match (old.get(name), fields.get_mut(name)) {
                    // The type gave it a value that the object does not have: nobody asked for it to be written.
                    _ if unchanged => {}
                    (Some(old), Some(field)) => carry_over(old, value, field),
                    _ => {
                        fields.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(old), Value::Array(new), Value::Array(items))
            if old.len() == new.len() && old.len() == items.len() =>
        {
            for ((old, new), item) in old.iter().zip(new).zip(items) {
                carry_over(old, new, item);
            }
        }
        // Items were added or taken away. Which is which can't be told, but equal ones are known by their value.
        (Value::Array(old), Value::Array(new), Value::Array(items)) if old.len() == items.len() => {
            let mut kept: Vec<Option<Value>> = std::mem::take(items).into_iter().map(Some).collect();
            *items = new
                .iter()
                .map(|value| {
                    let at = (0..old.len()).find(|at| old[*at] == *value && kept[*at].is_some());
                    at.and_then(|at| kept[at].take()).unwrap_or_else(|| value.clone())
                })
                .collect();
        }
        _ => *target = after.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn carried(before: Value, after: Value, mut target: Value) -> Value {
        carry_over(&before, &after, &mut target);
        target
    }

    #[test]
    fn unknown_fields_stay() {
        let target = json!({"spec": {"known": 1, "unknown": 2, "list": [{"a": 1, "new": 2}]}});
        let before = json!({"spec": {"known": 1, "list": [{"a": 1}]}});
        let after = json!({"spec": {"known": 5, "list": [{"a": 3}]}});
        let wanted = json!({"spec": {"known": 5, "unknown": 2, "list": [{"a": 3, "new": 2}]}});
        assert_eq!(carried(before, after, target), wanted);
    }

    #[test]
    fn what_the_type_added_of_itself_is_not_written() {
        let target = json!({"spec": {}});
        let before = json!({"spec": {"replicas": 1}, "status": null});
        let after = json!({"spec": {"replicas": 1, "image": "a"}, "status": null});
        assert_eq!(carried(before, after, target), json!({"spec": {"image": "a"}}));
    }

    #[test]
    fn removed_fields_go() {
        let target = json!({"labels": {"a": "1", "b": "2"}});
        let (before, after) = (json!({"labels": {"a": "1", "b": "2"}}), json!({"labels": {"b": "2"}}));
        assert_eq!(carried(before, after, target), json!({"labels": {"b": "2"}}));
    }

    #[test]
    fn items_that_stay_keep_what_the_type_does_not_know() {
        let target = json!({"list": [{"name": "a", "x": 1}, {"name": "b", "x": 2}]});
        let before = json!({"list": [{"name": "a"}, {"name": "b"}]});
        let after = json!({"list": [{"name": "b"}]});
        assert_eq!(carried(before.clone(), after, target.clone()), json!({"list": [{"name": "b", "x": 2}]}));
        let after = json!({"list": [{"name": "c"}, {"name": "a"}, {"name": "b"}]});
        let wanted = json!({"list": [{"name": "c"}, {"name": "a", "x": 1}, {"name": "b", "x": 2}]});
        assert_eq!(carried(before, after, target), wanted);
    }
}
