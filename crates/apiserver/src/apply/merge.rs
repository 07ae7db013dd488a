//! Merging of an applied configuration into the live object.
//!
//! Nothing is removed; what both have takes the value of the configuration. Lists keep the order of the live object
//! unless the configuration orders their common entries differently.

use serde_json::Value;

use super::types::{Entries, EntryKey, Form, Ty};

/// `live` with what `config` says. Entries of either that can't be told apart are an error.
pub(super) fn merge(ty: Ty<'_>, live: Value, config: &Value) -> Result<Value, String> {
    match ty.form(config) {
        Form::Scalar => Ok(config.clone()),
        Form::Map => merge_map(ty, live, config),
        Form::List => merge_list(ty, live, config),
    }
}

fn merge_map(ty: Ty<'_>, live: Value, config: &Value) -> Result<Value, String> {
    if ty.is_atomic_map() {
        return Ok(config.clone());
    }
    let mut live = match live {
        Value::Object(live) if !live.is_empty() => live,
        _ => return Ok(config.clone()),
    };
    // A null leaves a map that holds something as it is.
    let Value::Object(config) = config else { return Ok(Value::Object(live)) };
    for (name, member) in config {
        match live.get_mut(name) {
            Some(place) => *place = merge(ty.member(name).unwrap_or(Ty::Deduced), place.take(), member)?,
            None => drop(live.insert(name.clone(), member.clone())),
        }
    }
    Ok(Value::Object(live))
}

fn merge_list(ty: Ty<'_>, live: Value, config: &Value) -> Result<Value, String> {
    if matches!(ty.list(), Entries::Atomic) {
        return Ok(config.clone());
    }
    let live = match live {
        Value::Array(live) if !live.is_empty() => live,
        _ => return Ok(config.clone()),
    };
    let config = match config {
        Value::Array(config) if !config.is_empty() => config,
        _ => return Ok(Value::Array(live)),
    };
    let (in_config, in_live) = match_entries(ty, &live, config)?;
    interleave(ty, live, config, &in_config, &in_live)
}

/// For each live entry the place of its like in the configuration, and for each entry there the one in the live list.
/// A configuration entry that has several likes has none: duplicates are replaced, not merged.
fn match_entries(ty: Ty<'_>, live: &[Value], config: &[Value]) -> Result<(Vec<Option<usize>>, Vec<Like>), String> {
    let mut entries: Vec<(EntryKey<'_>, bool, usize)> = Vec::with_capacity(live.len() + config.len());
    for (is_live, list) in [(false, config), (true, live)] {
        for (index, entry) in list.iter().enumerate() {
            let key = ty.identify(entry).map_err(|message| format!("element {index}: {message}"))?;
            entries.push((key, is_live, index));
        }
    }
    entries.sort();
    let mut in_config = vec![None; live.len()];
    let mut in_live = vec![Like::None; config.len()];
    for same in entries.chunk_by(|a, b| a.0 == b.0) {
        let (ours, theirs) = same.split_at(same.iter().take_while(|(_, is_live, _)| !is_live).count());
        let Some((_, _, ours)) = ours.first() else { continue };
        for (_, _, theirs) in theirs {
            in_config[*theirs] = Some(*ours);
        }
        in_live[*ours] = match theirs {
            [] => Like::None,
            [(_, _, one)] => Like::One(*one),
            _ => Like::Several,
        };
    }
    Ok((in_config, in_live))
}

#[derive(Clone, Copy, PartialEq)]
enum Like {
    None,
    One(usize),
    Several,
}

fn interleave(
    ty: Ty<'_>,
    live: Vec<Value>,
    config: &[Value],
    in_config: &[Option<usize>],
    in_live: &[Like],
) -> Result<Value, String> {
    let entry_type = ty.entries().unwrap_or(Ty::Opaque);
    let mut live: Vec<Option<Value>> = live.into_iter().map(Some).collect();
    let mut out = Vec::with_capacity(live.len().max(config.len()));
    let mut is_merged = vec![false; config.len()];
    // Entries that both have, in the order of the configuration.
    let mut shared = (0..config.len()).filter(|index| in_live[*index] != Like::None).peekable();
    let (mut at_live, mut at_config) = (0, 0);
    while at_live < live.len() || at_config < config.len() {
        match in_config.get(at_live) {
            Some(None) => {
                out.extend(live[at_live].take());
                at_live += 1;
                continue;
            }
            Some(Some(ours)) if *ours == at_config => at_live += 1,
            // Common, but not its turn: the configuration has another order.
            Some(Some(ours)) if shared.peek().is_some_and(|next| next != ours) => {
                at_live += 1;
                continue;
            }
            Some(Some(ours)) if is_merged[*ours] => at_live += 1,
            _ => {}
        }
        if at_config < config.len() {
            let before = match in_live[at_config] {
                Like::One(index) => live[index].take(),
                Like::None | Like::Several => None,
            };
            out.push(match before {
                Some(before) => merge(entry_type, before, &config[at_config])?,
                None => config[at_config].clone(),
            });
            is_merged[at_config] = true;
            shared.next_if_eq(&at_config);
            at_config += 1;
        }
    }
    Ok(Value::Array(out))
}
