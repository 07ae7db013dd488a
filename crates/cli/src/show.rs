//! Shows the tree while it changes: redrawn in place on a terminal, otherwise a line for each change.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};

use anstyle::AnsiColor;
use kubewright::k8s_openapi::api::core::v1::Event;
use kubewright::kube::api::{Api, ListParams};
use kubewright::kube::core::{ApiResource, DynamicObject};
use kubewright::kube::{self, Client};
use serde_json::Value;

use crate::tree::{Look, Tree, paint};

/// What there is to see now.
pub(crate) struct Scene {
    /// The objects.
    pub(crate) tree: Tree,
    /// Warning events: `Service/web: AmbiguousPort: …`.
    pub(crate) warnings: Vec<String>,
}

/// Reads the objects of these kinds, and the warnings about them.
pub(crate) async fn scene(client: &Client, kinds: &[ApiResource]) -> Result<Scene, kube::Error> {
    let mut objects = Vec::new();
    for kind in kinds {
        let list = Api::<DynamicObject>::all_with(client.clone(), kind).list(&ListParams::default()).await?;
        for mut object in list.items {
            object.types =
                Some(kube::core::TypeMeta { api_version: kind.api_version.clone(), kind: kind.kind.clone() });
            objects.push(serde_json::to_value(object).map_err(kube::Error::SerdeError)?);
        }
    }
    objects.retain(|object| !is_the_servers_own(object));
    let events = Api::<Event>::all(client.clone()).list(&ListParams::default().fields("type=Warning")).await?;
    let warnings: BTreeSet<String> = events.items.into_iter().map(|event| warning(&event)).collect();
    Ok(Scene { tree: Tree::new(objects), warnings: warnings.into_iter().collect() })
}

/// Draws scenes one after the other.
pub(crate) struct Screen {
    look: Look,
    drawn: Vec<String>,
}

impl Screen {
    /// A screen on standard output.
    pub(crate) fn new() -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { look: if colours { Look::Coloured } else { Look::Plain }, drawn: Vec::new() }
    }

    /// Brings the screen up to date.
    pub(crate) fn draw(&mut self, scene: &Scene) -> io::Result<()> {
        let lines = self.lines(scene);
        if lines == self.drawn {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match self.look {
            Look::Coloured => {
                if !self.drawn.is_empty() {
                    // To the first line drawn before, and clear from there.
                    write!(out, "\u{1b}[{}F\u{1b}[J", self.drawn.len())?;
                }
                for line in &lines {
                    writeln!(out, "{line}")?;
                }
            }
            Look::Plain => {
                for (mark, line) in changes(&self.drawn, &lines) {
                    writeln!(out, "{mark} {}", line.trim_start_matches(['│', '├', '└', '─', ' ']))?;
                }
            }
        }
        out.flush()?;
        self.drawn = lines;
        Ok(())
    }

    /// Prints the whole scene, as the last thing; on a terminal it stands there already.
    pub(crate) fn finish(&mut self, scene: &Scene) -> io::Result<()> {
        if self.look == Look::Coloured {
            return self.draw(scene);
        }
        let mut out = io::stdout().lock();
        for line in self.lines(scene) {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    fn lines(&self, scene: &Scene) -> Vec<String> {
        let mut lines = scene.tree.lines(self.look);
        let yellow = AnsiColor::Yellow.on_default();
        lines.extend(scene.warnings.iter().map(|warning| paint(&format!("! {warning}"), yellow, self.look)));
        lines
    }
}

/// Lines that came (`+`) and went (`-`).
fn changes<'a>(before: &'a [String], after: &'a [String]) -> Vec<(char, &'a str)> {
    let bare = |line: &'a String| line.trim_start_matches(['│', '├', '└', '─', ' ']);
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (before.iter().map(bare).collect(), after.iter().map(bare).collect());
    let gone = before.iter().map(bare).filter(|line| !new.contains(line)).map(|line| ('-', line));
    let came = after.iter().map(bare).filter(|line| !old.contains(line)).map(|line| ('+', line));
    gone.chain(came).collect()
}

/// The Service `kubernetes`, which the server makes for itself.
fn is_the_servers_own(object: &Value) -> bool {
    let label = |name: &str| object["metadata"]["labels"][name].as_str();
    label("component") == Some("apiserver") && label("provider") == Some("kubernetes")
}

fn warning(event: &Event) -> String {
    let about = &event.involved_object;
    format!(
        "{}/{}: {}: {}",
        about.kind.as_deref().unwrap_or_default(),
        about.name.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
        event.message.as_deref().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_changed_are_printed_whatever_their_place_in_the_tree() {
        let lines = |text: &[&str]| text.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = lines(&["default", "└─ Service/a"]);
        let after = lines(&["default", "├─ Service/a", "│  └─ Ingress/a", "└─ Service/b"]);
        assert_eq!(changes(&before, &after), [('+', "Ingress/a"), ('+', "Service/b")]);
        assert_eq!(changes(&after, &before), [('-', "Ingress/a"), ('-', "Service/b")]);
    }
}
