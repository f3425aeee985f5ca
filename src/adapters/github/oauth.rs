//! Sign-in: GitHub's OAuth web application flow (RFC 6749 §4.1) with PKCE S256 (RFC 7636).

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse, TokenUrl,
};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::client::{self, Client};
use super::error::{GithubError, Refusal};

/// What we ask people to let us read: the profile and the e-mail addresses.
pub const SCOPES: [&str; 2] = ["read:user", "user:email"];

const WHAT: &str = "access token";

type OAuth = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A PKCE pair: the challenge travels with the browser, the verifier stays here until the code is exchanged.
#[derive(Clone, Debug)]
pub struct Pkce {
    /// SHA-256 of the verifier, base64url.
    pub challenge: String,
    /// 43 characters of randomness.
    pub verifier: SecretString,
}

/// A token that acts as a person at GitHub.
#[derive(Clone)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// What the person granted; it can be less than was asked.
    pub scopes: Vec<String>,
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl Client {
    /// A new PKCE pair.
    pub fn new_pkce(&self) -> Pkce {
        let verifier = PkceCodeVerifier::new(URL_SAFE_NO_PAD.encode(self.shared.entropy.bytes::<32>()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str().to_owned();
        Pkce { challenge, verifier: SecretString::from(verifier.into_secret()) }
    }

    /// Where to send the browser. `state` is one-time and bound to the browser by the caller.
    ///
    /// # Errors
    /// When the configured base cannot carry the page.
    pub fn authorize_url(
        &self,
        redirect_uri: &Url,
        state: &str,
        challenge: &str,
    ) -> Result<Url, GithubError> {
        let (url, _) = self
            .oauth()?
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("code_challenge", challenge)
            .add_extra_param("code_challenge_method", "S256")
            .url();
        Ok(url)
    }

    /// Exchanges the code of the callback. Never repeated: a code works once.
    ///
    /// # Errors
    /// [`GithubError::Refused`] when GitHub says no (also inside a 200), else the transport's.
    pub async fn exchange_code(
        &self,
        code: &str,
        verifier: &SecretString,
        redirect_uri: &Url,
    ) -> Result<AccessToken, GithubError> {
        let well_formed = (1..=512).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
        if !well_formed {
            return Err(GithubError::Refused(Refusal::BadVerificationCode));
        }
        let send = |request: HttpRequest| self.post_form(request);
        let answer = self
            .oauth()?
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
            .request_async(&send)
            .await
            .map_err(refused)?;
        let token = answer.access_token().secret();
        if !(1..=512).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(GithubError::malformed(WHAT, "not a token"));
        }
        // RFC 6749 separates scopes by spaces, GitHub by commas.
        let granted = answer.scopes().map(Vec::as_slice).unwrap_or_default();
        let scopes = granted
            .iter()
            .flat_map(|scope| scope.split(','))
            .map(str::trim)
            .filter(|scope| !scope.is_empty());
        Ok(AccessToken {
            token: SecretString::from(token.clone()),
            scopes: scopes.map(str::to_owned).collect(),
        })
    }

    fn oauth(&self) -> Result<OAuth, GithubError> {
        let config = &self.shared.config;
        let page = |name: &str| {
            let mut url = config.web_base.clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(["login", "oauth", name]);
            }
            url
        };
        Ok(BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(page("authorize")))
            .set_token_uri(TokenUrl::from_url(page("access_token"))))
    }

    /// The adapter between `oauth2` and `reqwest`. GitHub tells of a refusal in a 200, which `oauth2` would report as
    /// a parse error that carries the whole body; here it becomes the 400 of RFC 6749 §5.2.
    async fn post_form(&self, request: HttpRequest) -> Result<HttpResponse, GithubError> {
        let (parts, form) = request.into_parts();
        let request = self.shared.http.post(parts.uri.to_string()).headers(parts.headers).body(form);
        let response = request.send().await.map_err(GithubError::transport)?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(GithubError::Unavailable { reason: "the token page does not answer", source: None });
        }
        let body = client::body(response, WHAT).await?;
        let answer: serde_json::Value = client::parse(&body, WHAT)?;
        let refused = answer.get("error").is_some_and(serde_json::Value::is_string);
        let mut response = HttpResponse::new(body);
        *response.status_mut() = if refused { StatusCode::BAD_REQUEST } else { status };
        Ok(response)
    }
}

fn refused(error: RequestTokenError<GithubError, BasicErrorResponse>) -> GithubError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            GithubError::Refused(Refusal::parse(answer.error().as_ref()))
        }
        RequestTokenError::Request(error) => error,
        // Both carry the answer: neither is passed on.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            GithubError::malformed(WHAT, "not a token answer")
        }
    }
}
