//! The keys that ServiceAccount tokens are signed and verified with, and how others learn of them.
//!
//! Source: RFC 7515 (signatures), RFC 7517 and 7518 (key sets).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::{Signer, SigningKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The algorithms that tokens are signed with.
const ALGORITHMS: [(SignatureScheme, &str, usize); 3] = [
    (SignatureScheme::ECDSA_NISTP256_SHA256, "ES256", 32),
    (SignatureScheme::ECDSA_NISTP384_SHA384, "ES384", 48),
    (SignatureScheme::RSA_PKCS1_SHA256, "RS256", 0),
];

/// A private key that signs tokens.
#[derive(Debug)]
pub(super) struct TokenKey {
    key: Arc<dyn SigningKey>,
    public: VerifyingKey,
}

/// A public key that verifies tokens.
#[derive(Debug, Clone)]
pub(super) struct VerifyingKey {
    /// Its id: what tokens name it by.
    pub(super) id: String,
    algorithm: usize,
    bits: Vec<u8>,
    /// What key sets tell of it, beside id and algorithm.
    parameters: Value,
}

impl TokenKey {
    /// Reads a private key in PEM: PKCS #8, or the forms that are for RSA or EC keys alone.
    pub(super) fn from_pem(pem: &str) -> Result<Self, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
        Self::from_der(&der)
    }

    fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, String> {
        let key = any_supported_type(der).map_err(|error| error.to_string())?;
        let public = key.public_key().ok_or("its public key can't be told")?;
        let public = VerifyingKey::from_der(public.as_ref())?;
        let out = Self { key, public };
        out.signer().ok_or("it can't make signatures with SHA-2 of its size")?;
        Ok(out)
    }

    /// The key that verifies what this one signs.
    pub(super) fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The name of its algorithm in tokens.
    pub(super) fn algorithm(&self) -> &'static str {
        ALGORITHMS[self.public.algorithm].1
    }

    /// The signature of a message, as tokens have it. The error is that of the random source.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let signer = self.signer().ok_or("the key can't sign")?;
        let signature = signer.sign(message).map_err(|error| error.to_string())?;
        match ALGORITHMS[self.public.algorithm].2 {
            0 => Ok(signature),
            size => fixed(&signature, size).ok_or_else(|| "the signature is damaged".to_string()),
        }
    }

    fn signer(&self) -> Option<Box<dyn Signer>> {
        self.key.choose_scheme(&[ALGORITHMS[self.public.algorithm].0])
    }
}

impl VerifyingKey {
    /// Reads a public key, a certificate or a private key in PEM.
    pub(super) fn from_pem(pem: &str) -> Result<Self, String> {
        if let Ok(key) = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()) {
            return Self::from_der(&key);
        }
        if let Ok(certificate) = CertificateDer::from_pem_slice(pem.as_bytes()) {
            let (_, certificate) = X509Certificate::from_der(&certificate).map_err(|error| error.to_string())?;
            return Self::from_der(certificate.public_key().raw);
        }
        let private =
            TokenKey::from_pem(pem).map_err(|_| "there is no public key, certificate or private key in it")?;
        Ok(private.public)
    }

    fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|error| error.to_string())?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (algorithm, parameters) = match info.parsed().map_err(|error| error.to_string())? {
            PublicKey::RSA(key) => {
                let trimmed = |bytes: &[u8]| {
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    encode(bytes.get(zeros..).unwrap_or_default())
                };
                (2, json!({"kty": "RSA", "n": trimmed(key.modulus), "e": trimmed(key.exponent)}))
            }
            PublicKey::EC(point) => {
                let coordinates = point.data().strip_prefix(&[4]).ok_or("its point is compressed")?;
                let (algorithm, curve) = match coordinates.len() {
                    64 => (0, "P-256"),
                    96 => (1, "P-384"),
                    _ => return Err("its curve is none of P-256 and P-384".into()),
                };
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                (algorithm, json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)}))
            }
            _ => return Err("it is neither an RSA nor an EC key".into()),
        };
        let id = encode(&Sha256::digest(der));
        Ok(Self { id, algorithm, bits: info.subject_public_key.data.to_vec(), parameters })
    }

    /// The name of its algorithm in tokens.
    pub(super) fn algorithm(&self) -> &'static str {
        ALGORITHMS[self.algorithm].1
    }

    /// Whether a signature, as tokens have it, is of this message and this key.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (scheme, _, size) = ALGORITHMS[self.algorithm];
        let signature = match size {
            0 => signature.to_vec(),
            size if signature.len() == 2 * size => sequence(signature),
            _ => return false,
        };
        let provider = rustls::crypto::ring::default_provider();
        let mapping = provider.signature_verification_algorithms.mapping;
        let algorithms = mapping.iter().find(|(of, _)| *of == scheme).map(|(_, algorithms)| *algorithms);
        let mut algorithms = algorithms.unwrap_or_default().iter();
        algorithms.any(|algorithm| algorithm.verify_signature(&self.bits, message, &signature).is_ok())
    }

    /// The key as an entry of a key set.
    pub(super) fn to_value(&self) -> Value {
        let mut out = json!({"use": "sig", "kid": self.id, "alg": self.algorithm()});
        for (name, value) in self.parameters.as_object().into_iter().flatten() {
            out[name] = value.clone();
        }
        out
    }
}

