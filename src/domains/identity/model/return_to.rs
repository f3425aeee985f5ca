//! Where a browser goes after sign-in: only to a path of ours, so that our sign-in page cannot be used to send people
//! elsewhere.

/// Longest path taken.
const MAX: usize = 2_000;

/// Is it a local path, and nothing that a browser might read as another site?
///
/// Browsers take `\` for `/`, drop tabs and line feeds, and read `//host` as another site; all of these are refused,
/// also when percent-encoded in the path's first bytes.
pub fn is_local(path: &str) -> bool {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let rooted = path.starts_with('/') && !path.starts_with("//");
    let lower = path.to_ascii_lowercase();
    let encoded = ["/%2f", "/%5c", "/%09", "/%0a", "/%0d"].iter().any(|start| lower.starts_with(start));
    path.len() <= MAX && plain && rooted && !encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_ours_pass() {
        for good in ["/", "/docs", "/v1/me?x=1#y", "/a//b", "/a/../b", "/search?q=https://example.com"] {
            assert!(is_local(good), "{good}");
        }
    }

    #[test]
    fn other_places_are_refused() {
        for bad in [
            "",
            "docs",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%09/evil.example",
            "/é",
            " /docs",
            "/docs ",
            "/a\r\nset-cookie: x=1",
            "/a\\b",
        ] {
            assert!(!is_local(bad), "{bad:?}");
        }
        assert!(!is_local(&format!("/{}", "a".repeat(MAX))));
    }

    proptest! {
        #[test]
        fn what_passes_stays_on_our_origin(path in "[/\\\\%a-z0-9.:@?#\\t\\n ]{0,24}") {
            if is_local(&path) {
                let base = url::Url::parse("https://assay.example/x").unwrap();
                let target = base.join(&path).unwrap();
                prop_assert_eq!(target.origin(), base.origin());
            }
        }
    }
}
