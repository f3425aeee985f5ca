//! GitHub's REST operations below `/api`.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, ETAG, IF_NONE_MATCH, LINK, LOCATION, VARY};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::payload::{self, Payloads};
use super::personas::Persona;
use super::state::{Bucket, Session, State, Window, hex};
use super::world::{Account, Found, PullRequest, Repo, Who};
use super::{changes, faults, oauth};

/// Search never shows more.
const SEARCH_CAP: usize = 1_000;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/login/oauth/authorize", web::get().to(oauth::authorize))
        .route("/login/oauth/access_token", web::post().to(oauth::access_token))
        .route("/api/user", web::get().to(user))
        .route("/api/user/emails", web::get().to(emails))
        .route("/api/user/orgs", web::get().to(own_orgs))
        .route("/api/user/{id}", web::get().to(user_by_id))
        .route("/api/users/{login}", web::get().to(user_by_login))
        .route("/api/users/{login}/repos", web::get().to(repos))
        .route("/api/users/{login}/orgs", web::get().to(orgs))
        .route("/api/repositories/{id}", web::get().to(repo_by_id))
        .route("/api/repos/{owner}/{repo}", web::get().to(repo))
        .route("/api/repos/{owner}/{repo}/languages", web::get().to(languages))
        .route("/api/repos/{owner}/{repo}/contributors", web::get().to(contributors))
        .route("/api/repos/{owner}/{repo}/contents/{path}", web::get().to(contents))
        .route("/api/search/issues", web::get().to(search))
        .route("/_sandbox/faults", web::post().to(faults::order))
        .route("/_sandbox/requests", web::get().to(faults::requests))
        .route("/_sandbox/reset", web::post().to(faults::reset))
        .route("/_sandbox/repositories", web::post().to(changes::order))
        .route("/_sandbox/revoke", web::post().to(faults::revoke))
        .route("/_sandbox/avatars/{id}.svg", web::get().to(avatar))
        .default_service(web::to(nothing));
}

async fn nothing() -> HttpResponse {
    HttpResponse::NotFound().json(payload::error(404, "Not Found", "rest"))
}

/// What an operation answers.
enum Answer {
    One(Value),
    /// A whole list, of which the page asked for is shown.
    List(Vec<Value>),
    /// A page that cuts itself, of so many items.
    Page(Value, usize),
    Moved(String),
    Missing,
    Invalid(Value),
}

/// One request on its way.
struct Call<'a> {
    request: &'a HttpRequest,
    state: &'a State,
    session: Option<Session>,
    page: usize,
    per_page: usize,
}

impl<'a> Call<'a> {
    fn payloads(&self) -> Payloads<'a> {
        Payloads {
            urls: &self.state.urls,
            world: &self.state.world,
            changes: self.state.memory().changes.clone(),
        }
    }

    fn param(&self, wanted: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    }

    /// The signed-in account and the login under which it signed in.
    fn own(&self) -> Option<(&'a Account, &'static Persona, &'static str)> {
        let session = self.session?;
        let account = self.state.world.account_by_id(session.id)?;
        let Who::Persona(persona) = account.who else { return None };
        let login = if session.former { persona.former.unwrap_or(persona.login) } else { persona.login };
        Some((account, persona, login))
    }
}

