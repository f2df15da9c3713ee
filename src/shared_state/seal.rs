//! Values that only who sealed them can open: AES-256-GCM under a key of the tenant's own.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::connection::Unavailable;
use super::{EncryptionKey, Tenant};
use crate::error::Error;

/// The first byte of a sealed value: how what follows is to be read.
const VERSION: u8 = 1;

/// Seals and opens the values of a tenant.
pub struct Seal {
    key: RandomizedNonceKey,
    /// What a value is bound to beside the key: whose it is.
    tenant: Zeroizing<Vec<u8>>,
}

impl Seal {
    /// That of a tenant.
    pub(super) fn new(key: &EncryptionKey, tenant: Tenant<'_>) -> Result<Self, Error> {
        let Tenant { region, token_url, client_id, client_secret } = tenant;
        let derived = key.derive("seal", &[region, token_url, client_id.expose(), client_secret.expose()])?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &derived[..])
            .map_err(|_| Error::system("AES-256-GCM takes no key of 32 bytes."))?;
        let tenant = Zeroizing::new([region, token_url, client_id.expose()].join("\n").into_bytes());
        Ok(Self { key, tenant })
    }

    /// Seals a value that stands under `name`.
    pub fn seal(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = value.to_vec();
        let nonce = self.key.seal_in_place_append_tag(self.bound_to(name), &mut sealed).ok()?;
        Some([&[VERSION], &nonce.as_ref()[..], &sealed].concat())
    }

    /// Opens what stands under `name`.
    ///
    /// # Errors
    /// If it was sealed by somebody else, for somebody else, or for another name.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
        let (nonce, sealed) = match sealed {
            [VERSION, rest @ ..] => rest.split_at_checked(NONCE_LEN).ok_or(Unavailable::Foreign)?,
            _ => return Err(Unavailable::Foreign),
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unavailable::Foreign)?;
        let mut value = Zeroizing::new(sealed.to_vec());
        let opened = self.key.open_in_place(nonce, self.bound_to(name), &mut value[..]);
        let length = opened.map_err(|_| Unavailable::Foreign)?.len();
        value.truncate(length);
        Ok(value)
    }

    fn bound_to(&self, name: &str) -> Aad<Vec<u8>> {
        Aad::from([&self.tenant[..], b"\n", name.as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn key() -> EncryptionKey {
        EncryptionKey::parse(EncryptionKey::generate().unwrap().expose()).unwrap()
    }

    fn seal(key: &EncryptionKey, tenant: [&str; 4]) -> Seal {
        let [region, token_url, client_id, client_secret] = tenant;
        let (client_id, client_secret) = (&Secret::new(client_id.to_owned()), &Secret::new(client_secret.to_owned()));
        Seal::new(key, Tenant { region, token_url, client_id, client_secret }).unwrap()
    }

    #[test]
    fn only_the_same_tenant_with_the_same_key_and_secret_opens_a_value() {
        let (key, tenant) = (key(), ["us", "api.example", "id", "secret"]);
        let sealed = seal(&key, tenant).seal("token", b"value").unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"value"));
        assert_eq!(&seal(&key, tenant).open("token", &sealed).unwrap()[..], b"value");
        for other in [
            ["eu", "api.example", "id", "secret"],
            ["us", "other.example", "id", "secret"],
            ["us", "api.example", "id2", "secret"],
            ["us", "api.example", "id", "secret2"],
        ] {
            assert!(seal(&key, other).open("token", &sealed).is_err(), "{other:?}");
        }
        assert!(seal(&self::key(), tenant).open("token", &sealed).is_err());
        assert!(seal(&key, tenant).open("other", &sealed).is_err());
    }

    #[test]
    fn a_value_that_was_touched_is_not_opened() {
        let seal = seal(&key(), ["us", "api.example", "id", "secret"]);
        let sealed = seal.seal("token", b"value").unwrap();
        assert_ne!(sealed, seal.seal("token", b"value").unwrap());
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert!(seal.open("token", &touched).is_err(), "byte {at}");
            assert!(seal.open("token", &sealed[..at]).is_err(), "cut at {at}");
        }
    }
}
