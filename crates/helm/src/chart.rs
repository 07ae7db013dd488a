//! A chart's folder: its name, a checksum of all that is in it, and whether its templates are steady.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::templates;

/// How deep folders may lie in each other: links can go round in circles.
const DEPTH: usize = 16;

/// A chart in a folder. It is read anew when a file in it has changed.
#[derive(Debug)]
pub struct Chart {
    dir: PathBuf,
    read: Mutex<Option<(Stamps, Arc<Contents>)>>,
}

/// What is known of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Its name in Chart.yaml.
    pub name: String,
    /// Equal for equal files.
    pub checksum: String,
    /// What makes it render differently from the same values, if anything; see [`templates`].
    pub unsteady: Option<String>,
    /// Whether templates can be in values.
    pub renders_values: bool,
}

/// Why a chart can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{}: {cause}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ChartError {
    /// The file.
    pub file: PathBuf,
    /// The line, if it is about one; the first is 1.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub cause: String,
}

/// Size and time of each file, by its path in the chart.
type Stamps = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// What is needed of Chart.yaml.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

impl Chart {
    /// The chart in this folder; nothing is read yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), read: Mutex::default() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is known of it now.
    ///
    /// # Errors
    /// A file that can't be read, or a Chart.yaml or values.yaml that helm would refuse.
    pub fn contents(&self) -> Result<Arc<Contents>, ChartError> {
        let mut stamps = Stamps::new();
        stamp(&self.dir, Path::new(""), DEPTH, &mut stamps)?;
        let mut read = self.read.lock();
        if let Some((before, contents)) = &*read
            && *before == stamps
        {
            return Ok(contents.clone());
        }
        let contents = Arc::new(self.read(&stamps)?);
        *read = Some((stamps, contents.clone()));
        Ok(contents)
    }

    fn read(&self, stamps: &Stamps) -> Result<Contents, ChartError> {
        let name = self.metadata()?;
        let mut checksum = Sha256::new();
        let mut unsteady = None;
        let mut texts = Vec::new();
        let mut renders_values = false;
        for path in stamps.keys() {
            let file = self.dir.join(path);
            let bytes = std::fs::read(&file).map_err(|error| unreadable(&file, &error))?;
            checksum.update((path.as_os_str().len() as u64).to_le_bytes());
            checksum.update(path.as_os_str().as_encoded_bytes());
            checksum.update((bytes.len() as u64).to_le_bytes());
            checksum.update(&bytes);
            if path.extension().is_some_and(|ending| ending == "tgz") {
                unsteady.get_or_insert_with(|| format!("{}, which is packed", path.display()));
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let template = path.iter().any(|part| part == "templates") && !path.ends_with("NOTES.txt");
            if template {
                renders_values |= templates::renders_values(&text);
                unsteady = unsteady.or_else(|| Some(format!("{} in {}", templates::unsteady(&text)?, path.display())));
            } else {
                texts.push((path, text));
            }
        }
        if renders_values && unsteady.is_none() {
            unsteady = texts
                .iter()
                .find_map(|(path, text)| Some(format!("{} in {}", templates::unsteady(text)?, path.display())));
        }
        let checksum = checksum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Contents { name, checksum, unsteady, renders_values })
    }

    /// The chart's name. Also refuses what helm would refuse in each run.
    fn metadata(&self) -> Result<String, ChartError> {
        let file = self.dir.join("Chart.yaml");
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
        let metadata: Metadata = yaml(&file, &text)?;
        for (field, value, example) in [
            ("apiVersion", &metadata.api_version, "v2"),
            ("name", &metadata.name, "memcached"),
            ("version", &metadata.version, "0.1.0"),
        ] {
            if value.is_empty() {
                let cause = format!("{field} is missing; write for example {field}: {example}");
                return Err(ChartError { file, line: None, cause });
            }
        }
        let values = self.dir.join("values.yaml");
        match std::fs::read_to_string(&values) {
            Ok(text) => drop(yaml::<Option<serde_json::Map<String, serde_json::Value>>>(&values, &text)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&values, &error)),
        }
        Ok(metadata.name)
    }
}

fn yaml<T: serde::de::DeserializeOwned>(file: &Path, text: &str) -> Result<T, ChartError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let text = error.to_string();
        let cause = format!("{}; `helm lint` tells more", text.lines().next().unwrap_or_default());
        ChartError { file: file.into(), line: error.location().map(|at| at.line()), cause }
    })
}

