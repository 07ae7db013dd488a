//! Checks of projected volumes and of files that show fields of a pod.

use serde_json::Value;

use super::environment;
use super::volume::{key_to_path, local_path, mode};
use crate::field::FieldError;
use crate::kinds::path::Path;
use crate::kinds::tree::Tree;

/// Checks `projected` of a volume.
pub(super) fn validate(source: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = mode(source, "defaultMode", path).into_iter().collect();
    let list = path.child("sources");
    let mut paths = Paths { taken: Vec::new(), volume: path };
    for (index, one) in source.list("sources").iter().enumerate() {
        let at = list.index(index);
        for kind in ["secret", "configMap"] {
            if one.has(kind) {
                errors.extend(files(one.at(kind), &mut paths, &at.child(kind)));
            }
        }
        if one.has("downwardAPI") {
            for file in one.list("downwardAPI.items") {
                errors.extend(downward_file(file, &at.child("downwardAPI")));
                errors.extend(paths.take(file.text("path"), file.text("path")));
            }
        }
        if one.has("serviceAccountToken") {
            errors.extend(token(one.at("serviceAccountToken"), path, &at.child("serviceAccountToken")));
        }
        if one.as_object().is_some_and(|one| one.values().filter(|value| !value.is_null()).count() > 1) {
            errors.push(FieldError::forbidden(at, "may not specify more than 1 volume type per source"));
        }
    }
    errors
}

/// Checks a file that shows a field of the pod or a resource of a container. `path` is that of the list's holder.
pub(super) fn downward_file(file: &Value, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if file.text("path").is_empty() {
        errors.push(FieldError::required(path.child("path"), ""));
    }
    errors.extend(local_path(file.text("path"), path.child("path")));
    if file.has("fieldRef") {
        errors.extend(environment::file_field(file.at("fieldRef"), &path.child("fieldRef")));
        if file.has("resourceFieldRef") {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(FieldError::invalid(*path, "resource", detail));
        }
    } else if file.has("resourceFieldRef") {
        errors.extend(environment::resource(file.at("resourceFieldRef"), true, &path.child("resourceFieldRef")));
    } else {
        errors.push(FieldError::required(*path, "one of fieldRef and resourceFieldRef is required"));
    }
    errors.extend(mode(file, "mode", path));
    errors
}

/// The paths of files so far: none may come twice.
struct Paths<'a> {
    taken: Vec<&'a str>,
    volume: &'a Path<'a>,
}

impl<'a> Paths<'a> {
    fn take(&mut self, file: &'a str, shown: &str) -> Option<FieldError> {
        if file.is_empty() {
            return None;
        }
        if self.taken.contains(&file) {
            return Some(FieldError::invalid(*self.volume, shown, "conflicting duplicate paths"));
        }
        self.taken.push(file);
        None
    }
}

fn files<'a>(files: &'a Value, paths: &mut Paths<'a>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if files.text("name").is_empty() {
        errors.push(FieldError::required(path.child("name"), ""));
    }
    let items = path.child("items");
    for (index, item) in files.list("items").iter().enumerate() {
        errors.extend(key_to_path(item, &items.index(index)));
        errors.extend(paths.take(item.text("path"), files.text("name")));
    }
    errors
}

fn token(token: &Value, volume: &Path<'_>, path: &Path<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let seconds = token.int("expirationSeconds").unwrap_or_default();
    if seconds < 600 {
        let detail = "may not specify a duration less than 10 minutes";
        errors.push(FieldError::invalid(path.child("expirationSeconds"), seconds, detail));
    }
    if seconds > 1 << 32 {
        let detail = "may not specify a duration larger than 2^32 seconds";
        errors.push(FieldError::invalid(path.child("expirationSeconds"), seconds, detail));
    }
    // The real server takes the volume's path here.
    if token.text("path").is_empty() {
        errors.push(FieldError::required(volume.child("path"), ""));
    } else {
        errors.extend(local_path(token.text("path"), volume.child("path")));
    }
    errors
}
