//! The key under which shared state is sealed: 32 bytes, in base64 where people handle it.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Tenant;
use crate::error::Error;
use crate::secret::Secret;

/// How many bytes it has.
pub(super) const KEY_BYTES: usize = 32;

/// As many bytes of a name tell all tenants apart.
const NAME_BYTES: usize = 16;

/// A key for sealing what is shared.
pub struct EncryptionKey(Zeroizing<[u8; KEY_BYTES]>);

impl EncryptionKey {
    /// Reads a key as [`generate`](Self::generate) writes it.
    ///
    /// # Errors
    /// A `config_error` if it is none. It does not quote it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).unwrap_or_default();
        let bytes = <[u8; KEY_BYTES]>::try_from(&bytes[..]).map_err(|_| {
            Error::config("`shared_state.encryption_key` is not 32 bytes in base64: make one by `source-navan key`, and give the same one to all syncs that are to share a token.")
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// A new one, in base64.
    ///
    /// # Errors
    /// A `system_error` if the system has no random numbers.
    pub fn generate() -> Result<Secret, Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(&mut bytes[..]).map_err(|_| Error::system("The system gives no random numbers."))?;
        Ok(Secret::new(STANDARD.encode(bytes)))
    }

    /// A key made of it for one purpose, and of what it is bound to: whoever differs in one of these has another.
    ///
    /// # Errors
    /// A `system_error` if HKDF has no key of that length, which it always has.
    pub(super) fn derive(&self, purpose: &str, bound_to: &[&str]) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        let source: Prk = Salt::new(HKDF_SHA256, b"source-navan shared state").extract(&self.0[..]);
        // With their lengths, so that no two lists give the same bytes.
        let mut info = Zeroizing::new(Vec::new());
        for part in [purpose].iter().chain(bound_to) {
            info.extend_from_slice(&(part.len() as u64).to_be_bytes());
            info.extend_from_slice(part.as_bytes());
        }
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        let parts: [&[u8]; 1] = [&info];
        let filled = source.expand(&parts, Length).and_then(|key| key.fill(&mut derived[..]));
        filled.map_err(|_| Error::system("HKDF-SHA256 gives no key of 32 bytes."))?;
        Ok(derived)
    }

    /// What a tenant is called where others can see it: the same for all who have the key, and nothing for those who have not.
    ///
    /// # Errors
    /// As for [`Self::derive`].
    pub(super) fn name_of(&self, tenant: Tenant<'_>) -> Result<String, Error> {
        let Tenant { region, token_url, client_id, .. } = tenant;
        let derived = self.derive("name", &[region, token_url, client_id.expose()])?;
        let mut name = [0; NAME_BYTES];
        name.copy_from_slice(&derived[..NAME_BYTES]);
        Ok(format!("{:032x}", u128::from_be_bytes(name)))
    }
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_made_is_read_and_no_two_are_the_same() {
        let (one, other) = (EncryptionKey::generate().unwrap(), EncryptionKey::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert!(EncryptionKey::parse(&format!(" {}\n", one.expose())).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_quoted() {
        for wrong in ["", "secret", "c2hvcnQ=", &"A".repeat(44), &"é".repeat(32)] {
            let error = EncryptionKey::parse(wrong).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(
                error.contains("source-navan key") && (wrong.is_empty() || !error.contains(wrong)),
                "{wrong}: {error}"
            );
        }
    }

    #[test]
    fn keys_of_different_purposes_and_bounds_differ() {
        let key = EncryptionKey::parse(EncryptionKey::generate().unwrap().expose()).unwrap();
        let derived = [
            key.derive("a", &["b", "c"]).unwrap(),
            key.derive("a", &["bc"]).unwrap(),
            key.derive("a", &["b", "c", ""]).unwrap(),
            key.derive("ab", &["c"]).unwrap(),
        ];
        for (number, one) in derived.iter().enumerate() {
            assert!(derived.iter().skip(number + 1).all(|other| other != one), "{number}");
        }
    }
}
