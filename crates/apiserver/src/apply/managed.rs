//! `metadata.managedFields`: who owns which fields.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::path::same_value;
use super::set::FieldSet;
use crate::schema::{TypeRef, normalise};

const MANAGED_FIELDS: &str = "managedFields";

/// How a manager came by its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells managers apart. An applier is the same in all versions, so its `api_version` is empty here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ManagerId {
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) api_version: String,
    pub(super) subresource: String,
}

/// The order in which conflicts name managers, and in which updaters of one second become ancient. It is that of the
/// managers written as JSON, where a subresource comes before none.
impl Ord for ManagerId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name
            .cmp(&other.name)
            .then_with(|| self.operation.cmp(&other.operation))
            .then_with(|| self.api_version.cmp(&other.api_version))
            .then_with(|| self.subresource.is_empty().cmp(&other.subresource.is_empty()))
            .then_with(|| self.subresource.cmp(&other.subresource))
    }
}

impl PartialOrd for ManagerId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ManagerId {
    pub(super) fn new(name: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let api_version = if operation == Operation::Apply { "" } else { api_version };
        Self { name: name.into(), operation, api_version: api_version.into(), subresource: subresource.into() }
    }
}

/// Says what is wrong with the managers of an object.
pub(crate) fn check(object: &Value) -> Result<(), String> {
    Managers::of(object).map(|_| ())
}

/// The fields of one manager.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Owned {
    /// The version in which the paths are meant.
    pub(super) api_version: String,
    pub(super) fields: FieldSet,
    /// When the manager last changed something; whole seconds.
    pub(super) time: Option<Timestamp>,
}

/// All managers of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Managers {
    pub(super) entries: BTreeMap<ManagerId, Owned>,
}

impl Managers {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads the managers of an object. The error says what is wrong with which entry.
    pub(super) fn of(object: &Value) -> Result<Self, String> {
        Self::decode(entries_of(object))
    }

    fn decode(list: &[Value]) -> Result<Self, String> {
        let mut managers = Self::default();
        for (index, entry) in list.iter().enumerate() {
            let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let operation = match text("operation") {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return Err("operation must be `Apply` or `Update`".into()),
            };
            let api_version = text("apiVersion");
            if api_version.is_empty() {
                return Err("apiVersion must not be empty".into());
            }
            match text("fieldsType") {
                "FieldsV1" => {}
                "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
                other => return Err(format!("invalid fieldsType {other:?} in managed fields entry {index}")),
            }
            let fields = match entry.get("fieldsV1") {
                Some(fields) => {
                    FieldSet::from_fields_v1(fields).map_err(|error| format!("error decoding set: {error}"))?
                }
                None => FieldSet::default(),
            };
            let time = entry.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok());
            let id = ManagerId::new(text("manager"), operation, api_version, text("subresource"));
            managers.entries.insert(id, Owned { api_version: api_version.into(), fields, time });
        }
        Ok(managers)
    }

    /// Writes the managers into an object, or takes the field away when there are none.
    pub(super) fn store(self, object: &mut Value) {
        let mut entries: Vec<(ManagerId, Owned)> = self.entries.into_iter().collect();
        entries.sort_by(|(a, x), (b, y)| {
            let seconds = |owned: &Owned| owned.time.map_or(0, Timestamp::as_second);
            (a.operation, seconds(x), &a.name, &x.api_version, &a.subresource).cmp(&(
                b.operation,
                seconds(y),
                &b.name,
                &y.api_version,
                &b.subresource,
            ))
        });
        let Some(metadata) = object.as_object_mut() else { return };
        if entries.is_empty() {
            if let Some(Value::Object(metadata)) = metadata.get_mut("metadata") {
                metadata.remove(MANAGED_FIELDS);
            }
            return;
        }
        let metadata = metadata.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(metadata) = metadata {
            metadata.insert(MANAGED_FIELDS.into(), entries.into_iter().map(encode).collect());
        }
    }
}