fn unreadable(file: &Path, error: &std::io::Error) -> ChartError {
    let cause = format!("can't be read: {error}; is the chart there, with its Chart.yaml?");
    ChartError { file: file.into(), line: None, cause }
}

fn stamp(root: &Path, below: &Path, depth: usize, stamps: &mut Stamps) -> Result<(), ChartError> {
    let dir = root.join(below);
    if depth == 0 {
        let cause = format!("folders lie deeper than {DEPTH}: does a link lead back to one of them?");
        return Err(ChartError { file: dir, line: None, cause });
    }
    let failed = |error| unreadable(&dir, &error);
    for entry in std::fs::read_dir(&dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = below.join(&name);
        let file = root.join(&path);
        match std::fs::metadata(&file) {
            Ok(found) if found.is_dir() => stamp(root, &path, depth - 1, stamps)?,
            Ok(found) => drop(stamps.insert(path, (found.len(), found.modified().ok()))),
            // An editor's file that has gone again.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&file, &error)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(files: &[(&str, &str)]) -> (tempfile::TempDir, Chart) {
        let dir = tempfile::tempdir().unwrap();
        let defaults = [("Chart.yaml", "apiVersion: v2\nname: memcached\nversion: 0.1.0\n")];
        for (path, text) in defaults.iter().chain(files) {
            let file = dir.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let chart = Chart::new(dir.path());
        (dir, chart)
    }

    #[test]
    fn a_changed_file_changes_the_checksum() {
        let (dir, chart) = chart(&[("templates/a.yaml", "a: {{ .Values.a }}"), ("values.yaml", "a: 1\n")]);
        let before = chart.contents().unwrap();
        assert_eq!((before.name.as_str(), &before.unsteady), ("memcached", &None));
        assert!(Arc::ptr_eq(&before, &chart.contents().unwrap()), "read once");
        std::fs::write(dir.path().join("values.yaml"), "a: 22\n").unwrap();
        assert_ne!(chart.contents().unwrap().checksum, before.checksum);
        std::fs::write(dir.path().join("values.yaml"), "a: 1\n").unwrap();
        assert_eq!(chart.contents().unwrap().checksum, before.checksum);
    }

    #[test]
    fn templates_of_all_charts_in_it_are_looked_at_and_notes_are_not() {
        let (_dir, steady) = chart(&[("templates/NOTES.txt", "{{ now }}"), ("README.md", "{{ now }}")]);
        assert_eq!(steady.contents().unwrap().unsteady, None);
        let (_dir, below) = chart(&[("charts/sub/templates/b.yaml", "{{ randAlpha 3 }}")]);
        assert!(
            below.contents().unwrap().unsteady.as_ref().unwrap().contains("randAlpha in charts/sub/templates/b.yaml")
        );
        let (_dir, packed) = chart(&[("charts/sub.tgz", "")]);
        assert!(packed.contents().unwrap().unsteady.is_some());
        let (_dir, values) =
            chart(&[("templates/a.yaml", "{{ tpl .Values.a . }}"), ("values.yaml", "a: '{{ now }}'\n")]);
        assert!(values.contents().unwrap().unsteady.is_some());
    }

    #[test]
    fn a_broken_chart_is_told_with_file_line_and_remedy() {
        let (_dir, nameless) = chart(&[("Chart.yaml", "apiVersion: v2\nversion: 0.1.0\n")]);
        let error = nameless.contents().unwrap_err().to_string();
        assert!(error.contains("Chart.yaml: name is missing; write for example name: memcached"), "{error}");
        let (_dir, values) = chart(&[("values.yaml", "a: 1\nb: [\n")]);
        let error = values.contents().unwrap_err();
        assert!(error.line.is_some() && error.to_string().contains("values.yaml:"), "{error}");
        let (dir, gone) = chart(&[]);
        std::fs::remove_file(dir.path().join("Chart.yaml")).unwrap();
        assert!(gone.contents().unwrap_err().to_string().contains("Chart.yaml"));
        let (dir, circle) = chart(&[]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
        assert!(circle.contents().unwrap_err().to_string().contains("deeper than"));
    }
}
