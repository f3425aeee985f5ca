//! Cryptography that more than one part needs, all from aws-lc: hashes, message authentication, sealing at rest.

use std::collections::BTreeMap;

use assay_kernel::{Entropy, Error, Result};
use aws_lc_rs::{aead, constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// SHA-256.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    out
}

/// Are the two equal? Takes the same time wherever they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// base64url without padding (RFC 4648 §5).
pub fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// Reads base64url without padding.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// An opaque secret of 256 bits, base64url.
pub fn random_token(entropy: &Entropy) -> String {
    base64url(&entropy.bytes::<32>())
}

/// The master keys, by id. The first seals; all open, so that keys can be rotated. Subkeys are derived by HMAC with a
/// purpose (NIST SP 800-108 style), so that no key has two uses.
pub struct Keyring {
    keys: BTreeMap<String, [u8; 32]>,
    current: String,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("ids", &self.keys.keys()).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads `id:base64,id:base64`; the first is the current one. Each key has 32 bytes.
    ///
    /// # Errors
    /// When the text is not of that form; the message never shows the text.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let mut keys = BTreeMap::new();
        let mut current = None;
        for entry in text.expose_secret().split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (id, encoded) = entry.split_once(':').ok_or("each master key is written `id:base64`")?;
            let bytes =
                STANDARD.decode(encoded).map_err(|_| format!("the master key `{id}` is not base64"))?;
            let key: [u8; 32] =
                bytes.try_into().map_err(|_| format!("the master key `{id}` has not 32 bytes"))?;
            current.get_or_insert_with(|| id.to_owned());
            keys.insert(id.to_owned(), key);
        }
        let current = current.ok_or("no master key is given")?;
        Ok(Self { keys, current })
    }

    /// A new random key, written as [`Keyring::parse`] reads it.
    pub fn generate(entropy: &Entropy, id: &str) -> SecretString {
        SecretString::from(format!("{id}:{}", STANDARD.encode(entropy.bytes::<32>())))
    }

    fn subkey(&self, id: &str, purpose: &str) -> Option<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.keys.get(id)?);
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&key, purpose.as_bytes()).as_ref());
        Some(out)
    }

    /// Authenticates `message` for `purpose` with the current key.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> Result<Vec<u8>> {
        let key =
            self.subkey(&self.current, purpose).ok_or_else(|| Error::internal("no current master key"))?;
        Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), message).as_ref().to_vec())
    }

    /// Was `tag` (or its beginning of at least 16 bytes) made by [`Keyring::sign`] with any live key?
    pub fn verify(&self, purpose: &str, message: &[u8], tag: &[u8]) -> bool {
        tag.len() >= 16
            && self.keys.keys().filter_map(|id| self.subkey(id, purpose)).any(|key| {
                let full = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), message);
                full.as_ref().get(..tag.len()).is_some_and(|start| equal(start, tag))
            })
    }

    /// Seals `plain` (AES-256-GCM); `context` (owner and row) must be given again to open. The result names its key.
    pub fn seal(&self, entropy: &Entropy, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let key =
            self.subkey(&self.current, "seal").ok_or_else(|| Error::internal("no current master key"))?;
        let sealed = seal_with(&key, entropy, context, plain)?;
        let id = self.current.as_bytes();
        let length = u8::try_from(id.len()).map_err(Error::internal)?;
        Ok([&[length], id, &sealed].concat())
    }

    /// Opens what [`Keyring::seal`] made.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let refused = || Error::internal("a sealed value cannot be opened");
        let (length, rest) = sealed.split_first().ok_or_else(refused)?;
        let (id, rest) = rest.split_at_checked(usize::from(*length)).ok_or_else(refused)?;
        let id = std::str::from_utf8(id).map_err(|_| refused())?;
        let key = self.subkey(id, "seal").ok_or_else(refused)?;
        open_with(&key, context, rest)
    }
}

/// Seals with a given 256-bit key: nonce ‖ ciphertext ‖ tag. For per-person data keys.
pub fn seal_with(key: &[u8; 32], entropy: &Entropy, context: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).map_err(|_| Error::internal("bad key"))?;
    let nonce: [u8; 12] = entropy.bytes();
    let mut out = plain.to_vec();
    aead::LessSafeKey::new(key)
        .seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(context.as_bytes()),
            &mut out,
        )
        .map_err(|_| Error::internal("sealing failed"))?;
    Ok([&nonce[..], &out].concat())
}

/// Opens what [`seal_with`] made.
pub fn open_with(key: &[u8; 32], context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let refused = || Error::internal("a sealed value cannot be opened");
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).map_err(|_| refused())?;
    let (nonce, rest) = sealed.split_at_checked(12).ok_or_else(refused)?;
    let nonce: [u8; 12] = nonce.try_into().map_err(|_| refused())?;
    let mut buffer = rest.to_vec();
    let plain = aead::LessSafeKey::new(key)
        .open_in_place(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(context.as_bytes()),
            &mut buffer,
        )
        .map_err(|_| refused())?;
    Ok(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Keyring {
        Keyring::parse(&SecretString::from(text.to_owned())).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_context_and_after_rotation() {
        let entropy = Entropy::seeded(3);
        let old = Keyring::generate(&entropy, "k1").expose_secret().to_owned();
        let new = Keyring::generate(&entropy, "k2").expose_secret().to_owned();
        let sealed = ring(&old).seal(&entropy, "acc_1/github", b"gho_secret").unwrap();
        let rotated = ring(&format!("{new},{old}"));
        assert_eq!(rotated.open("acc_1/github", &sealed).unwrap(), b"gho_secret");
        assert!(rotated.open("acc_2/github", &sealed).is_err());
        assert!(ring(&new).open("acc_1/github", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(rotated.open("acc_1/github", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn signatures_hold_for_one_purpose_and_survive_rotation() {
        let entropy = Entropy::seeded(4);
        let old = Keyring::generate(&entropy, "k1").expose_secret().to_owned();
        let new = Keyring::generate(&entropy, "k2").expose_secret().to_owned();
        let tag = ring(&old).sign("cursor", b"x").unwrap();
        assert!(ring(&format!("{new},{old}")).verify("cursor", b"x", &tag));
        assert!(!ring(&old).verify("other", b"x", &tag));
        assert!(!ring(&old).verify("cursor", b"y", &tag));
        assert!(!ring(&old).verify("cursor", b"x", &tag[..8]));
    }
}
