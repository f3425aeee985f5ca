//! The client against a GitHub that others wrote: `@simulacrum/github-api-simulator`, which answers with the examples
//! of GitHub's own description. `scripts/long-suite` starts it and names it in `ASSAY_GITHUB_STAND_IN`.

use assay_kernel::{Clock, Entropy};
use secrecy::SecretString;
use url::Url;

use crate::github::{Api, Client, Config, Fetched, GithubError};

fn api() -> Option<Api> {
    let base = Url::parse(&std::env::var("ASSAY_GITHUB_STAND_IN").ok()?).unwrap();
    let config = Config::new(base.clone(), base, "id", SecretString::from("secret"));
    let client = Client::new(config, Clock::system(), Entropy::seeded(7)).unwrap();
    Some(client.signed_in(&SecretString::from("gho_standin")))
}

/// The value and the validator; asked again with it, the answer must be 304.
async fn twice<T: std::fmt::Debug, F>(ask: impl Fn(Option<String>) -> F) -> T
where
    F: Future<Output = Result<Fetched<T>, GithubError>>,
{
    let Fetched::New { value, etag } = ask(None).await.unwrap() else { panic!("no body at first") };
    let etag = etag.expect("a validator");
    assert!(matches!(ask(Some(etag)).await.unwrap(), Fetched::NotModified), "{value:?} again");
    value
}

#[tokio::test]
async fn answers_written_by_others_are_read() {
    let Some(api) = api() else {
        println!("skipped: run scripts/long-suite");
        return;
    };
    let user = twice(async |etag| api.user_by_login("octocat", etag.as_deref()).await).await;
    assert_eq!((user.id, user.login.as_str()), (1, "octocat"));
    let emails = api.emails().await.unwrap();
    assert!(emails.iter().any(|one| one.primary && one.verified), "{emails:?}");
    let orgs = twice(async |etag| api.orgs(etag.as_deref()).await).await;
    assert_eq!(orgs.items.len(), 1);
    let repos = twice(async |etag| api.repos("octocat", etag.as_deref()).await).await;
    assert_eq!(repos.items[0].full_name, "octocat/Hello-World");
    let repo = twice(async |etag| api.repo("octocat", "Hello-World", etag.as_deref()).await).await;
    assert_eq!(repo.id, repos.items[0].id);
    let languages = twice(async |etag| api.languages("octocat", "Hello-World", etag.as_deref()).await).await;
    assert_eq!(languages.0.len(), 2, "{languages:?}");
    let people = twice(async |etag| api.contributors("octocat", "Hello-World", etag.as_deref()).await).await;
    assert_eq!(people.items.len(), 1);
    let pulls = api.merged_pull_requests("octocat").await.unwrap();
    assert!(pulls.total_count > 0 && !pulls.items.is_empty());
}

#[tokio::test]
async fn an_answer_that_lacks_what_github_promises_is_refused_and_no_panic() {
    let Some(api) = api() else { return };
    // The stand-in's own `GET /user` has no picture, no page, no kind and no date.
    let refused = api.user(None).await.unwrap_err();
    assert!(matches!(refused, GithubError::Malformed { .. }), "{refused}");
}
