//! How amounts, names and words are written for other programs.

use std::io::Write;

use assay_kernel::money::Currency;
use assay_kernel::{Error, Result};
use uuid::Uuid;

use crate::model::AccountKind;

/// Characters that make a spreadsheet take a cell for a formula, the wide ones of East Asian keyboards among them.
const FORMULA: &[char] =
    &['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Writes a line.
pub fn put(out: &mut dyn Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").map_err(Error::internal)
}

/// `Liabilities:Hold:O0193…`, as beancount names an account.
pub fn bean_name(kind: AccountKind, owner: Uuid) -> String {
    let words = kind.as_str().split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    let name = format!("{}:{}", kind.class(), words.collect::<String>());
    if owner.is_nil() { name } else { format!("{name}:O{}", owner.simple()) }
}

/// A text of beancount.
pub fn bean_text(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\\' | '"') && !c.is_control()).collect()
}

/// A text of a CSV cell: quoted where it must be, and never a formula.
pub fn cell(text: &str) -> String {
    let text = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Minor units as a decimal number of the currency.
pub fn decimal(amount: i64, currency: Currency) -> String {
    let scale = 10_u64.pow(currency.exponent());
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    let sign = if amount < 0 { "-" } else { "" };
    match usize::try_from(currency.exponent()) {
        Ok(width @ 1..) => format!("{sign}{whole}.{part:0width$}"),
        _ => format!("{sign}{whole}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a spreadsheet reads from a cell.
    fn read(cell: &str) -> String {
        match cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => cell.to_owned(),
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@x,\"y\""), "\"'@x,\"\"y\"\"\"");
        assert_eq!(cell("\n=1"), "\"'\n=1\"");
        assert_eq!(cell("release:1"), "release:1");
    }

    proptest! {
        #[test]
        fn whatever_a_cell_says_it_is_one_text(text in "[=+@\\-,\"\r\n\ta-z\u{ff1d}]{0,8}") {
            let written = cell(&text);
            let seen = read(&written);
            prop_assert!(!seen.starts_with(FORMULA));
            prop_assert_eq!(seen.strip_prefix('\'').filter(|_| text.starts_with(FORMULA)).unwrap_or(&seen), text);
            // Outside quotes nothing ends the cell.
            prop_assert!(written.starts_with('"') || !written.contains([',', '"', '\r', '\n']));
        }
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        assert_eq!(decimal(-5, Currency::USD), "-0.05");
        assert_eq!(decimal(-5, Currency::parse("JPY").unwrap()), "-5");
    }

    #[test]
    fn names_and_texts_are_words_of_beancount() {
        assert_eq!(bean_name(AccountKind::StripePlatform, Uuid::nil()), "Assets:StripePlatform");
        assert_eq!(
            bean_name(AccountKind::Hold, Uuid::from_u128(1)),
            "Liabilities:Hold:O00000000000000000000000000000001"
        );
        assert_eq!(bean_text("a\"b\\c\nd"), "abcd");
    }
}