/// Two numbers of a fixed size, one after the other, out of the two that a DER sequence holds.
fn fixed(der: &[u8], size: usize) -> Option<Vec<u8>> {
    // A signature of 384 bits is shorter than 128 bytes, so every length is one byte.
    let mut rest = der.strip_prefix(&[0x30])?.get(1..)?;
    let mut out = Vec::with_capacity(2 * size);
    for _ in 0..2 {
        let length = usize::from(*rest.strip_prefix(&[0x02])?.first()?);
        let number = rest.get(2..2 + length)?;
        rest = rest.get(2 + length..)?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.get(zeros..)?;
        out.resize(out.len() + size.checked_sub(number.len())?, 0);
        out.extend_from_slice(number);
    }
    rest.is_empty().then_some(out)
}

/// The DER sequence of two numbers of the same size.
fn sequence(fixed: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(fixed.len() + 6);
    for number in fixed.chunks(fixed.len() / 2) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len() - 1);
        let number = &number[zeros..];
        let sign = number[0] >= 0x80;
        content.extend([0x02, (number.len() + usize::from(sign)) as u8]);
        if sign {
            content.push(0);
        }
        content.extend_from_slice(number);
    }
    let mut out = vec![0x30, content.len() as u8];
    out.append(&mut content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TokenKey {
        TokenKey::from_pem(&rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap()
    }

    #[test]
    fn a_signature_is_good_for_its_message_and_key_alone() {
        let key = key();
        let signature = key.sign(b"message").unwrap();
        assert_eq!((key.algorithm(), signature.len()), ("ES256", 64));
        assert!(key.public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"massage", &signature));
        assert!(!super::tests::key().public().verifies(b"message", &signature));
        assert!(!key.public().verifies(b"message", &signature[1..]));
    }

    #[test]
    fn signatures_change_their_form_and_back() {
        for first in [0_u8, 1, 0x7f, 0x80, 0xff] {
            let mut numbers = vec![7_u8; 64];
            numbers[0] = first;
            numbers[32] = first;
            assert_eq!(fixed(&sequence(&numbers), 32), Some(numbers));
        }
        assert_eq!(fixed(&[0x30, 4, 2, 1], 32), None);
    }

    #[test]
    fn a_key_set_tells_curve_and_point() {
        let value = key().public().to_value();
        assert_eq!((&value["kty"], &value["crv"], &value["alg"]), (&"EC".into(), &"P-256".into(), &"ES256".into()));
        assert_eq!(value["x"].as_str().map(str::len), Some(43));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(TokenKey::from_pem("nonsense").is_err());
        assert!(VerifyingKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").is_err());
    }
}
