//! One test environment for operators: the embedded control plane in process, the same over TLS, or a real cluster.
//!
//! | environment | what tests run on |
//! |---|---|
//! | none | the embedded control plane in process, one for each test, in milliseconds |
//! | `KUBEWRIGHT_TEST_ENV=tls` | the embedded control plane over TLS on loopback |
//! | `KUBEWRIGHT_TEST_KUBECONFIG=FILE` | the cluster of that kubeconfig; tests that use it run one at a time |
//!
//! ```
//! use kubewright_testing::TestEnv;
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let env = TestEnv::start().await.unwrap();
//! let version = env.client().apiserver_version().await.unwrap();
//! assert_eq!(version.major, "1");
//! env.stop().await;
//! # }
//! ```
//!
//! [`CrashTest`] stops an operator at each call of a life cycle and looks whether it finds its way back.

mod crash;
mod env;
mod eventually;
mod operator;

pub use crash::{CrashOptions, CrashReport, CrashTest, Cut, Fuse, Life, World};
pub use env::{TestEnv, TestEnvError};
pub use eventually::eventually;
pub use operator::Operator;
