//! Cluster IPs and node ports: who holds which, and the next free one.
//!
//! An address is reserved while a write is prepared and kept once the write has succeeded, so two writes at the same
//! time never get the same one:
//!
//! ```text
//! start-up: track(service) for each stored Service
//! write:    Reservation → strategy reserves → store → commit, or drop: everything reserved is free again
//! after a delete or update: release what the old object had and the new one has not
//! ```

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use parking_lot::Mutex;
use serde_json::Value;

use super::tree::Tree;

/// The ranges that Services get their addresses from.
#[derive(Debug, Clone)]
pub struct AllocationOptions {
    /// First address of the range of cluster IPs. Default 10.96.0.0, kubeadm's default; it takes no network that
    /// exists.
    pub network: Ipv4Addr,
    /// Length of its prefix, in bits: 8 to 29. Default 12.
    pub prefix_length: u8,
    /// First and last node port. Default 30000 and 32767.
    pub node_ports: (u16, u16),
}

impl Default for AllocationOptions {
    fn default() -> Self {
        Self { network: Ipv4Addr::new(10, 96, 0, 0), prefix_length: 12, node_ports: (30000, 32767) }
    }
}

/// All cluster IPs and node ports in use.
#[derive(Debug)]
pub struct Allocations {
    /// First usable address and number of usable addresses: without those of the network itself and of broadcast.
    first_ip: u32,
    ips: u32,
    node_ports: (u16, u16),
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    ips: BTreeSet<u32>,
    ports: BTreeSet<u16>,
    next_ip: u32,
    next_port: u16,
}

/// Why an address or port can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// Another Service holds it.
    #[error("provided IP is already allocated")]
    IpTaken,
    /// It lies outside the range.
    #[error("the provided network does not match the current range")]
    IpOutOfRange,
    /// All addresses are held.
    #[error("range is full")]
    Full,
    /// Another Service holds it.
    #[error("provided port is already allocated")]
    PortTaken,
    /// It lies outside the range.
    #[error("provided port is not in the valid range. The range of valid ports is {first}-{last}")]
    PortOutOfRange {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
}

impl Allocations {
    /// No address held.
    pub fn new(options: &AllocationOptions) -> Self {
        let bits = u32::from(options.prefix_length.clamp(8, 29));
        let mask = u32::MAX << (32 - bits);
        let network = u32::from(options.network) & mask;
        Self { first_ip: network + 1, ips: !mask - 1, node_ports: options.node_ports, held: Mutex::default() }
    }

    /// Notes what a stored Service holds.
    pub fn track(&self, service: &Value) {
        let mut held = self.held.lock();
        held.ips.extend(cluster_ips(service).filter_map(|ip| self.offset(ip)));
        held.ports.extend(node_ports(service));
    }

    /// Gives back what `old` held and `new` does not. Called after the write that made it so; `new` is none after a
    /// deletion.
    pub fn release(&self, old: &Value, new: Option<&Value>) {
        let empty = Value::Null;
        let new = new.unwrap_or(&empty);
        let kept_ips: Vec<IpAddr> = cluster_ips(new).collect();
        let kept_ports: Vec<u16> = node_ports(new).collect();
        let mut held = self.held.lock();
        for ip in cluster_ips(old).filter(|ip| !kept_ips.contains(ip)).filter_map(|ip| self.offset(ip)) {
            held.ips.remove(&ip);
        }
        for port in node_ports(old).filter(|port| !kept_ports.contains(port)) {
            held.ports.remove(&port);
        }
    }

    /// The first address of the range, which the `kubernetes` Service of the control plane has.
    pub fn first_ip(&self) -> IpAddr {
        Ipv4Addr::from(self.first_ip).into()
    }

    /// Starts a set of reservations.
    pub fn reserve(&self) -> Reservation<'_> {
        Reservation { allocations: self, taken: Mutex::default() }
    }

    fn offset(&self, ip: IpAddr) -> Option<u32> {
        match ip {
            IpAddr::V4(ip) => u32::from(ip).checked_sub(self.first_ip).filter(|offset| *offset < self.ips),
            IpAddr::V6(_) => None,
        }
    }
}

