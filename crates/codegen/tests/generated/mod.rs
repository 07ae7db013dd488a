//! Types of custom resources. Written by `kubewright types`: change the definitions, not this.

#[rustfmt::skip]
pub mod gateways;
#[rustfmt::skip]
pub mod options_net_example_com;
#[rustfmt::skip]
pub mod options_other_example_com;
#[rustfmt::skip]
pub mod reports;
