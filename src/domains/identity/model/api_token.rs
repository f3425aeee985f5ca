//! Personal API tokens: `asy_pat_` + 43 random characters + 6 of checksum, all base62. The prefix lets secret scanners
//! find leaked ones; the checksum lets junk be refused without a query.

use assay_kernel::Entropy;
use assay_platform::crypto::sha256;

/// What every token begins with.
pub const PREFIX: &str = "asy_pat_";
/// 62^43 > 2^256.
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new token.
pub fn generate(entropy: &Entropy) -> String {
    let mut token = String::from(PREFIX);
    while token.len() < PREFIX.len() + RANDOM {
        // 248 is the largest multiple of 62 in a byte: what is above it would favour the first characters.
        let fair = entropy.bytes::<64>().into_iter().filter(|byte| *byte < 248);
        let missing = (PREFIX.len() + RANDOM).saturating_sub(token.len());
        token.extend(fair.take(missing).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    let checksum = checksum(&token);
    token.push_str(&checksum);
    token
}

/// Hash of a token under which it is stored; none for what cannot be one.
pub fn hash(token: &str) -> Option<[u8; 32]> {
    let random = token.strip_prefix(PREFIX)?;
    if random.len() != RANDOM + CHECKSUM || !random.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let (signed, given) = token.split_at_checked(PREFIX.len() + RANDOM)?;
    (checksum(signed) == given).then(|| sha256(token.as_bytes()))
}

/// The end of a token, by which its owner tells it from others.
pub fn last_four(token: &str) -> &str {
    token.get(token.len().saturating_sub(4)..).unwrap_or_default()
}

fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit =
            usize::try_from(rest % 62).ok().and_then(|index| ALPHABET.get(index).copied()).unwrap_or(b'0');
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// CRC-32 of IEEE 802.3 (reflected, polynomial 0xEDB88320).
fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !data.iter().fold(!0_u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn tokens_use_the_whole_alphabet() {
        let entropy = Entropy::seeded(9);
        let all: String =
            (0..200).map(|_| generate(&entropy)[PREFIX.len()..PREFIX.len() + RANDOM].to_owned()).collect();
        for symbol in ALPHABET {
            let share = all.bytes().filter(|b| b == symbol).count();
            assert!((80..220).contains(&share), "{} appears {share} times", char::from(*symbol));
        }
    }

    proptest! {
        #[test]
        fn a_generated_token_is_taken_and_one_changed_character_refused(seed: u64, at in 0_usize..57, with in 0_usize..62) {
            let token = generate(&Entropy::seeded(seed));
            prop_assert_eq!(token.len(), 57);
            prop_assert_eq!(hash(&token), Some(sha256(token.as_bytes())));
            let mut changed = token.clone().into_bytes();
            changed[at] = ALPHABET[with];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(hash(&changed).is_some(), changed == token);
        }

        #[test]
        fn no_text_is_a_token_by_accident(text in ".{0,80}", tail in "[0-9A-Za-z]{40,60}") {
            prop_assert_eq!(hash(&text), None);
            prop_assert_eq!(hash(&format!("{PREFIX}{tail}")), None);
        }
    }
}