/// Does what every operation has in common: token, rate limit, page, `ETag`.
fn answer(
    request: &HttpRequest,
    state: &State,
    bucket: Bucket,
    demands_token: bool,
    operation: impl FnOnce(&Call<'_>) -> Answer,
) -> HttpResponse {
    let given = request.headers().get(AUTHORIZATION);
    let token = given
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"));
    let session = token.and_then(|(_, token)| state.session(token.trim()));
    if given.is_some() && session.is_none() {
        return HttpResponse::Unauthorized().json(payload::error(401, "Bad credentials", "rest"));
    }
    if demands_token && session.is_none() {
        let page = "rest/users/users#get-the-authenticated-user";
        return HttpResponse::Unauthorized().json(payload::error(401, "Requires authentication", page));
    }
    let caller = session.map(|session| session.id);
    let window = state.window(caller, bucket);
    if window.remaining() == 0 {
        let text = match caller {
            Some(id) => format!("API rate limit exceeded for user ID {id}."),
            None => "API rate limit exceeded for your address.".to_owned(),
        };
        let mut response = HttpResponse::Forbidden();
        limit_headers(&mut response, window, bucket);
        return response.json(payload::error(
            403,
            &text,
            "rest/using-the-rest-api/rate-limits-for-the-rest-api",
        ));
    }
    let mut call = Call { request, state, session, page: 1, per_page: 30 };
    let number = |name| call.param(name).and_then(|text| text.parse::<usize>().ok());
    let (page, per_page) =
        (number("page").unwrap_or(1).max(1), number("per_page").unwrap_or(30).clamp(1, 100));
    (call.page, call.per_page) = (page, per_page);
    let answer = operation(&call);

    let (status, body, total) = match answer {
        Answer::One(value) => (StatusCode::OK, value, None),
        Answer::Page(value, total) => (StatusCode::OK, value, Some(total)),
        Answer::List(items) => {
            let total = items.len();
            let skipped = (page - 1).saturating_mul(per_page);
            let shown = items.into_iter().skip(skipped).take(per_page).collect();
            (StatusCode::OK, Value::Array(shown), Some(total))
        }
        Answer::Moved(mut target) => {
            state.charge(caller, bucket);
            if !request.query_string().is_empty() {
                target = format!("{target}?{}", request.query_string());
            }
            let page = "rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects";
            let mut body = payload::error(301, "Moved Permanently", page);
            body["url"] = json!(target);
            return HttpResponse::MovedPermanently().insert_header((LOCATION, target)).json(body);
        }
        Answer::Missing => (StatusCode::NOT_FOUND, payload::error(404, "Not Found", "rest"), None),
        Answer::Invalid(body) => (StatusCode::UNPROCESSABLE_ENTITY, body, None),
    };
    let text = body.to_string();
    let etag = format!("W/\"{}\"", hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()));
    let unchanged = status == StatusCode::OK && is_known(request, &etag);
    // An unchanged answer is free for those who signed in.
    if !(unchanged && caller.is_some()) {
        state.charge(caller, bucket);
    }
    let mut response = HttpResponseBuilder::new(if unchanged { StatusCode::NOT_MODIFIED } else { status });
    limit_headers(&mut response, state.window(caller, bucket), bucket);
    let privacy = if caller.is_some() { "private" } else { "public" };
    response
        .insert_header((CACHE_CONTROL, format!("{privacy}, max-age=60, s-maxage=60")))
        .insert_header((VARY, "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding"))
        .insert_header(("x-github-api-version-selected", "2022-11-28"))
        .insert_header(("x-github-media-type", "github.v3; format=json"));
    if status == StatusCode::OK {
        response.insert_header((ETAG, etag));
    }
    if let Some(session) = session {
        let scopes: Vec<_> = session.scopes().collect();
        response.insert_header(("x-oauth-scopes", scopes.join(", ")));
    }
    if let Some(link) = total.and_then(|total| links(&call, total)) {
        response.insert_header((LINK, link));
    }
    if unchanged {
        return response.finish();
    }
    response.content_type("application/json; charset=utf-8").body(text)
}

fn limit_headers(response: &mut HttpResponseBuilder, window: Window, bucket: Bucket) {
    response
        .insert_header(("x-ratelimit-limit", window.limit.to_string()))
        .insert_header(("x-ratelimit-remaining", window.remaining().to_string()))
        .insert_header(("x-ratelimit-used", window.used.to_string()))
        .insert_header(("x-ratelimit-reset", window.reset.timestamp().to_string()))
        .insert_header(("x-ratelimit-resource", bucket.name()));
}

fn is_known(request: &HttpRequest, etag: &str) -> bool {
    let known =
        request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|tag| weak(tag) == weak(etag))
}

/// The `Link` header of page `call.page`, in GitHub's order; none when everything fits on one page.
fn links(call: &Call<'_>, total: usize) -> Option<String> {
    let last = total.div_ceil(call.per_page).max(1);
    let path = call.request.path();
    let link = |page: usize, rel: &str| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let pairs = url::form_urlencoded::parse(call.request.query_string().as_bytes());
        query.extend_pairs(pairs.filter(|(name, _)| name != "page")).append_pair("page", &page.to_string());
        format!("<{}{path}?{}>; rel=\"{rel}\"", call.state.urls.web, query.finish())
    };
    let mut links = Vec::new();
    if call.page > 1 {
        links.push(link((call.page - 1).min(last), "prev"));
    }
    if call.page < last {
        links.push(link(call.page + 1, "next"));
        links.push(link(last, "last"));
    }
    if call.page > 1 {
        links.push(link(1, "first"));
    }
    (!links.is_empty()).then(|| links.join(", "))
}

async fn user(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, true, |call| match (call.own(), call.session) {
        (Some((account, _, login)), Some(session)) if session.has("user") || session.has("read:user") => {
            Answer::One(call.payloads().private_user(account, login))
        }
        (Some((account, _, login)), _) => Answer::One(call.payloads().public_user(account, login)),
        (None, _) => Answer::Missing,
    })
}

