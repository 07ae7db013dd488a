//! The bugs, and the cases of the comparison that have to find them.

use crate::breakage::Edit;

/// A bug.
pub(super) struct Bug {
    pub(super) id: &'static str,
    /// A file of real/tests/differential/calls, without its ending.
    pub(super) cases: &'static str,
    pub(super) edits: &'static [Edit],
}

const fn bug(id: &'static str, cases: &'static str, edits: &'static [Edit]) -> Bug {
    Bug { id, cases, edits }
}

const fn edit(file: &'static str, from: &'static str, to: &'static str) -> Edit {
    Edit { file, from, to }
}

pub(super) const TABLE: &[Bug] = &[
    bug(
        "apply-keeps-what-was-left-out",
        "apply",
        &[edit(
            "crates/apiserver/src/apply/apply.rs",
            "        if let Some(last) = gave_up {",
            "        if let Some(last) = gave_up.filter(|_| false) {",
        )],
    ),
    bug(
        "apply-overlooks-conflicts",
        "apply",
        &[edit(
            "crates/apiserver/src/apply/apply.rs",
            "            if !conflicts.is_empty() {\n                return Ok(Err(conflicts));",
            "            if false {\n                return Ok(Err(conflicts));",
        )],
    ),
    bug(
        "apply-owns-nothing-of-others",
        "apply",
        &[edit(
            "crates/apiserver/src/apply/apply.rs",
            "        comparisons.take_from_others(&mut managers, Some(id)).map_err(internal)?;",
            "",
        )],
    ),
    bug(
        "create-answers-200",
        "configmap",
        &[edit(
            "crates/apiserver/src/verbs/write.rs",
            "Reply::json(if created { 201 } else { 200 }, bytes)",
            "Reply::json(if created && accept.yaml { 201 } else { 200 }, bytes)",
        )],
    ),
    bug(
        "update-counts-no-generation",
        "deployment",
        &[edit(
            "crates/apiserver/src/kinds/lifecycle.rs",
            "    if strategy.has_generation() && strategy.generation_changes(new, old) {",
            "    if false {",
        )],
    ),
    bug(
        "list-remaining-is-one-off",
        "list",
        &[edit(
            "crates/apiserver/src/verbs/list.rs",
            "range.remaining.filter(|remaining| *remaining > 0)",
            "range.remaining.filter(|remaining| *remaining > 0).map(|remaining| remaining + 1)",
        )],
    ),
    bug(
        "list-page-repeats-its-last",
        "list",
        &[edit(
            "crates/apiserver/src/store/collection.rs",
            "first <= after.as_str()) => Bound::Excluded(after.as_str()),",
            "first <= after.as_str()) => Bound::Included(after.as_str()),",
        )],
    ),
    bug(
        "selector-notin-wants-the-label",
        "list",
        &[edit(
            "crates/apiserver/src/selector/labels.rs",
            "(Operator::NotIn, None) | (Operator::Exists, Some(_))",
            "(Operator::Exists, Some(_))",
        )],
    ),
    bug(
        "watch-keeps-what-left-the-selector",
        "list",
        &[edit(
            "crates/apiserver/src/store/event.rs",
            "            (Some(previous), false) => {",
            "            (Some(_), false) if self.previous.is_some() => Some(&self.object),\n            (Some(previous), false) => {",
        )],
    ),
    bug(
        "delete-overlooks-finalizers",
        "metadata",
        &[edit(
            "crates/apiserver/src/verbs/delete.rs",
            "        } else if finalizers {",
            "        } else if finalizers && false {",
        )],
    ),
    bug(
        "delete-overlooks-the-query",
        "metadata",
        &[edit(
            "crates/apiserver/src/http/options.rs",
            "uid: Some(query.text(\"uid\")).filter(|uid| !uid.is_empty()),",
            "uid: None,",
        )],
    ),
    bug(
        "apply-drops-nulls",
        "apply-nested",
        &[edit(
            "crates/apiserver/src/verbs/patch.rs",
            "        decode::complete(&resource, &mut new, Nulls::Kept);",
            "        decode::complete(&resource, &mut new, Nulls::Dropped);",
        )],
    ),
    bug(
        "patch-order-is-not-heeded",
        "patch",
        &[edit(
            "crates/apiserver/src/patch/strategic.rs",
            "Value::Array(order::arrange(merged, &wanted, &before, strategy.key))",
            "Value::Array(order::arrange(merged, &before, &wanted, strategy.key))",
        )],
    ),
    bug(
        "cel-checks-no-templates",
        "formats",
        &[edit(
            "crates/cel/src/literals.rs",
            "issues.extend(wrong_template(checked, expr))",
            "issues.extend(wrong_template(checked, expr).filter(|_| false))",
        )],
    ),
    bug(
        "policies-have-any-status",
        "policies",
        &[edit(
            "crates/apiserver/src/kinds/admission_policy.rs",
            "validate_status(new.at(\"status\"))",
            "validate_status(new.at(\"status.none\"))",
        )],
    ),
];