/// Addresses reserved for one write. Dropped without [`Reservation::commit`], they are free again.
#[derive(Debug)]
pub struct Reservation<'a> {
    allocations: &'a Allocations,
    taken: Mutex<Vec<Taken>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    Ip(u32),
    Port(u16),
}

impl Reservation<'_> {
    /// Takes a given cluster IP. One that this reservation has taken already is no error.
    pub fn ip(&self, ip: IpAddr) -> Result<(), AllocationError> {
        let all = self.allocations;
        let offset = all.offset(ip).ok_or(AllocationError::IpOutOfRange)?;
        if !all.held.lock().ips.insert(offset) {
            return Err(AllocationError::IpTaken);
        }
        self.taken.lock().push(Taken::Ip(offset));
        Ok(())
    }

    /// Takes the next free cluster IP. The lower part of the range, which people choose addresses from by hand, comes
    /// last.
    pub fn next_ip(&self) -> Result<IpAddr, AllocationError> {
        let all = self.allocations;
        let mut held = all.held.lock();
        let band = static_band(all.ips, 16, 256);
        let offset = next_free(&held.ips, held.next_ip.max(band), band, all.ips).ok_or(AllocationError::Full)?;
        held.ips.insert(offset);
        held.next_ip = offset + 1;
        self.taken.lock().push(Taken::Ip(offset));
        Ok(Ipv4Addr::from(all.first_ip + offset).into())
    }

    /// Takes a given node port.
    pub fn port(&self, port: u16) -> Result<(), AllocationError> {
        let (first, last) = self.allocations.node_ports;
        if !(first..=last).contains(&port) {
            return Err(AllocationError::PortOutOfRange { first, last });
        }
        if !self.allocations.held.lock().ports.insert(port) {
            return Err(AllocationError::PortTaken);
        }
        self.taken.lock().push(Taken::Port(port));
        Ok(())
    }

    /// Takes the next free node port; the lower part of the range comes last, as for cluster IPs.
    pub fn next_port(&self) -> Result<u16, AllocationError> {
        let (first, last) = self.allocations.node_ports;
        let mut held = self.allocations.held.lock();
        let offsets: BTreeSet<u32> = held.ports.iter().filter_map(|p| p.checked_sub(first)).map(u32::from).collect();
        let size = u32::from(last.saturating_sub(first)) + 1;
        let band = static_band(size, 32, 128);
        let from = u32::from(held.next_port.saturating_sub(first)).max(band);
        let offset = next_free(&offsets, from, band, size).ok_or(AllocationError::Full)?;
        let port = first + u16::try_from(offset).map_err(|_| AllocationError::Full)?;
        held.ports.insert(port);
        held.next_port = port.saturating_add(1);
        self.taken.lock().push(Taken::Port(port));
        Ok(port)
    }

    /// Keeps what was taken: the write has succeeded.
    pub fn commit(self) {
        self.taken.lock().clear();
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut *self.taken.lock());
        if taken.is_empty() {
            return;
        }
        let mut held = self.allocations.held.lock();
        for one in taken {
            match one {
                Taken::Ip(ip) => held.ips.remove(&ip),
                Taken::Port(port) => held.ports.remove(&port),
            };
        }
    }
}

/// Size of the lower part of a range that is handed out last: a sixteenth (or as `share` says), at most `most`. Source:
/// KEP-3070.
fn static_band(size: u32, share: u32, most: u32) -> u32 {
    let band = (size / share).clamp(16, most);
    if size <= band { 0 } else { band }
}

/// Goes round from `from` to the end, then over the rest above the band, then over the band.
fn next_free(held: &BTreeSet<u32>, from: u32, band: u32, size: u32) -> Option<u32> {
    free_in(held, from, size).or_else(|| free_in(held, band, from.min(size))).or_else(|| free_in(held, 0, band))
}