async fn emails(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, true, |call| match (call.own(), call.session) {
        (Some((_, persona, _)), Some(session)) if session.has("user") || session.has("user:email") => {
            Answer::List(persona.emails.iter().map(Payloads::email).collect())
        }
        _ => Answer::Missing,
    })
}

async fn own_orgs(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, true, |call| match call.own() {
        Some((_, persona, _)) => Answer::List(call.payloads().organisations(persona)),
        None => Answer::Missing,
    })
}

async fn user_by_id(request: HttpRequest, state: Data<State>, id: Path<String>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        match id.parse().ok().and_then(|id| call.state.world.account_by_id(id)) {
            Some(account) => Answer::One(call.payloads().public_user(account, account.login)),
            None => Answer::Missing,
        }
    })
}

/// Answers for the account with that login; a former login leads to the account by number.
fn with_account(call: &Call<'_>, login: &str, below: &str, found: impl FnOnce(&Account) -> Answer) -> Answer {
    match call.state.world.account(login) {
        Found::Here(account) => found(account),
        Found::Moved(account) if below.is_empty() => {
            Answer::Moved(format!("{}/user/{}", call.state.urls.api, account.id))
        }
        Found::Moved(account) => {
            Answer::Moved(format!("{}/users/{}{below}", call.state.urls.api, account.login))
        }
        Found::Nowhere => Answer::Missing,
    }
}

fn with_repo(
    call: &Call<'_>,
    name: &(String, String),
    below: &str,
    found: impl FnOnce(&Repo) -> Answer,
) -> Answer {
    match call.state.world.repo(&name.0, &name.1) {
        Found::Here(repo) | Found::Moved(repo) if !call.payloads().is_visible(repo) => Answer::Missing,
        Found::Here(repo) => found(repo),
        Found::Moved(repo) if below.is_empty() => {
            Answer::Moved(format!("{}/repositories/{}", call.state.urls.api, repo.id))
        }
        Found::Moved(repo) => {
            let owner = call.state.world.accounts[repo.owner].login;
            Answer::Moved(format!("{}/repos/{owner}/{}{below}", call.state.urls.api, repo.name))
        }
        Found::Nowhere => Answer::Missing,
    }
}

async fn user_by_login(request: HttpRequest, state: Data<State>, login: Path<String>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_account(call, &login, "", |account| {
            Answer::One(call.payloads().public_user(account, account.login))
        })
    })
}

async fn repos(request: HttpRequest, state: Data<State>, login: Path<String>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_account(call, &login, "/repos", |account| {
            let payloads = call.payloads();
            let visible = |repo: &&Repo| payloads.is_visible(repo);
            let all = account.repos.iter().map(|index| &call.state.world.repos[*index]);
            let mut repos: Vec<&Repo> = all.filter(visible).collect();
            match call.param("sort").as_deref() {
                Some("pushed" | "updated") => {
                    repos.sort_by_key(|repo| (std::cmp::Reverse(repo.pushed), repo.id))
                }
                Some("created") => repos.sort_by_key(|repo| (std::cmp::Reverse(repo.created), repo.id)),
                _ => repos.sort_by_key(|repo| repo.name.to_ascii_lowercase()),
            }
            if call.param("direction").as_deref() == Some("asc") && call.param("sort").is_some() {
                repos.reverse();
            }
            Answer::List(repos.into_iter().map(|repo| Value::Object(payloads.minimal_repo(repo))).collect())
        })
    })
}

async fn orgs(request: HttpRequest, state: Data<State>, login: Path<String>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_account(call, &login, "/orgs", |account| match account.who {
            Who::Persona(persona) => Answer::List(call.payloads().organisations(persona)),
            _ => Answer::List(Vec::new()),
        })
    })
}

async fn repo(request: HttpRequest, state: Data<State>, name: Path<(String, String)>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_repo(call, &name, "", |repo| Answer::One(call.payloads().full_repo(repo)))
    })
}

async fn repo_by_id(request: HttpRequest, state: Data<State>, id: Path<String>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        match id.parse().ok().and_then(|id| call.state.world.repo_by_id(id)) {
            Some(repo) => Answer::One(call.payloads().full_repo(repo)),
            None => Answer::Missing,
        }
    })
}

async fn languages(request: HttpRequest, state: Data<State>, name: Path<(String, String)>) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_repo(call, &name, "/languages", |repo| Answer::One(call.payloads().languages(repo)))
    })
}

async fn contents(
    request: HttpRequest,
    state: Data<State>,
    path: Path<(String, String, String)>,
) -> HttpResponse {
    let (owner, repo, file) = path.into_inner();
    answer(&request, &state, Bucket::Core, false, |call| {
        let below = format!("/contents/{file}");
        with_repo(call, &(owner, repo), &below, |repo| {
            call.payloads().file(repo, &file).map_or(Answer::Missing, Answer::One)
        })
    })
}

