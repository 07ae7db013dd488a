//! The encryption of bodies in the admin API, from its published format.
//!
//! ```text
//! salt 32 | id 1 | nonce 8 | fragment … fragment
//! ```
//!
//! | id | key from the password and the salt | cipher |
//! |---|---|---|
//! | 0 | Argon2id, 1 pass, 64 MiB, 4 lanes | AES-256-GCM |
//! | 1 | the same | ChaCha20-Poly1305 |
//! | 2 | PBKDF2-HMAC-SHA256, 8,192 rounds (servers in FIPS mode) | AES-256-GCM |
//!
//! The password is the secret key of who calls. The text is cut into fragments of 16 KiB, each encrypted with the nonce and its
//! number (32 bits, little endian, from 1). Associated data are a byte that is 0x80 for the last fragment and 0 for the
//! others, and the tag that fragment 0 would have if it were empty, so that fragments can be neither moved nor cut off.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::ChaCha20Poly1305;
use sha2::Sha256;

use crate::random::Random;

const SALT: usize = 32;
const NONCE: usize = 8;
const HEADER: usize = SALT + 1 + NONCE;
const TAG: usize = 16;
const FRAGMENT: usize = 16 * 1024;
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 1;
const LANES: u32 = 4;
const PBKDF2_ROUNDS: u32 = 8192;

/// Why a sealed body can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is less than the header and a tag.
    #[error("an encrypted body of {0} bytes is too short")]
    Short(usize),
    /// None of the ciphers above.
    #[error("an encrypted body names cipher {0}, which is not known")]
    Cipher(u8),
    /// Another password, or not what was sent.
    #[error("an encrypted body can't be opened: it is damaged, or meant for another secret key")]
    NotAuthentic,
}

/// Encrypts a body as clients in FIPS mode do, with PBKDF2 and AES-256-GCM.
///
/// Argon2id takes some 50 ms here and as long at the server, so that twenty bodies a second would be a core's work. It
/// would not make a password harder to guess: the signature of the same request is a test of it that takes microseconds.
pub fn seal(password: &str, text: &[u8], random: &Random) -> Vec<u8> {
    seal_with(Cipher::Pbkdf2Aes256Gcm, password, text, random.bytes(), random.bytes())
}

/// Decrypts a body.
///
/// # Errors
/// When it was not sealed with this password, or not with this format.
pub fn open(password: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let Some((header, fragments)) = sealed.split_at_checked(HEADER).filter(|(_, rest)| rest.len() >= TAG) else {
        return Err(OpenError::Short(sealed.len()));
    };
    let (salt, rest) = header.split_at(SALT);
    let cipher = match rest[0] {
        0 => Cipher::Aes256Gcm,
        1 => Cipher::ChaCha20Poly1305,
        2 => Cipher::Pbkdf2Aes256Gcm,
        other => return Err(OpenError::Cipher(other)),
    };
    let stream = Stream::new(cipher, password, salt, &rest[1..]);
    let mut text = Vec::with_capacity(fragments.len());
    let mut parts = fragments.chunks(FRAGMENT + TAG).peekable();
    let mut number = 1;
    while let Some(part) = parts.next() {
        let opened = stream.open(number, parts.peek().is_none(), part).ok_or(OpenError::NotAuthentic)?;
        text.extend_from_slice(&opened);
        number += 1;
    }
    Ok(text)
}

