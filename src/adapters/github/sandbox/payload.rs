//! GitHub's payloads, whole: every member that the published description requires, and those that clients look at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::changes::Change;
use std::collections::HashMap;

use super::personas::{Mail, Persona};
use super::world::{Account, PullRequest, Repo, Who, World};

/// Where the sandbox is seen, without a slash at the end.
pub(super) struct Urls {
    pub web: String,
    pub api: String,
}

pub(super) struct Payloads<'a> {
    pub urls: &'a Urls,
    pub world: &'a World,
    /// What has become of repositories since the start.
    pub changes: HashMap<i64, Change>,
}

fn time(time: DateTime<Utc>) -> Value {
    Value::String(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn node_id(kind: &str, id: i64) -> Value {
    Value::String(STANDARD.encode(format!("0{}:{kind}{id}", kind.len())))
}

/// Members that are a URL: the object's own plus a suffix.
fn add_urls(map: &mut Map<String, Value>, own: &str, suffixes: &[(&str, &str)]) {
    for (name, suffix) in suffixes {
        map.insert((*name).to_owned(), Value::String(format!("{own}{suffix}")));
    }
}

fn add(map: &mut Map<String, Value>, members: Value) {
    if let Value::Object(members) = members {
        map.extend(members);
    }
}

const USER_URLS: &[(&str, &str)] = &[
    ("url", ""),
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

const REPO_URLS: &[(&str, &str)] = &[
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

impl Payloads<'_> {
    /// `simple-user`. `login` is given apart for somebody who signed in under a former one.
    fn simple(&self, account: &Account, login: &str) -> Map<String, Value> {
        let kind = if matches!(account.who, Who::Organisation(_)) { "Organization" } else { "User" };
        let mut map = Map::new();
        add(
            &mut map,
            json!({
                "login": login,
                "id": account.id,
                "node_id": node_id(kind, account.id),
                "avatar_url": format!("{}/_sandbox/avatars/{}.svg", self.urls.web, account.id),
                "gravatar_id": "",
                "html_url": format!("{}/{login}", self.urls.web),
                "type": kind,
                "user_view_type": "public",
                "site_admin": false,
            }),
        );
        add_urls(&mut map, &format!("{}/users/{login}", self.urls.api), USER_URLS);
        map
    }

    /// May strangers see the repository?
    pub fn is_visible(&self, repo: &Repo) -> bool {
        self.changes.get(&repo.id).is_none_or(Change::is_visible)
    }

    fn owner(&self, index: usize) -> Value {
        let account = &self.world.accounts[index];
        Value::Object(self.simple(account, account.login))
    }

    /// `public-user`.
    pub fn public_user(&self, account: &Account, login: &str) -> Value {
        let mut map = self.simple(account, login);
        let persona = match account.who {
            Who::Persona(persona) => Some(persona),
            _ => None,
        };
        let public_mail = persona.and_then(|p| p.emails.iter().find(|mail| mail.primary && mail.public));
        add(
            &mut map,
            json!({
                "name": account.name,
                "company": persona.and_then(|p| p.company),
                "blog": persona.map_or("", |p| p.blog),
                "location": persona.and_then(|p| p.location),
                "email": public_mail.map(|mail| mail.address),
                "hireable": persona.is_some_and(|p| !p.merged.is_empty()).then_some(true),
                "bio": match account.who {
                    Who::Organisation(about) => Some(about),
                    _ => persona.and_then(|p| p.bio),
                },
                "twitter_username": null,
                "public_repos": account.repos.len(),
                "public_gists": 0,
                "followers": persona.map_or(12, |p| p.followers),
                "following": persona.map_or(3, |p| p.following),
                "created_at": time(account.created),
                "updated_at": time(account.updated),
            }),
        );
        Value::Object(map)
    }

    /// `private-user`: what one sees of oneself.
    pub fn private_user(&self, account: &Account, login: &str) -> Value {
        let mut user = self.public_user(account, login);
        if let Value::Object(map) = &mut user {
            add(
                map,
                json!({
                    "user_view_type": "private",
                    "notification_email": map.get("email"),
                    "private_gists": 0,
                    "total_private_repos": 0,
                    "owned_private_repos": 0,
                    "disk_usage": account.repos.iter().map(|repo| self.world.repos[*repo].bytes / 1_024).sum::<u64>(),
                    "collaborators": 0,
                    "two_factor_authentication": true,
                    "plan": { "name": "free", "space": 976_562_499, "collaborators": 0, "private_repos": 10_000 },
                }),
            );
        }
        user
    }

    /// `email`.
    pub fn email(mail: &Mail) -> Value {
        let visibility =
            if mail.primary { Some(if mail.public { "public" } else { "private" }) } else { None };
        json!({ "email": mail.address, "primary": mail.primary, "verified": mail.verified, "visibility": visibility })
    }

    /// `minimal-repository`.
    pub fn minimal_repo(&self, repo: &Repo) -> Map<String, Value> {
        let account = &self.world.accounts[repo.owner];
        let full_name = format!("{}/{}", account.login, repo.name);
        let html = format!("{}/{full_name}", self.urls.web);
        let host = self.urls.web.split_once("://").map_or(self.urls.web.as_str(), |(_, host)| host);
        let language = (repo.language != "Markdown").then_some(repo.language);
        let change = self.changes.get(&repo.id).cloned().unwrap_or_default();
        let pushed = change.pushed.unwrap_or(repo.pushed);
        let mut map = Map::new();
        add(
            &mut map,
            json!({
                "id": repo.id,
                "node_id": node_id("Repository", repo.id),
                "name": repo.name,
                "full_name": full_name,
                "private": change.exposed,
                "owner": self.owner(repo.owner),
                "html_url": html,
                "description": repo.about,
                "fork": repo.fork_of.is_some(),
                "git_url": format!("git://{host}/{full_name}.git"),
                "ssh_url": format!("git@{host}:{full_name}.git"),
                "clone_url": format!("{html}.git"),
                "svn_url": html,
                "mirror_url": change.mirror.then(|| format!("https://git.example/{}.git", repo.name)),
                "homepage": null,
                "language": language,
                "created_at": time(repo.created),
                "updated_at": time(pushed),
                "pushed_at": time(pushed),
                "size": repo.bytes / 1_024,
            }),
        );
        add(
            &mut map,
            json!({
                "forks_count": repo.forks,
                "forks": repo.forks,
                "stargazers_count": repo.stars,
                "watchers_count": repo.stars,
                "watchers": repo.stars,
                "open_issues_count": repo.issues,
                "open_issues": repo.issues,
                "default_branch": "main",
                "is_template": change.template.unwrap_or(false),
                "topics": repo.topics,
                "has_issues": true,
                "has_projects": true,
                "has_wiki": true,
                "has_pages": false,
                "has_downloads": true,
                "has_discussions": false,
                "has_pull_requests": true,
                "archived": change.archived.unwrap_or(repo.archived),
                "disabled": false,
                "visibility": if change.exposed { "private" } else { "public" },
                "allow_forking": true,
                "web_commit_signoff_required": false,
                "permissions": { "admin": false, "maintain": false, "push": false, "triage": false, "pull": true },
                "license": self.license(repo),
            }),
        );
        add_urls(&mut map, &format!("{}/repos/{full_name}", self.urls.api), REPO_URLS);
        map
    }

    fn license(&self, repo: &Repo) -> Option<Value> {
        let (key, name, spdx) = match repo.id % 3 {
            0 => ("mit", "MIT License", "MIT"),
            1 => ("apache-2.0", "Apache License 2.0", "Apache-2.0"),
            _ => return None,
        };
        let url = format!("{}/licenses/{key}", self.urls.api);
        Some(
            json!({ "key": key, "name": name, "spdx_id": spdx, "url": url, "node_id": node_id("License", repo.id % 3 + 1) }),
        )
    }

    /// `full-repository`, for a fork with `parent` and `source`.
    pub fn full_repo(&self, repo: &Repo) -> Value {
        let mut map = self.minimal_repo(repo);
        let upstream = repo.fork_of.map(|index| &self.world.repos[index]);
        add(
            &mut map,
            json!({
                "network_count": upstream.unwrap_or(repo).forks,
                "subscribers_count": repo.subscribers,
                "temp_clone_token": null,
            }),
        );
        if let Some(upstream) = upstream {
            let parent = Value::Object(self.minimal_repo(upstream));
            map.insert("parent".into(), parent.clone());
            map.insert("source".into(), parent);
        }
        Value::Object(map)
    }

    /// `language`.
    pub fn languages(&self, repo: &Repo) -> Value {
        let mut map = Map::new();
        if repo.language != "Markdown" {
            map.insert(repo.language.to_owned(), json!(repo.bytes));
            if repo.bytes > 20_000 && repo.language != "Shell" {
                map.insert("Shell".to_owned(), json!(repo.bytes / 40));
            }
        }
        Value::Object(map)
    }

    /// `content-file` at the root of the default branch.
    pub fn file(&self, repo: &Repo, name: &str) -> Option<Value> {
        let text = self.changes.get(&repo.id)?.files.get(name)?;
        let full_name = format!("{}/{}", self.world.accounts[repo.owner].login, repo.name);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let sha = &super::state::hex(digest.as_ref())[..40];
        let url = format!("{}/repos/{full_name}/contents/{name}?ref=main", self.urls.api);
        let git_url = format!("{}/repos/{full_name}/git/blobs/{sha}", self.urls.api);
        let html_url = format!("{}/{full_name}/blob/main/{name}", self.urls.web);
        Some(json!({
            "type": "file",
            "encoding": "base64",
            "size": text.len(),
            "name": name,
            "path": name,
            "content": STANDARD.encode(text) + "\n",
            "sha": sha,
            "url": url,
            "git_url": git_url,
            "html_url": html_url,
            "download_url": format!("{}/{full_name}/raw/main/{name}", self.urls.web),
            "_links": { "git": git_url, "self": url, "html": html_url },
        }))
    }

    /// `contributor`.
    pub fn contributor(&self, account: usize, commits: u32) -> Value {
        let mut value = self.owner(account);
        if let Value::Object(map) = &mut value {
            map.insert("contributions".into(), json!(commits));
        }
        value
    }

    /// `organization-simple`.
    pub fn organisation(&self, account: &Account) -> Value {
        let Who::Organisation(about) = account.who else { return Value::Null };
        let mut map = Map::new();
        add(
            &mut map,
            json!({
                "login": account.login,
                "id": account.id,
                "node_id": node_id("Organization", account.id),
                "avatar_url": format!("{}/_sandbox/avatars/{}.svg", self.urls.web, account.id),
                "description": about,
            }),
        );
        let own = format!("{}/orgs/{}", self.urls.api, account.login);
        add_urls(
            &mut map,
            &own,
            &[
                ("url", ""),
                ("repos_url", "/repos"),
                ("events_url", "/events"),
                ("hooks_url", "/hooks"),
                ("issues_url", "/issues"),
                ("members_url", "/members{/member}"),
                ("public_members_url", "/public_members{/member}"),
            ],
        );
        Value::Object(map)
    }

    /// The organisations of a persona.
    pub fn organisations(&self, persona: &Persona) -> Vec<Value> {
        let of = |login: &&str| self.world.accounts.iter().find(|account| account.login == *login);
        persona.orgs.iter().filter_map(of).map(|account| self.organisation(account)).collect()
    }

    /// `issue-search-result-item` of a merged pull request.
    pub fn pull_request(&self, pull: &PullRequest) -> Value {
        let repo = &self.world.repos[pull.repo];
        let full_name = format!("{}/{}", self.world.accounts[repo.owner].login, repo.name);
        let html = format!("{}/{full_name}/pull/{}", self.urls.web, pull.number);
        let repo_url = format!("{}/repos/{full_name}", self.urls.api);
        let issue = format!("{repo_url}/issues/{}", pull.number);
        let mut map = Map::new();
        add(
            &mut map,
            json!({
                "repository_url": repo_url,
                "html_url": html,
                "id": pull.id,
                "node_id": node_id("PullRequest", pull.id),
                "number": pull.number,
                "title": pull.title,
                "user": self.owner(pull.author),
                "labels": [],
                "state": "closed",
                "state_reason": null,
                "locked": false,
                "active_lock_reason": null,
                "assignee": null,
                "assignees": [],
                "milestone": null,
                "comments": pull.id % 7,
                "created_at": time(pull.created),
                "updated_at": time(pull.merged),
                "closed_at": time(pull.merged),
                "author_association": "CONTRIBUTOR",
                "draft": false,
                "body": "See the commit messages.",
                "score": 1.0,
            }),
        );
        map.insert(
            "pull_request".into(),
            json!({
                "url": format!("{repo_url}/pulls/{}", pull.number),
                "html_url": html,
                "diff_url": format!("{html}.diff"),
                "patch_url": format!("{html}.patch"),
                "merged_at": time(pull.merged),
            }),
        );
        map.insert("reactions".into(), json!({
            "url": format!("{issue}/reactions"), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0,
            "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
        }));
        add_urls(
            &mut map,
            &issue,
            &[
                ("url", ""),
                ("labels_url", "/labels{/name}"),
                ("comments_url", "/comments"),
                ("events_url", "/events"),
                ("timeline_url", "/timeline"),
            ],
        );
        Value::Object(map)
    }
}

/// `basic-error`.
pub(super) fn error(status: u16, message: &str, page: &str) -> Value {
    json!({
        "message": message,
        "documentation_url": format!("https://docs.github.com/{page}"),
        "status": status.to_string(),
    })
}
