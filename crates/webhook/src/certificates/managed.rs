//! Certificates in a Secret that all replicas share: whoever comes first writes, the others read.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

use super::issue::{self, Issued};
use super::rotation::{Served, State, Step, Validity, step};
use super::{CertificateError, Current, Lifetimes, certified};

const AUTHORITIES: &str = "ca.crt";
const AUTHORITY_KEY: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

pub(crate) struct Managed {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) secret: String,
    pub(super) lifetimes: Lifetimes,
    pub(super) hosts: Vec<String>,
}

/// The Secret's texts.
#[derive(Debug, Clone, Default)]
struct Kept {
    /// PEM of each, newest first.
    authorities: Vec<String>,
    authority_key: String,
    certificate: String,
    key: String,
}

impl Managed {
    pub(super) async fn current(&self, now: Timestamp) -> Result<Current, CertificateError> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &self.namespace);
        loop {
            let stored = api.get_opt(&self.secret).await.map_err(|source| self.failed(source))?;
            let kept = Kept::read(stored.as_ref());
            let state = kept.state(&self.hosts).map_err(|problem| self.damaged(problem))?;
            match step(&state, now) {
                Step::Wait(until) => return self.served(kept, until),
                step => {
                    let renewed = self.renewed(kept, step, now)?;
                    self.write(&api, stored, &renewed).await?;
                }
            }
        }
    }

    fn served(&self, kept: Kept, next: Timestamp) -> Result<Current, CertificateError> {
        let place = self.place();
        let key = certified(kept.certificate.as_bytes(), kept.key.as_bytes(), &place)?;
        Ok(Current { key, bundle: Some(kept.authorities.concat()), next })
    }

    fn renewed(&self, mut kept: Kept, step: Step, now: Timestamp) -> Result<Kept, CertificateError> {
        let end = |lifetime: std::time::Duration| {
            let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
            now.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
        };
        match step {
            Step::StartAuthority => {
                let Issued { certificate, key } = issue::authority(now, end(self.lifetimes.authority))?;
                kept.authorities.insert(0, certificate);
                kept.authority_key = key;
                tracing::info!(secret = self.secret, "the webhooks have a new certificate authority");
            }
            Step::IssueCertificate => {
                let newest = kept.authorities.first().cloned().unwrap_or_default();
                let authority_end = validity(&newest).map_err(|problem| self.damaged(problem))?.until;
                let until = end(self.lifetimes.certificate).min(authority_end);
                let authority = Issued { certificate: newest, key: kept.authority_key.clone() };
                let issued = issue::certificate(&authority, &self.hosts, now, until)?;
                (kept.certificate, kept.key) = (issued.certificate, issued.key);
                tracing::info!(secret = self.secret, %until, "the webhooks have a new certificate");
            }
            Step::DropAuthorities => {
                kept.authorities.retain(|pem| validity(pem).is_ok_and(|validity| validity.until > now));
            }
            Step::Wait(_) => {}
        }
        Ok(kept)
    }

    /// Writes unless somebody else was faster; then theirs is read next.
    async fn write(&self, api: &Api<Secret>, stored: Option<Secret>, kept: &Kept) -> Result<(), CertificateError> {
        let params = PostParams { field_manager: Some("kubewright-webhook".into()), ..PostParams::default() };
        let written = match stored {
            Some(mut secret) => {
                secret.data = Some(kept.data());
                api.replace(&self.secret, &params, &secret).await
            }
            None => {
                let metadata = ObjectMeta { name: Some(self.secret.clone()), ..ObjectMeta::default() };
                let type_ = Some("kubernetes.io/tls".to_string());
                api.create(&params, &Secret { metadata, type_, data: Some(kept.data()), ..Secret::default() }).await
            }
        };
        match written {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn failed(&self, source: kube::Error) -> CertificateError {
        let (namespace, name) = (self.namespace.clone(), self.secret.clone());
        CertificateError::Secret { namespace, name, source: Box::new(source) }
    }

    fn place(&self) -> String {
        format!("the Secret {}/{} (delete it, and new certificates are made)", self.namespace, self.secret)
    }

    fn damaged(&self, problem: String) -> CertificateError {
        CertificateError::Damaged { place: self.place(), problem }
    }
}

impl Kept {
    fn read(secret: Option<&Secret>) -> Self {
        let text = |key: &str| {
            let value = secret.and_then(|secret| secret.data.as_ref()?.get(key));
            value.map(|value| String::from_utf8_lossy(&value.0).into_owned()).unwrap_or_default()
        };
        let authorities = text(AUTHORITIES);
        let ends = "-----END CERTIFICATE-----\n";
        let authorities = authorities.split_inclusive(ends).filter(|pem| !pem.trim().is_empty());
        Self {
            authorities: authorities.map(str::to_string).collect(),
            authority_key: text(AUTHORITY_KEY),
            certificate: text(CERTIFICATE),
            key: text(KEY),
        }
    }

    fn data(&self) -> BTreeMap<String, ByteString> {
        let texts = [
            (AUTHORITIES, self.authorities.concat()),
            (AUTHORITY_KEY, self.authority_key.clone()),
            (CERTIFICATE, self.certificate.clone()),
            (KEY, self.key.clone()),
        ];
        texts.into_iter().map(|(key, text)| (key.to_string(), ByteString(text.into_bytes()))).collect()
    }

    fn state(&self, hosts: &[String]) -> Result<State, String> {
        let authorities = self.authorities.iter().map(|pem| validity(pem)).collect::<Result<Vec<_>, _>>()?;
        if self.certificate.is_empty() {
            return Ok(State { authorities, certificate: None });
        }
        let newest = self.authorities.first().map(|pem| parsed(pem)).transpose()?;
        let newest = newest.as_ref().map(x509).transpose()?;
        let pem = parsed(&self.certificate)?;
        let certificate = x509(&pem)?;
        let names: Vec<String> = certificate
            .subject_alternative_name()
            .map_err(|error| error.to_string())?
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default();
        let served = Served {
            validity: validity(&self.certificate)?,
            of_newest: newest.is_some_and(|newest| newest.subject().as_raw() == certificate.issuer().as_raw()),
            names_hosts: hosts.iter().all(|host| names.contains(host)),
        };
        Ok(State { authorities, certificate: Some(served) })
    }
}

fn parsed(pem: &str) -> Result<Pem, String> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).map_err(|error| format!("no PEM: {error}"))?;
    Ok(pem)
}

fn x509(pem: &Pem) -> Result<x509_parser::certificate::X509Certificate<'_>, String> {
    pem.parse_x509().map_err(|error| format!("no certificate: {error}"))
}

fn validity(pem: &str) -> Result<Validity, String> {
    let pem = parsed(pem)?;
    let certificate = x509(&pem)?;
    let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| error.to_string());
    let validity = certificate.validity();
    Ok(Validity { from: time(validity.not_before.timestamp())?, until: time(validity.not_after.timestamp())? })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_string()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => Some(std::net::Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
            16 => Some(std::net::Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
            _ => None,
        },
        _ => None,
    }
}
