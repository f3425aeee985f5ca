//! The accounts, repositories and pull requests that follow from the tables of [`super::personas`].
//!
//! The same tables and the same day give the same world: dates of activity are counted back from the day on which the
//! server starts, so that "pushed yesterday" stays true.

use std::collections::HashMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::personas::{IDEAS, NOBODY, OTHERS, PERSONAS, Persona, Since, Spec, TITLES, UPSTREAM, mail, spec};

/// Who stands behind a login.
pub(super) enum Who {
    Persona(&'static Persona),
    Other,
    Organisation(&'static str),
}

pub(super) struct Account {
    pub login: &'static str,
    pub id: i64,
    pub name: &'static str,
    pub who: Who,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    /// Indices into [`World::repos`].
    pub repos: Vec<usize>,
}

pub(super) struct Repo {
    pub id: i64,
    /// Index into [`World::accounts`].
    pub owner: usize,
    pub name: String,
    pub about: &'static str,
    pub language: &'static str,
    pub bytes: u64,
    pub stars: u32,
    pub forks: u32,
    pub subscribers: u32,
    pub issues: u32,
    pub topics: &'static [&'static str],
    pub created: DateTime<Utc>,
    pub pushed: DateTime<Utc>,
    pub fork_of: Option<usize>,
    pub archived: bool,
    /// Index of the account, commits; the most first.
    pub contributors: Vec<(usize, u32)>,
}

pub(super) struct PullRequest {
    pub id: i64,
    pub number: u32,
    pub author: usize,
    pub repo: usize,
    pub title: &'static str,
    pub created: DateTime<Utc>,
    pub merged: DateTime<Utc>,
    /// Indices of accounts.
    pub reviewers: Vec<usize>,
}

pub(super) struct World {
    pub accounts: Vec<Account>,
    pub repos: Vec<Repo>,
    /// Merged ones, the newest first.
    pub pulls: Vec<PullRequest>,
    logins: HashMap<String, usize>,
    names: HashMap<String, usize>,
}

/// What a name leads to.
pub(super) enum Found<T> {
    /// It is there.
    Here(T),
    /// It has another name now.
    Moved(T),
    /// No such thing.
    Nowhere,
}

impl World {
    /// The personas, and so many further people.
    pub fn new(now: DateTime<Utc>, profiles: u32) -> Self {
        let today = now.date_naive().and_hms_opt(6, 0, 0).map_or(now, |time| time.and_utc());
        let mut world = Self {
            accounts: Vec::new(),
            repos: Vec::new(),
            pulls: Vec::new(),
            logins: HashMap::new(),
            names: HashMap::new(),
        };
        for (login, id, name) in OTHERS {
            world.add_account(login, *id, name, Who::Other, back(today, 4_000), today);
        }
        for persona in PERSONAS {
            let created = match persona.since {
                Since::DaysAgo(days) => back(today, days),
                Since::Date(year, month, day) => NaiveDate::from_ymd_opt(year, month, day)
                    .and_then(|date| date.and_hms_opt(9, 30, 0))
                    .map_or(today, |time| time.and_utc()),
            };
            world.add_account(persona.login, persona.id, persona.name, Who::Persona(persona), created, today);
        }
        for upstream in UPSTREAM {
            let who = Who::Organisation(upstream.about);
            let owner = world.add_account(
                upstream.login,
                upstream.id,
                upstream.login,
                who,
                back(today, 3_600),
                today,
            );
            for spec in upstream.repos {
                let merged = PERSONAS.iter().flat_map(|persona| {
                    let name = format!("{}/{}", upstream.login, spec.name);
                    persona
                        .merged
                        .iter()
                        .filter(move |(repo, _)| *repo == name)
                        .map(|(_, n)| (persona.login, *n))
                });
                let commits: Vec<_> = spec.others.iter().copied().chain(merged).collect();
                world.add_spec(owner, spec, &commits, today);
            }
        }
        for persona in PERSONAS {
            world.add_persona_repos(persona, today);
        }
        for persona in PERSONAS {
            world.add_pulls(persona, today);
        }
        for persona in PERSONAS {
            world.add_reviews(persona, today);
        }
        for number in 1..=profiles {
            let persona = profile(number);
            let created = back(today, 1_000 + i64::from(number % 900));
            world.add_account(persona.login, persona.id, persona.name, Who::Persona(persona), created, today);
            world.add_persona_repos(persona, today);
            world.add_pulls(persona, today);
        }
        world.pulls.sort_by_key(|pull| (std::cmp::Reverse(pull.created), pull.id));
        world
    }