fn encode((id, owned): (ManagerId, Owned)) -> Value {
    let mut entry = Map::new();
    entry.insert("apiVersion".into(), owned.api_version.into());
    entry.insert("fieldsType".into(), "FieldsV1".into());
    entry.insert("fieldsV1".into(), owned.fields.to_fields_v1());
    if !id.name.is_empty() {
        entry.insert("manager".into(), id.name.into());
    }
    entry.insert("operation".into(), id.operation.text().into());
    if !id.subresource.is_empty() {
        entry.insert("subresource".into(), id.subresource.into());
    }
    if let Some(time) = owned.time {
        entry.insert("time".into(), time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
    }
    Value::Object(entry)
}

fn entries_of(object: &Value) -> &[Value] {
    let list = object.get("metadata").and_then(|metadata| metadata.get(MANAGED_FIELDS)).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A copy of an object without its managers.
pub(super) fn without_managers(object: &Value) -> Value {
    let Value::Object(members) = object else { return object.clone() };
    let strip = |metadata: &Map<String, Value>| -> Value {
        let rest = metadata.iter().filter(|(name, _)| *name != MANAGED_FIELDS);
        Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let copy = members.iter().map(|(name, value)| match value {
        Value::Object(metadata) if name == "metadata" => (name.clone(), strip(metadata)),
        value => (name.clone(), value.clone()),
    });
    Value::Object(copy.collect())
}

/// Whether two objects are the same but for their managers.
pub(super) fn same_without_managers(a: &Value, b: &Value) -> bool {
    fn rest<'a>(map: &'a Map<String, Value>, left_out: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        map.iter().filter(move |(name, _)| *name != left_out)
    }
    fn same<'a>(
        a: impl Iterator<Item = (&'a String, &'a Value)>,
        mut b: impl Iterator<Item = (&'a String, &'a Value)>,
    ) -> bool {
        let mut a = a;
        let all = a.by_ref().all(|(name, value)| b.next().is_some_and(|(n, v)| n == name && same_value(v, value)));
        all && b.next().is_none()
    }
    let (Value::Object(a), Value::Object(b)) = (a, b) else { return same_value(a, b) };
    let metadata = match (a.get("metadata"), b.get("metadata")) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => same(rest(a, MANAGED_FIELDS), rest(b, MANAGED_FIELDS)),
        (Some(a), Some(b)) => same_value(a, b),
        (None, None) => true,
        _ => false,
    };
    metadata && same(rest(a, "metadata"), rest(b, "metadata"))
}

/// Takes the managers out of an object.
pub(super) fn take(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.remove(MANAGED_FIELDS)
}

/// Whether an update asks to forget all managers: an empty list, or one empty entry.
pub(super) fn is_reset(object: &Value) -> bool {
    match object.get("metadata").and_then(|metadata| metadata.get(MANAGED_FIELDS)) {
        Some(Value::Array(list)) => match list.as_slice() {
            [] => true,
            [one] => one.as_object().is_some_and(|entry| {
                entry.values().all(|value| value.is_null() || value.as_str().is_some_and(str::is_empty))
            }),
            _ => false,
        },
        _ => false,
    }
}

/// What an object of this type holds before anything is written to it: what Go always writes.
pub(super) fn blank(ty: &TypeRef) -> Value {
    let mut blank = json!({});
    normalise(ty, &mut blank);
    blank
}

/// Names that stand in for managers whose entries were merged, and for writers before the first apply.
pub(super) const ANCIENT_CHANGES: &str = "ancient-changes";
pub(super) const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Most entries of updates that an object keeps; the oldest are merged beyond that.
const MAX_UPDATE_MANAGERS: usize = 10;

impl Managers {
    /// Merges the oldest entries of updates, version by version, until there are at most [`MAX_UPDATE_MANAGERS`].
    pub(super) fn cap(&mut self) {
        let mut updates: Vec<(i64, ManagerId)> = self
            .entries
            .iter()
            .filter(|(id, _)| id.operation == Operation::Update)
            .map(|(id, owned)| (owned.time.map_or(0, Timestamp::as_second), id.clone()))
            .collect();
        let mut surplus = updates.len().saturating_sub(MAX_UPDATE_MANAGERS);
        if surplus == 0 {
            return;
        }
        updates.sort();
        let mut first_of_version: BTreeMap<String, ManagerId> = BTreeMap::new();
        for (_, id) in updates {
            if surplus == 0 {
                return;
            }
            let version = id.api_version.clone();
            let Some(first) = first_of_version.get(&version) else {
                first_of_version.insert(version, id);
                continue;
            };
            let bucket = ManagerId::new(ANCIENT_CHANGES, Operation::Update, &version, "");
            let Some(merged) = self.entries.remove(&id) else { continue };
            let before = self.entries.remove(&bucket).or_else(|| self.entries.remove(first));
            let fields = merged.fields.union(before.map(|owned| owned.fields).unwrap_or_default());
            self.entries.insert(bucket, Owned { fields, ..merged });
            surplus -= 1;
        }
    }
}