fn free_in(held: &BTreeSet<u32>, from: u32, to: u32) -> Option<u32> {
    if from >= to {
        return None;
    }
    let mut candidate = from;
    for taken in held.range(from..to) {
        if *taken != candidate {
            break;
        }
        candidate += 1;
    }
    (candidate < to).then_some(candidate)
}

fn cluster_ips(service: &Value) -> impl Iterator<Item = IpAddr> + '_ {
    service.list("spec.clusterIPs").iter().filter_map(Value::as_str).filter_map(|ip| ip.parse().ok())
}

fn node_ports(service: &Value) -> impl Iterator<Item = u16> + '_ {
    let ports = service.list("spec.ports").iter().map(|port| port.int("nodePort"));
    ports
        .chain([service.int("spec.healthCheckNodePort")])
        .flatten()
        .filter_map(|p| u16::try_from(p).ok())
        .filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn small() -> Allocations {
        let options =
            AllocationOptions { network: Ipv4Addr::new(10, 0, 0, 0), prefix_length: 29, node_ports: (30000, 30002) };
        Allocations::new(&options)
    }

    #[test]
    fn every_address_is_given_once_and_the_end_is_told() {
        let all = small();
        let reservation = all.reserve();
        let mut ips: Vec<String> = (0..6).map(|_| reservation.next_ip().unwrap().to_string()).collect();
        ips.sort();
        assert_eq!(ips, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        assert_eq!(reservation.next_ip(), Err(AllocationError::Full));
        assert_eq!(reservation.ip("10.0.0.1".parse().unwrap()), Err(AllocationError::IpTaken));
    }

    #[test]
    fn what_is_not_committed_is_free_again() {
        let all = small();
        drop({
            let reservation = all.reserve();
            reservation.port(30001).unwrap();
            reservation
        });
        let reservation = all.reserve();
        reservation.port(30001).unwrap();
        reservation.commit();
        assert_eq!(all.reserve().port(30001), Err(AllocationError::PortTaken));
        all.release(&json!({"spec": {"ports": [{"nodePort": 30001}]}}), None);
        all.reserve().port(30001).unwrap();
    }

    #[test]
    fn an_update_gives_back_only_what_it_dropped() {
        let all = small();
        let old = json!({"spec": {"clusterIPs": ["10.0.0.1"], "ports": [{"nodePort": 30000}, {"nodePort": 30001}]}});
        all.track(&old);
        let new = json!({"spec": {"clusterIPs": ["10.0.0.1"], "ports": [{"nodePort": 30001}]}});
        all.release(&old, Some(&new));
        let reservation = all.reserve();
        assert_eq!(reservation.ip("10.0.0.1".parse().unwrap()), Err(AllocationError::IpTaken));
        assert_eq!(reservation.port(30001), Err(AllocationError::PortTaken));
        reservation.port(30000).unwrap();
    }

    #[test]
    fn automatic_addresses_keep_off_the_hand_picked_part_and_are_not_reused_at_once() {
        let all = Allocations::new(&AllocationOptions::default());
        let reservation = all.reserve();
        let first = reservation.next_ip().unwrap();
        assert_eq!(first.to_string(), "10.96.1.1");
        drop(reservation);
        assert_eq!(all.reserve().next_ip().unwrap().to_string(), "10.96.1.2");
        assert_eq!(all.first_ip().to_string(), "10.96.0.1");
    }

    #[test]
    fn what_lies_outside_is_refused_with_the_range() {
        let all = small();
        assert_eq!(all.reserve().ip("10.1.0.1".parse().unwrap()), Err(AllocationError::IpOutOfRange));
        let error = all.reserve().port(80).unwrap_err();
        assert_eq!(
            error.to_string(),
            "provided port is not in the valid range. The range of valid ports is 30000-30002"
        );
    }
}