    pub fn account(&self, login: &str) -> Found<&Account> {
        let login = login.to_ascii_lowercase();
        match self.logins.get(&login) {
            Some(index) if self.accounts[*index].login == login => Found::Here(&self.accounts[*index]),
            Some(index) => Found::Moved(&self.accounts[*index]),
            None => Found::Nowhere,
        }
    }

    pub fn account_by_id(&self, id: i64) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == id)
    }

    pub fn repo(&self, owner: &str, name: &str) -> Found<&Repo> {
        let (account, moved) = match self.account(owner) {
            Found::Here(account) => (account, false),
            Found::Moved(account) => (account, true),
            Found::Nowhere => return Found::Nowhere,
        };
        match self.names.get(&format!("{}/{}", account.login, name.to_ascii_lowercase())) {
            Some(index) if moved => Found::Moved(&self.repos[*index]),
            Some(index) => Found::Here(&self.repos[*index]),
            None => Found::Nowhere,
        }
    }

    pub fn repo_by_id(&self, id: i64) -> Option<&Repo> {
        self.repos.iter().find(|repo| repo.id == id)
    }

    fn add_account(
        &mut self,
        login: &'static str,
        id: i64,
        name: &'static str,
        who: Who,
        created: DateTime<Utc>,
        today: DateTime<Utc>,
    ) -> usize {
        let index = self.accounts.len();
        self.logins.insert(login.to_owned(), index);
        if let Who::Persona(Persona { former: Some(former), .. }) = who {
            self.logins.insert((*former).to_owned(), index);
        }
        let updated = back(today, id % 9).max(created);
        self.accounts.push(Account { login, id, name, who, created, updated, repos: Vec::new() });
        index
    }

    fn index(&self, login: &str) -> Option<usize> {
        self.logins.get(login).copied()
    }

    fn add_spec(
        &mut self,
        owner: usize,
        spec: &Spec,
        commits: &[(&str, u32)],
        today: DateTime<Utc>,
    ) -> usize {
        let mut contributors: Vec<_> =
            commits.iter().filter_map(|(login, n)| self.index(login).map(|index| (index, *n))).collect();
        contributors.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        self.add_repo(Repo {
            id: 0,
            owner,
            name: spec.name.to_owned(),
            about: spec.about,
            language: spec.language,
            bytes: contributors.iter().map(|(_, n)| u64::from(*n) * 410).sum::<u64>() + 900,
            stars: spec.stars,
            forks: spec.forks,
            subscribers: spec.subscribers,
            issues: spec.issues,
            topics: spec.topics,
            created: back(today, spec.age_days),
            pushed: back(today, spec.pushed_days),
            fork_of: None,
            archived: false,
            contributors,
        })
    }

    /// Numbers the repository and keeps it; it is never older than its owner.
    fn add_repo(&mut self, mut repo: Repo) -> usize {
        let index = self.repos.len();
        repo.id = 700_000_000 + i64::try_from(index).unwrap_or(0) * 37;
        let owner = &mut self.accounts[repo.owner];
        repo.created = repo.created.max(owner.created);
        repo.pushed = repo.pushed.max(repo.created);
        owner.repos.push(index);
        self.names.insert(format!("{}/{}", owner.login, repo.name), index);
        self.repos.push(repo);
        index
    }

    fn add_persona_repos(&mut self, persona: &'static Persona, today: DateTime<Utc>) {
        let Some(owner) = self.index(persona.login) else { return };
        for spec in persona.repos {
            let mut commits = vec![(persona.login, spec.commits)];
            commits.extend_from_slice(spec.others);
            self.add_spec(owner, spec, &commits, today);
        }
        for name in persona.forks {
            let Some(upstream) = self.names.get(*name).copied() else { continue };
            let source = &self.repos[upstream];
            let mut chance = Chance::new(persona.id ^ source.id);
            let repo = Repo {
                id: 0,
                owner,
                name: source.name.clone(),
                about: source.about,
                language: source.language,
                bytes: source.bytes,
                stars: 0,
                forks: 0,
                subscribers: 0,
                issues: 0,
                topics: &[],
                created: back(today, 200 + i64::from(chance.below(400))),
                pushed: source.pushed,
                fork_of: Some(upstream),
                archived: false,
                contributors: source.contributors.clone(),
            };
            self.add_repo(repo);
        }
        let mut chance = Chance::new(persona.id);
        for number in 0..persona.bulk {
            let pick = usize::try_from(number).unwrap_or(0);
            let (idea, language, about) = IDEAS[pick % IDEAS.len()];
            let round = pick / IDEAS.len();
            let name = if round == 0 { idea.to_owned() } else { format!("{idea}-{}", round + 1) };
            let age = 100 + i64::from(chance.below(2_500));
            let commits = 5 + chance.below(60);
            self.add_repo(Repo {
                id: 0,
                owner,
                name,
                about,
                language,
                bytes: u64::from(commits) * 350 + 120,
                stars: chance.below(9),
                forks: chance.below(2),
                subscribers: 1,
                issues: chance.below(3),
                topics: &[],
                created: back(today, age),
                pushed: back(today, i64::from(chance.below(90)) * age / 100),
                fork_of: None,
                archived: chance.below(10) == 0,
                contributors: vec![(owner, commits)],
            });
        }
    }

    fn add_pulls(&mut self, persona: &'static Persona, today: DateTime<Utc>) {
        let Some(author) = self.index(persona.login) else { return };
        let mut chance = Chance::new(persona.id.rotate_left(7));
        for (name, count) in persona.merged {
            let Some(repo) = self.names.get(*name).copied() else { continue };
            for number in 0..*count {
                let index = i64::try_from(self.pulls.len()).unwrap_or(0);
                let title = TITLES[usize::try_from(chance.below(1_000)).unwrap_or(0) % TITLES.len()];
                let created = back(today, 3 + i64::from(number) * 11) + Duration::minutes(index % 600);
                self.pulls.push(PullRequest {
                    id: 1_900_000_000 + index * 13,
                    number: 400 + u32::try_from(index).unwrap_or(0) * 3,
                    author,
                    repo,
                    title,
                    created,
                    merged: created + Duration::hours(5 + i64::from(chance.below(40))),
                    reviewers: Vec::new(),
                });
            }
        }
    }

    /// Pull requests of the upstream's first maintainer that the persona reviewed.
    fn add_reviews(&mut self, persona: &'static Persona, today: DateTime<Utc>) {
        let Some(reviewer) = self.index(persona.login) else { return };
        let mut chance = Chance::new(persona.id.rotate_left(13));
        for (name, count) in persona.reviewed {
            let Some(repo) = self.names.get(*name).copied() else { continue };
            let Some((author, _)) = self.repos[repo].contributors.iter().find(|(who, _)| *who != reviewer)
            else {
                continue;
            };
            let author = *author;
            for number in 0..*count {
                let index = i64::try_from(self.pulls.len()).unwrap_or(0);
                let title = TITLES[usize::try_from(chance.below(1_000)).unwrap_or(0) % TITLES.len()];
                let created = back(today, 5 + i64::from(number) * 17) + Duration::minutes(index % 600);
                self.pulls.push(PullRequest {
                    id: 1_900_000_000 + index * 13,
                    number: 400 + u32::try_from(index).unwrap_or(0) * 3,
                    author,
                    repo,
                    title,
                    created,
                    merged: created + Duration::hours(3 + i64::from(chance.below(60))),
                    reviewers: vec![reviewer],
                });
            }
        }
    }
}

/// A person for load. Kept for the life of the process, as the tables are.
fn profile(number: u32) -> &'static Persona {
    let keep = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let login = keep(format!("dev-{number:06}"));
    Box::leak(Box::new(Persona {
        login,
        id: 300_000_000 + i64::from(number),
        name: login,
        summary: "one of many",
        emails: Box::leak(Box::new([mail(keep(format!("{login}@many.example")))])),
        repos: Box::leak(Box::new([
            spec("first-work", "Rust", "A tool"),
            spec("site", "TypeScript", "A site"),
        ])),
        bulk: 3 + number % 4,
        merged: &[("papercut-labs/form-builder", 2)],
        ..NOBODY
    }))
}

fn back(today: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    today.checked_sub_signed(Duration::days(days)).unwrap_or(today)
}

/// SplitMix64: the same seed, the same world.
struct Chance(u64);

impl Chance {
    fn new(seed: i64) -> Self {
        Self(seed.unsigned_abs())
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((z ^ (z >> 31)) % u64::from(bound.max(1))).unwrap_or(0)
    }
}