fn seal_with(cipher: Cipher, password: &str, text: &[u8], salt: [u8; SALT], nonce: [u8; NONCE]) -> Vec<u8> {
    let stream = Stream::new(cipher, password, &salt, &nonce);
    let mut sealed = Vec::with_capacity(HEADER + text.len() + (text.len() / FRAGMENT + 1) * TAG);
    sealed.extend_from_slice(&salt);
    sealed.push(cipher as u8);
    sealed.extend_from_slice(&nonce);
    // An empty text is one empty fragment.
    let mut parts = text.chunks(FRAGMENT).peekable();
    let mut number = 1;
    loop {
        let part = parts.next().unwrap_or_default();
        let last = parts.peek().is_none();
        sealed.extend_from_slice(&stream.seal(number, last, part));
        number += 1;
        if last {
            return sealed;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cipher {
    Aes256Gcm = 0,
    ChaCha20Poly1305 = 1,
    Pbkdf2Aes256Gcm = 2,
}

/// Encrypts and decrypts fragments.
struct Stream {
    cipher: Box<dyn Sealer>,
    nonce: [u8; NONCE],
    /// Of the empty fragment 0.
    tag: Vec<u8>,
}

trait Sealer {
    fn seal(&self, nonce: &[u8; 12], payload: Payload<'_, '_>) -> Option<Vec<u8>>;
    fn open(&self, nonce: &[u8; 12], payload: Payload<'_, '_>) -> Option<Vec<u8>>;
}

impl<A: Aead<NonceSize = aes_gcm::aead::consts::U12>> Sealer for A {
    fn seal(&self, nonce: &[u8; 12], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
        self.encrypt(nonce.into(), payload).ok()
    }

    fn open(&self, nonce: &[u8; 12], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
        self.decrypt(nonce.into(), payload).ok()
    }
}

impl Stream {
    fn new(cipher: Cipher, password: &str, salt: &[u8], nonce: &[u8]) -> Self {
        let key = key(cipher, password, salt);
        let cipher: Box<dyn Sealer> = match cipher {
            Cipher::ChaCha20Poly1305 => Box::new(ChaCha20Poly1305::new(&key.into())),
            Cipher::Aes256Gcm | Cipher::Pbkdf2Aes256Gcm => Box::new(Aes256Gcm::new(&key.into())),
        };
        let mut first = [0; NONCE];
        first.copy_from_slice(nonce);
        let mut stream = Self { cipher, nonce: first, tag: Vec::new() };
        stream.tag = stream.sealed(0, &[], &[]);
        stream
    }

    fn seal(&self, number: u32, last: bool, text: &[u8]) -> Vec<u8> {
        self.sealed(number, &self.associated(last), text)
    }

    fn open(&self, number: u32, last: bool, sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher.open(&self.nonce_of(number), Payload { msg: sealed, aad: &self.associated(last) })
    }

    #[expect(
        clippy::expect_used,
        reason = "these ciphers refuse only texts of 64 GiB and more, and these are of 16 KiB"
    )]
    fn sealed(&self, number: u32, associated: &[u8], text: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: text, aad: associated };
        self.cipher.seal(&self.nonce_of(number), payload).expect("a fragment is short")
    }

    fn nonce_of(&self, number: u32) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..NONCE].copy_from_slice(&self.nonce);
        nonce[NONCE..].copy_from_slice(&number.to_le_bytes());
        nonce
    }

    fn associated(&self, last: bool) -> Vec<u8> {
        let mark = if last { 0x80 } else { 0 };
        std::iter::once(mark).chain(self.tag.iter().copied()).collect()
    }
}

#[expect(clippy::expect_used, reason = "the parameters are constants within the bounds of Argon2")]
fn key(cipher: Cipher, password: &str, salt: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    if cipher == Cipher::Pbkdf2Aes256Gcm {
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, PBKDF2_ROUNDS, &mut key);
        return key;
    }
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(key.len())).expect("valid parameters");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, &mut key).expect("valid lengths");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIPHERS: [Cipher; 3] = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305, Cipher::Pbkdf2Aes256Gcm];

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn sealed(cipher: Cipher, text: &[u8]) -> Vec<u8> {
        let salt = std::array::from_fn(|at| at as u8);
        seal_with(cipher, "minioadmin", text, salt, *b"\x10\x11\x12\x13\x14\x15\x16\x17")
    }

    #[test]
    fn bodies_that_the_go_library_sealed_are_opened_and_made_alike() {
        for (cipher, vector) in CIPHERS.into_iter().zip(include_str!("vectors.txt").lines()) {
            let vector = hex(vector);
            assert_eq!(open("minioadmin", &vector).unwrap(), b"{\"secretKey\":\"s3cr3t-of-anna\"}", "{cipher:?}");
            let (salt, nonce) = (&vector[..SALT], &vector[SALT + 1..HEADER]);
            let again = seal_with(
                cipher,
                "minioadmin",
                b"{\"secretKey\":\"s3cr3t-of-anna\"}",
                salt.try_into().unwrap(),
                nonce.try_into().unwrap(),
            );
            assert_eq!(again, vector, "{cipher:?}");
        }
    }

    #[test]
    fn any_length_comes_back() {
        // The key is slow to derive, and the lengths that matter are those around fragments.
        for length in [0, 1, FRAGMENT - 1, FRAGMENT, FRAGMENT + 1, 3 * FRAGMENT] {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let body = sealed(Cipher::Pbkdf2Aes256Gcm, &text);
            assert_eq!(open("minioadmin", &body).unwrap(), text, "{length}");
        }
    }

    #[test]
    fn what_was_changed_cut_or_reordered_is_refused() {
        let body = sealed(Cipher::Pbkdf2Aes256Gcm, &vec![7; 3 * FRAGMENT]);
        let refused =
            |body: &[u8], why: &str| assert_eq!(open("minioadmin", body), Err(OpenError::NotAuthentic), "{why}");
        assert_eq!(open("other", &body), Err(OpenError::NotAuthentic));
        for at in [0, SALT + 3, HEADER, body.len() - 1] {
            let mut changed = body.clone();
            changed[at] ^= 1;
            refused(&changed, &format!("byte {at}"));
        }
        refused(&body[..HEADER + 2 * (FRAGMENT + TAG)], "cut at a fragment");
        let mut swapped = body.clone();
        let (one, other) = swapped[HEADER..HEADER + 2 * (FRAGMENT + TAG)].split_at_mut(FRAGMENT + TAG);
        one.swap_with_slice(other);
        refused(&swapped, "swapped");
        assert_eq!(open("minioadmin", &body[..HEADER + 3]), Err(OpenError::Short(HEADER + 3)));
        let mut unknown = body;
        unknown[SALT] = 9;
        assert_eq!(open("minioadmin", &unknown), Err(OpenError::Cipher(9)));
    }
}
