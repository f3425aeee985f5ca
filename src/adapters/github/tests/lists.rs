use std::collections::HashSet;

use super::Stage;
use crate::github::{Bounds, Fetched, GithubError, PullRequestSearch, Repo, User};

fn etag<T>(fetched: &Fetched<T>) -> &str {
    match fetched {
        Fetched::New { etag: Some(etag), .. } => etag,
        _ => panic!("no ETag"),
    }
}

#[tokio::test]
async fn all_250_repositories_are_read_over_three_pages() {
    let stage = Stage::new();
    let api = stage.api("ada-oss").await;
    let fetched = api.repos("ada-oss", None).await.unwrap();
    let tag = etag(&fetched).to_owned();
    let listing = fetched.into_value().unwrap();
    assert!(listing.complete);
    let ids: HashSet<_> = listing.items.iter().map(|repo| repo.id).collect();
    assert_eq!((listing.items.len(), ids.len()), (250, 250));
    assert!(listing.items.is_sorted_by_key(|repo| std::cmp::Reverse(repo.pushed_at)));
    assert_eq!(listing.items.iter().filter(|repo| repo.fork).count(), 6);
    assert_eq!(stage.asked("GET /api/users/ada-oss/repos").await, 3);

    assert_eq!(api.repos("ada-oss", Some(&tag)).await.unwrap(), Fetched::NotModified);
    assert_eq!(stage.asked("GET /api/users/ada-oss/repos").await, 6);
    let stale = tag.replacen("W/\"", "W/\"0", 1);
    assert!(matches!(api.repos("ada-oss", Some(&stale)).await.unwrap(), Fetched::New { .. }));
    assert!(matches!(api.repos("ada-oss", Some("not an etag\n")).await.unwrap(), Fetched::New { .. }));
}

#[tokio::test]
async fn bounds_cut_a_list_and_say_so() {
    let stage = Stage::new();
    let api = stage.api("ada-oss").await;
    let path = ["users", "ada-oss", "repos"];
    for (bounds, items, complete) in [
        (Bounds { pages: 2, items: 1_000 }, 200, false),
        (Bounds { pages: 9, items: 150 }, 150, false),
        (Bounds { pages: 3, items: 250 }, 250, true),
        (Bounds { pages: 9, items: 249 }, 249, false),
    ] {
        let listing = api.pages::<Repo>(&path, &[], bounds, "repositories").all().await.unwrap();
        assert_eq!((listing.items.len(), listing.complete), (items, complete), "{bounds:?}");
    }
}

#[tokio::test]
async fn an_unchanged_answer_is_free() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let user = api.user(None).await.unwrap();
    let tag = etag(&user).to_owned();
    assert_eq!(api.user(Some(&tag)).await.unwrap(), Fetched::NotModified);
    let repo = api.repo("dev-dora", "a11y-forms", None).await.unwrap();
    assert_eq!(api.repo("dev-dora", "a11y-forms", Some(etag(&repo))).await.unwrap(), Fetched::NotModified);
    assert!(matches!(api.user(Some("W/\"other\"")).await.unwrap(), Fetched::New { .. }));
    let User { login, .. } = user.into_value().unwrap();
    assert_eq!(login, "dev-dora");
    // Sign-in is not part of the API; of the five reads, two were answered 304.
    let token = stage.sign_in("dev-dora").await.token;
    let url = stage.client.api_url(&["user"]);
    let answer =
        stage.http.get(url).bearer_auth(secrecy::ExposeSecret::expose_secret(&token)).send().await.unwrap();
    assert_eq!(answer.headers()["x-ratelimit-used"], "4");
    assert_eq!(answer.headers()["x-ratelimit-limit"], "5000");
}

