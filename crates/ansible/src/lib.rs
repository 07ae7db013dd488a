//! Serves operator-sdk's Ansible operators: for each custom resource of a kind, a role or a playbook is run.
//!
//! ```text
//! watches.yaml ─→ Watch ─→ controller ─→ reconcile ─→ directory (extra vars, inventory, kubeconfig)
//!                                          ↑   └─→ ansible-runner (a program) ─→ gateway ─→ API server
//!                                          │            └─ events ─→ log, status            │
//!                                          └──────── dependents, as Ansible last saw them ──┘
//! ```
//!
//! Ansible talks to the [gateway](kubewright_operator_sdk::gateway), a server on loopback that passes its requests on with the
//! operator's own client, puts owner references on what is created, and tells what Ansible has seen of it. The decisions are in
//! `docs/ansible.md`.
//!
//! | module | what it holds |
//! |---|---|
//! | [`watches`] | watches.yaml, read and checked |
//! | [`search`] | where roles and playbooks are looked for |
//! | [`parameters`] | the extra vars of a run |
//! | [`snake`] | names of fields as names of variables |
//! | [`directory`] | the private data directory of ansible-runner |
//! | [`program`] | ansible-runner, and how it is called |
//! | [`event`] | what it tells of a run, and what comes of it |
//! | [`status`] | the conditions |
//! | `dependents` | what Ansible made, and whether it is still so |
//! | `reconcile` | all of it, for one custom resource |
//! | `operator` | [`AnsibleOperator`]: the controllers, put together |

mod dependents;
pub mod directory;
pub mod event;
mod operator;
pub mod parameters;
pub mod program;
mod reconcile;
pub mod search;
pub mod snake;
pub mod status;
pub mod watches;

pub use event::LogEvents;
pub use operator::{AnsibleOperator, Options, SetUpError};
pub use program::Program;
pub use search::Search;
pub use watches::{Watch, WatchesError};
