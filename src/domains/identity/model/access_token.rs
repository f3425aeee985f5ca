//! Access tokens: JWT of RFC 9068 (`at+jwt`), signed with Ed25519. This is the only place that makes or reads one.
//!
//! The library's own checks are not enough: it takes any `typ`, passes over `crit`, takes an array for `iss` and
//! reads the system's clock with a leeway. So the raw header is checked member by member, the claims are of strict
//! types and compared as text, and time is the injected clock's, without leeway.

use assay_kernel::ids::{AccountId, SessionId};
use assay_kernel::{Code, Error, Result};
use assay_platform::crypto::{base64url, from_base64url, sha256};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// The media type in `typ`.
const TYP: &str = "at+jwt";
/// No token of ours is longer.
const MAX: usize = 2_048;

/// What a token says. Unknown claims are refused: we make all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who made it: the service's URL.
    pub iss: String,
    /// For whom: the API.
    pub aud: String,
    /// Whose it is.
    pub sub: AccountId,
    /// Which session it belongs to.
    pub sid: SessionId,
    /// Its own id.
    pub jti: String,
    /// When it was made, seconds.
    pub iat: i64,
    /// From when on it holds, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// Until when it holds, seconds.
    pub exp: i64,
}

/// A key pair made of a seed.
pub struct SigningKey {
    kid: String,
    public: [u8; 32],
    encoding: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key pair of a seed (RFC 8032 private key).
    pub fn from_seed(seed: &[u8]) -> Result<Self> {
        let refused = || Error::internal("a signing key cannot be read");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| refused())?;
        let mut public = [0; 32];
        let bytes = pair.public_key().as_ref();
        if bytes.len() != public.len() {
            return Err(refused());
        }
        public.copy_from_slice(bytes);
        let pkcs8 = pair.to_pkcs8().map_err(|_| refused())?;
        Ok(Self { kid: thumbprint(&public), public, encoding: EncodingKey::from_ed_der(pkcs8.as_ref()) })
    }

    /// The key's id: its JWK thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Makes a token.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Error::internal)
    }
}

/// JWK thumbprint of an Ed25519 key.
pub fn thumbprint(public: &[u8; 32]) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(public));
    base64url(&sha256(jwk.as_bytes()))
}

/// What a token's claims are held to.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The one issuer.
    pub iss: String,
    /// The one audience.
    pub aud: String,
}

/// The kid of a token whose header is exactly ours; none for anything else.
pub fn kid_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Exact {
        alg: String,
        typ: String,
        kid: String,
    }
    if token.len() > MAX || token.bytes().filter(|b| *b == b'.').count() != 2 {
        return None;
    }
    let raw = from_base64url(token.split('.').next()?)?;
    // serde reads a JSON array into a struct by position; a header is an object.
    if raw.first() != Some(&b'{') {
        return None;
    }
    let header: Exact = serde_json::from_slice(&raw).ok()?;
    (header.alg == "EdDSA" && header.typ == TYP && !header.kid.is_empty()).then_some(header.kid)
}