#[tokio::test]
async fn personas_show_what_they_are_for() {
    let stage = Stage::new();
    let api = stage.api("staff-rosa").await;
    let repos = async |login: &str| api.repos(login, None).await.unwrap().into_value().unwrap().items;
    let merged = async |login: &str| api.merged_pull_requests(login).await.unwrap();

    let ada = merged("ada-oss").await;
    assert_eq!((ada.total_count, ada.items.len(), ada.complete), (340, 300, false));
    assert!(
        ada.items.iter().all(|pull| pull.merged_at.is_some() && !pull.repository.starts_with("ada-oss/"))
    );
    assert!(ada.items.is_sorted_by_key(|pull| std::cmp::Reverse(pull.created_at)));
    let urls: HashSet<_> = ada.items.iter().map(|pull| pull.html_url.as_str()).collect();
    assert_eq!(urls.len(), 300);

    let newton = api.user_by_login("newton-newcomer", None).await.unwrap().into_value().unwrap();
    assert!((stage.clock.now() - newton.created_at).num_days() <= 21);

    let fred = repos("fred-forks").await;
    assert!(fred.len() == 10 && fred.iter().all(|repo| repo.fork));
    assert_eq!(merged("fred-forks").await.total_count, 0);
    let fork = api.repo("fred-forks", "lexer-kit", None).await.unwrap().into_value().unwrap();
    assert_eq!(fork.parent.unwrap().full_name, "open-forge/lexer-kit");
    let commits =
        api.contributors("fred-forks", "lexer-kit", None).await.unwrap().into_value().unwrap().items;
    assert!(!commits.is_empty() && commits.iter().all(|person| person.login != "fred-forks"));

    let stella = repos("stella-stars").await;
    let stars: u64 = stella.iter().map(|repo| repo.stargazers_count).sum();
    let forks: u64 = stella.iter().map(|repo| repo.forks_count).sum();
    assert!(stars > 10_000 && forks < 5);

    let kai = api.contributors("copy-kai", "my-lexer", None).await.unwrap().into_value().unwrap().items;
    assert_eq!(kai[0].login, "mira-maintains");

    let deniz =
        api.contributors("dev-deniz", "fleet-terraform", None).await.unwrap().into_value().unwrap().items;
    assert!(deniz.iter().any(|person| person.login == "staff-sam" && person.contributions == 37));
    let languages = api.languages("dev-deniz", "fleet-terraform", None).await.unwrap().into_value().unwrap();
    assert!(languages.0["HCL"] > 10_000);
    assert!(repos("carl-client").await.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let stage = Stage::new();
    let api = stage.client.anonymous();
    for error in [
        api.user_by_login("nobody-here", None).await.unwrap_err(),
        api.user_by_login("../user", None).await.unwrap_err(),
        api.repo("dev-dora", "..", None).await.unwrap_err(),
        api.repo("dev-dora", "a%2Fb", None).await.unwrap_err(),
        api.languages("dev-dora", "nothing", None).await.unwrap_err(),
        api.merged_pull_requests("nobody-here").await.unwrap_err(),
    ] {
        assert!(matches!(error, GithubError::NotFound { .. }), "{error:?}");
    }
    assert!(matches!(api.user(None).await, Err(GithubError::Unauthorized)));
    assert_eq!(stage.asked("GET /api/user").await, 1);
}

#[tokio::test]
async fn pages_are_read_one_by_one_each_with_its_validator() {
    let stage = Stage::new();
    let api = stage.api("ada-oss").await;
    let mut ids = HashSet::new();
    for page in 1..=3 {
        let fetched = api.repos_page("ada-oss", page, None).await.unwrap();
        let tag = etag(&fetched).to_owned();
        assert_eq!(api.repos_page("ada-oss", page, Some(&tag)).await.unwrap(), Fetched::NotModified);
        let list = fetched.into_value().unwrap();
        assert_eq!((list.is_last, list.is_full()), (page == 3, page != 3));
        assert!(list.items.is_sorted_by_key(|repo| repo.created_at));
        ids.extend(list.items.iter().map(|repo| repo.id));
    }
    assert_eq!(ids.len(), 250);
}

#[tokio::test]
async fn searches_tell_merged_from_reviewed_and_begin_at_a_day() {
    let stage = Stage::new();
    let api = stage.api("ada-oss").await;
    let login = "ada-oss";
    let merged = |since| PullRequestSearch::MergedElsewhere { login, since };
    let all = api.search_page(merged(None), 1).await.unwrap();
    assert_eq!((all.total_count, all.items.len(), all.is_last), (340, 100, false));
    assert!(api.search_page(merged(None), 4).await.unwrap().is_last);
    let day = stage.clock.now().date_naive() - chrono::Days::new(60);
    let recent = api.search_page(merged(Some(day)), 1).await.unwrap();
    assert!(recent.total_count > 0 && recent.total_count < 40, "{}", recent.total_count);
    assert!(recent.items.iter().all(|pull| pull.merged_at.unwrap().date_naive() >= day));
    let reviewed = api.search_page(PullRequestSearch::Reviewed { login, since: None }, 1).await.unwrap();
    assert_eq!(reviewed.total_count, 103);
    assert!(reviewed.items.iter().all(|pull| pull.author.as_ref().unwrap().login != login));
    let nobody = PullRequestSearch::Reviewed { login: "not a login", since: None };
    assert!(matches!(api.search_page(nobody, 1).await, Err(GithubError::NotFound { .. })));
}

#[tokio::test]
async fn a_file_is_read_when_it_is_a_short_text() {
    let stage = Stage::new();
    let api = stage.api("dev-dora").await;
    let url = stage.server.base_url().join("/_sandbox/repositories").unwrap();
    let order = serde_json::json!({
        "full_name": "dev-dora/a11y-forms",
        "files": { "short.txt": "hello\n", "long.txt": "x".repeat(5_000) },
    });
    assert!(stage.http.post(url).json(&order).send().await.unwrap().status().is_success());
    let file = async |name: &str| api.root_file("dev-dora", "a11y-forms", name, 4_096).await;
    assert_eq!(file("short.txt").await.unwrap().as_deref(), Some("hello\n"));
    assert_eq!(file("long.txt").await.unwrap(), None);
    assert!(matches!(file("nothing.txt").await, Err(GithubError::NotFound { .. })));
    stage
        .fault(serde_json::json!({ "kind": "malformed", "path_prefix": "/api/repos",
        "body": "{\"type\": \"file\", \"encoding\": \"base64\", \"size\": 3, \"content\": \"%%%\"}" }))
        .await;
    assert!(matches!(file("short.txt").await, Err(GithubError::Malformed { .. })));
    stage.fault(serde_json::json!({ "kind": "malformed", "path_prefix": "/api/repos", "body": "[]" })).await;
    assert!(matches!(file("short.txt").await, Err(GithubError::Malformed { .. })), "a folder is no file");
}