async fn contributors(
    request: HttpRequest,
    state: Data<State>,
    name: Path<(String, String)>,
) -> HttpResponse {
    answer(&request, &state, Bucket::Core, false, |call| {
        with_repo(call, &name, "/contributors", |repo| {
            let payloads = call.payloads();
            Answer::List(
                repo.contributors.iter().map(|(account, n)| payloads.contributor(*account, *n)).collect(),
            )
        })
    })
}

/// The part of GitHub's search that we use: `is:pr is:merged author:… -author:… reviewed-by:… -user:… repo:…
/// merged:>=… updated:>=…`.
async fn search(request: HttpRequest, state: Data<State>) -> HttpResponse {
    answer(&request, &state, Bucket::Search, false, |call| {
        let q = call.param("q").unwrap_or_default();
        if q.trim().is_empty() {
            return Answer::Invalid(invalid_search("missing", "A search needs a query."));
        }
        let world = &call.state.world;
        let is = |index: usize, login: &str| world.accounts[index].login.eq_ignore_ascii_case(login);
        let payloads = call.payloads();
        let mut found: Vec<&PullRequest> =
            world.pulls.iter().filter(|pull| payloads.is_visible(&world.repos[pull.repo])).collect();
        for term in q.split_whitespace() {
            match term.split_once(':') {
                Some((name @ ("author" | "reviewed-by"), login)) => {
                    if !matches!(world.account(login), Found::Here(_)) {
                        return Answer::Invalid(invalid_search(
                            "invalid",
                            "The listed users cannot be searched either because the users do not exist or you do not \
                             have permission to view the users.",
                        ));
                    }
                    found.retain(|pull| match name {
                        "author" => is(pull.author, login),
                        _ => pull.reviewers.iter().any(|reviewer| is(*reviewer, login)),
                    });
                }
                Some(("-author", login)) => found.retain(|pull| !is(pull.author, login)),
                Some(("merged" | "updated", since)) => {
                    let day = since.strip_prefix(">=").and_then(|day| day.parse::<chrono::NaiveDate>().ok());
                    let Some(day) = day else {
                        return Answer::Invalid(invalid_search("invalid", "Not a date."));
                    };
                    found.retain(|pull| pull.merged.date_naive() >= day);
                }
                Some(("user", login)) => found.retain(|pull| is(world.repos[pull.repo].owner, login)),
                Some(("-user", login)) => found.retain(|pull| !is(world.repos[pull.repo].owner, login)),
                Some(("repo", name)) => found.retain(|pull| {
                    let repo = &world.repos[pull.repo];
                    name.split_once('/')
                        .is_some_and(|(owner, name)| is(repo.owner, owner) && repo.name == name)
                }),
                Some(("is" | "type", "pr" | "merged" | "closed" | "public")) => {}
                Some(("is" | "type" | "state", _)) => found.clear(),
                _ => found.retain(|pull| pull.title.to_lowercase().contains(&term.to_lowercase())),
            }
        }
        if call.param("order").as_deref() == Some("asc") {
            found.reverse();
        }
        let total = found.len();
        let skipped = (call.page - 1).saturating_mul(call.per_page);
        let shown = found.into_iter().take(SEARCH_CAP).skip(skipped).take(call.per_page);
        let items: Vec<Value> = shown.map(|pull| payloads.pull_request(pull)).collect();
        let body = json!({ "total_count": total, "incomplete_results": false, "items": items, "search_type": "lexical" });
        Answer::Page(body, total.min(SEARCH_CAP))
    })
}

/// `validation-error`.
fn invalid_search(code: &str, message: &str) -> Value {
    let mut body = payload::error(422, "Validation Failed", "v3/search/");
    body["errors"] = json!([{ "message": message, "resource": "Search", "field": "q", "code": code }]);
    body
}

async fn avatar(state: Data<State>, id: Path<String>) -> HttpResponse {
    let Some(account) = id.parse().ok().and_then(|id| state.world.account_by_id(id)) else {
        return nothing().await;
    };
    let hue = account.id.rem_euclid(12) * 30;
    let letter: String = account.name.chars().take(1).collect();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\"><rect width=\"96\" height=\"96\" \
         fill=\"hsl({hue},45%,45%)\"/><text x=\"48\" y=\"64\" font-size=\"48\" text-anchor=\"middle\" fill=\"#fff\" \
         font-family=\"sans-serif\">{letter}</text></svg>"
    );
    HttpResponse::Ok().content_type("image/svg+xml").body(svg)
}