/// Checks a token whose header [`kid_of`] has taken, against the public key of that kid.
///
/// # Errors
/// `unauthenticated`, with no word on which check failed.
pub fn verify(token: &str, public: &[u8; 32], expected: &Expected, now: DateTime<Utc>) -> Result<Claims> {
    let refused = || Error::new(Code::Unauthenticated, "The access token is not valid or no longer valid.");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let key = DecodingKey::from_ed_der(public);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| refused())?.claims;
    let now = now.timestamp();
    let holds = claims.iss == expected.iss
        && claims.aud == expected.aud
        && claims.exp > now
        && claims.iat <= now
        && claims.nbf.is_none_or(|nbf| nbf <= now)
        && claims.exp.saturating_sub(claims.iat) <= 600;
    if holds { Ok(claims) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32]).unwrap()
    }

    fn expected() -> Expected {
        Expected { iss: "https://assay.example".into(), aud: "https://assay.example/v1".into() }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn claims() -> Claims {
        let iat = now().timestamp();
        let Expected { iss, aud } = expected();
        let sub = AccountId::from_uuid(uuid::Uuid::from_u128(1));
        let sid = SessionId::from_uuid(uuid::Uuid::from_u128(2));
        Claims { iss, aud, sub, sid, jti: "j".into(), iat, nbf: None, exp: iat + 600 }
    }

    /// A token of any header and payload, correctly signed with the key.
    fn forge(header: &Value, payload: &Value, seed: u8) -> String {
        let signed = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(payload.to_string().as_bytes())
        );
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        format!("{signed}.{}", base64url(pair.sign(signed.as_bytes()).as_ref()))
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key(1).kid()})
    }

    /// The whole check, as the authenticator does it.
    fn accepted(token: &str) -> bool {
        kid_of(token).is_some_and(|kid| kid == key(1).kid())
            && verify(token, &key(1).public(), &expected(), now()).is_ok()
    }

    #[test]
    fn our_own_token_is_taken() {
        let token = key(1).sign(&claims()).unwrap();
        assert_eq!(kid_of(&token).as_deref(), Some(key(1).kid()));
        assert_eq!(verify(&token, &key(1).public(), &expected(), now()).unwrap(), claims());
        assert!(accepted(&forge(&header(), &json!(claims()), 1)));
    }

    #[test]
    fn the_header_must_be_exactly_ours() {
        let payload = json!(claims());
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES256")),
            ("alg", json!("eddsa")),
            ("alg", json!(["EdDSA"])),
            ("typ", json!("JWT")),
            ("typ", json!("AT+JWT")),
            ("typ", Value::Null),
            ("kid", json!("other")),
            ("kid", json!("")),
            ("kid", json!(7)),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(false)),
            ("jku", json!("https://evil.example")),
            ("jwk", json!({"kty": "OKP"})),
            ("x5u", json!("https://evil.example")),
            ("zip", json!("DEF")),
        ] {
            let mut header = header();
            header[name] = value.clone();
            assert!(!accepted(&forge(&header, &payload, 1)), "{name} = {value}");
        }
        for missing in ["alg", "typ", "kid"] {
            let mut header = header();
            header.as_object_mut().unwrap().remove(missing);
            assert!(!accepted(&forge(&header, &payload, 1)), "without {missing}");
        }
        assert!(!accepted(&forge(&json!(["EdDSA", "at+jwt", key(1).kid()]), &payload, 1)), "an array");
    }

    #[test]
    fn an_unsigned_token_and_a_public_key_as_secret_are_refused() {
        let payload = base64url(json!(claims()).to_string().as_bytes());
        let none = json!({"alg": "none", "typ": "at+jwt", "kid": key(1).kid()});
        let none = base64url(none.to_string().as_bytes());
        let ours = base64url(header().to_string().as_bytes());
        for token in [
            format!("{none}.{payload}."),
            format!("{ours}.{payload}."),
            format!("{ours}.{payload}"),
            format!("{ours}.{payload}.AA.AA"),
        ] {
            assert!(!accepted(&token), "{token}");
        }
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.typ = Some(TYP.into());
        hmac.kid = Some(key(1).kid().to_owned());
        let token =
            jsonwebtoken::encode(&hmac, &claims(), &EncodingKey::from_secret(&key(1).public())).unwrap();
        assert!(!accepted(&token));
    }

    #[test]
    fn the_claims_must_be_ours_and_of_their_types() {
        let iat = now().timestamp();
        for (name, value) in [
            ("iss", json!(["https://assay.example"])),
            ("iss", json!("https://assay.example/")),
            ("iss", Value::Null),
            ("aud", json!(["https://assay.example/v1"])),
            ("aud", json!("https://assay.example")),
            ("exp", json!(iat)),
            ("exp", json!(iat - 1)),
            ("exp", json!("2099")),
            ("exp", json!(1e300)),
            ("exp", json!(iat + 601)),
            ("exp", json!(i64::MAX)),
            ("iat", json!(iat + 1)),
            ("iat", json!("now")),
            ("iat", json!(i64::MIN)),
            ("nbf", json!(iat + 1)),
            ("nbf", json!("x")),
            ("sub", json!("acc_x")),
            ("sub", json!("ses_01931f6b2c7a7d0e9a4c5b6d7e8f9a0b")),
            ("sid", json!(5)),
            ("admin", json!(true)),
        ] {
            let mut payload = json!(claims());
            payload[name] = value.clone();
            assert!(!accepted(&forge(&header(), &payload, 1)), "{name} = {value}");
        }
        for missing in ["iss", "aud", "sub", "sid", "jti", "iat", "exp"] {
            let mut payload = json!(claims());
            payload.as_object_mut().unwrap().remove(missing);
            assert!(!accepted(&forge(&header(), &payload, 1)), "without {missing}");
        }
        assert!(!accepted(&forge(&header(), &json!([1, 2]), 1)), "an array");
    }

    #[test]
    fn another_key_and_another_time_are_refused() {
        assert!(!accepted(&forge(&header(), &json!(claims()), 2)));
        let token = key(1).sign(&claims()).unwrap();
        let at = |seconds| {
            verify(&token, &key(1).public(), &expected(), now() + chrono::Duration::seconds(seconds)).is_ok()
        };
        assert!(at(0) && at(599));
        assert!(!at(600) && !at(-1));
        assert!(verify(&token, &key(2).public(), &expected(), now()).is_err());
    }

    proptest! {
        #[test]
        fn a_changed_token_is_refused(at in 0_usize..600, to in "[A-Za-z0-9_.-]") {
            let token = key(1).sign(&claims()).unwrap();
            let at = at % token.len();
            let mut changed = token.clone();
            changed.replace_range(at..=at, &to);
            prop_assert!(changed == token || !accepted(&changed));
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
            prop_assert!(!accepted(&text));
        }
    }
}
