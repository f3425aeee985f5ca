//! The second factor: time-based one-time passwords (RFC 6238), and recovery codes for when the device is lost.

use assay_kernel::{Entropy, Error, Result};
use assay_platform::crypto::sha256;
use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp};

/// Recovery codes of a person.
pub const RECOVERY_CODES: usize = 10;
/// Failures in a row after which codes are refused for a while.
pub const MAX_FAILURES: i32 = 5;
/// For how long, minutes.
pub const BLOCKED_MINUTES: i64 = 15;
/// Bytes of a secret (RFC 4226 §4 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;
/// Letters of recovery codes: Crockford's base 32.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The codes of a secret: six digits, thirty seconds, SHA-1, one step of skew, as every authenticator reads them.
pub fn totp(secret: &[u8], issuer: &str, login: &str) -> Result<Totp> {
    let secret = Secret::from(secret.to_vec());
    let builder = Builder::new().with_secret(secret).with_account_name(login).with_issuer(Some(issuer));
    builder.build().map_err(Error::internal)
}

/// The time step whose code it is, if it is one of now and later than `last`.
pub fn step_of(totp: &Totp, code: &str, now: DateTime<Utc>, last: Option<i64>) -> Option<i64> {
    let seconds = u64::try_from(now.timestamp()).ok()?;
    let step = i64::try_from(totp.check(code, seconds)?).ok()?;
    (last.is_none_or(|last| step > last)).then_some(step)
}

/// A new recovery code, twice five letters: fifty bits.
pub fn recovery_code(entropy: &Entropy) -> String {
    let bytes: [u8; 10] = entropy.bytes();
    let letter = |byte: &u8| char::from(LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'0'));
    let (first, second) = bytes.split_at(5);
    let part = |bytes: &[u8]| bytes.iter().map(letter).collect::<String>();
    format!("{}-{}", part(first), part(second))
}

/// The hash under which a recovery code is kept. Case, spaces and hyphens do not matter. What is hashed is bound to
/// the person, so that equal codes of two people do not show.
pub fn recovery_hash(account: &[u8], code: &str) -> [u8; 32] {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    sha256(&[account, code.to_ascii_uppercase().as_bytes()].concat())
}

/// Is it shaped as an authenticator's code?
pub fn is_totp_code(code: &str) -> bool {
    code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of eight digits.
        let totp = totp(b"12345678901234567890", "Assay", "dora").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(step_of(&totp, code, at(seconds), None), Some(seconds / 30), "{seconds}");
            assert_eq!(step_of(&totp, code, at(seconds), Some(seconds / 30)), None, "taken twice");
            assert_eq!(step_of(&totp, code, at(seconds + 90), None), None, "too old");
        }
    }

    #[test]
    fn recovery_codes_are_read_as_people_write_them() {
        let code = recovery_code(&Entropy::seeded(7));
        assert_eq!(code.len(), 11);
        let hash = recovery_hash(b"one", &code);
        assert_eq!(hash, recovery_hash(b"one", &code.to_lowercase().replace('-', " ")));
        assert_ne!(hash, recovery_hash(b"two", &code));
    }
}
