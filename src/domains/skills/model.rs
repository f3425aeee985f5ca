//! The taxonomy: pure data and look-ups.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// A family of skills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// The stable name.
    #[schema(example = "backend")]
    pub slug: String,
    /// The name for people.
    #[schema(example = "Backend development")]
    pub name: String,
}

/// A skill from which much carries over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// The neighbour's slug.
    #[schema(example = "django")]
    pub slug: String,
    /// How much carries over, in percent.
    #[schema(minimum = 1, maximum = 100, example = 50)]
    pub weight: i32,
}

/// A skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// The stable name, by which projects and profiles refer to it.
    #[schema(example = "python")]
    pub slug: String,
    /// The name for people.
    #[schema(example = "Python")]
    pub name: String,
    /// Slug of the family.
    #[schema(example = "backend")]
    pub family: String,
    /// Other spellings that are understood.
    #[schema(example = json!(["cpython", "py", "python3"]))]
    pub aliases: Vec<String>,
    /// Skills from which much carries over, the nearest first.
    pub neighbours: Vec<Neighbour>,
    /// The hourly rate in US dollars below which no budget should press.
    #[schema(minimum = 1, example = 22)]
    pub floor_usd_per_hour: i32,
}

/// What most callers need of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SkillRef {
    /// The stable name.
    #[schema(example = "python")]
    pub slug: String,
    /// The name for people.
    #[schema(example = "Python")]
    pub name: String,
    /// The hourly rate in US dollars below which no budget should press.
    #[schema(minimum = 1, example = 22)]
    pub floor_usd_per_hour: i32,
}

impl From<&Skill> for SkillRef {
    fn from(skill: &Skill) -> Self {
        Self {
            slug: skill.slug.clone(),
            name: skill.name.clone(),
            floor_usd_per_hour: skill.floor_usd_per_hour,
        }
    }
}

/// What one given spelling means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its place in what was given.
    pub index: usize,
    /// The spelling as given.
    pub given: String,
    /// The skill; none when the spelling is unknown.
    pub skill: Option<SkillRef>,
}

/// The taxonomy as a file: neighbours are listed on one side only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaxonomyFile {
    pub version: String,
    pub families: Vec<Family>,
    pub skills: Vec<Skill>,
}

impl TaxonomyFile {
    /// Both directions of every neighbourhood.
    pub fn neighbours(&self) -> Vec<(String, String, i32)> {
        let mut pairs = BTreeMap::new();
        for skill in &self.skills {
            for neighbour in &skill.neighbours {
                pairs.insert((skill.slug.clone(), neighbour.slug.clone()), neighbour.weight);
                pairs.insert((neighbour.slug.clone(), skill.slug.clone()), neighbour.weight);
            }
        }
        pairs.into_iter().map(|((from, to), weight)| (from, to, weight)).collect()
    }

    /// Other spellings in lower case, with their skill.
    pub fn aliases(&self) -> Vec<(String, String)> {
        self.skills
            .iter()
            .flat_map(|skill| skill.aliases.iter().map(|alias| (spelling(alias), skill.slug.clone())))
            .collect()
    }
}

/// A spelling as it is compared: lower case, without space around it, with single spaces inside.
pub(crate) fn spelling(given: &str) -> String {
    given.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// A snapshot of the taxonomy, for look-ups without a query.
#[derive(Clone, Debug, Default)]
pub struct Taxonomy {
    families: Vec<Family>,
    /// Sorted by slug.
    skills: Vec<Skill>,
    spellings: HashMap<String, usize>,
}

impl Taxonomy {
    /// From its parts; neighbours are given in both directions.
    pub(crate) fn new(mut families: Vec<Family>, mut skills: Vec<Skill>) -> Self {
        families.sort_by(|a, b| a.slug.cmp(&b.slug));
        skills.sort_by(|a, b| a.slug.cmp(&b.slug));
        let mut spellings = HashMap::new();
        for (index, skill) in skills.iter_mut().enumerate() {
            skill.aliases.sort();
            skill.neighbours.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.slug.cmp(&b.slug)));
            for text in skill.aliases.iter().chain([&skill.name]) {
                spellings.insert(spelling(text), index);
            }
        }
        for (index, skill) in skills.iter().enumerate() {
            spellings.insert(skill.slug.clone(), index);
        }
        Self { families, skills, spellings }
    }

    /// The skill that a spelling (slug, name or alias, letter case aside) means.
    pub fn resolve(&self, given: &str) -> Option<&Skill> {
        self.skills.get(*self.spellings.get(&spelling(given))?)
    }

    /// The skill of that slug.
    pub fn get(&self, slug: &str) -> Option<&Skill> {
        let at = self.skills.binary_search_by(|skill| skill.slug.as_str().cmp(slug)).ok()?;
        self.skills.get(at)
    }

    /// All skills, by slug.
    pub fn skills(&self) -> &[Skill] {
        &self.skills
    }

    /// All families, by slug.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Is there a family of that slug?
    pub fn has_family(&self, slug: &str) -> bool {
        self.families.iter().any(|family| family.slug == slug)
    }

    /// How much of `known` carries over to `wanted`, in percent: 100 for the same skill, 0 for strangers.
    pub fn carries_over(&self, known: &str, wanted: &str) -> i32 {
        if known == wanted {
            return 100;
        }
        let neighbours = self.get(wanted).map_or(&[][..], |skill| &skill.neighbours);
        neighbours.iter().find(|neighbour| neighbour.slug == known).map_or(0, |neighbour| neighbour.weight)
    }

    /// Skills with `query` in a spelling and of `family`, where given: those whose spelling is the query first, then
    /// those in which one begins with it, then the rest; by slug in each.
    pub(crate) fn search(&self, query: Option<&str>, family: Option<&str>) -> Vec<(Rank, &Skill)> {
        let query = query.map(spelling).filter(|query| !query.is_empty());
        let mut found: Vec<(Rank, &Skill)> = self
            .skills
            .iter()
            .filter(|skill| family.is_none_or(|family| skill.family == family))
            .filter_map(|skill| match &query {
                None => Some((Rank::Equal, skill)),
                Some(query) => rank(skill, query).map(|rank| (rank, skill)),
            })
            .collect();
        found.sort_by(|a, b| (a.0, &a.1.slug).cmp(&(b.0, &b.1.slug)));
        found
    }
}

/// How well a skill answers a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Rank {
    /// A spelling is the query.
    Equal,
    /// A spelling begins with it.
    Prefix,
    /// A spelling has it inside.
    Inside,
}

fn rank(skill: &Skill, query: &str) -> Option<Rank> {
    let name = spelling(&skill.name);
    [&skill.slug, &name]
        .into_iter()
        .chain(&skill.aliases)
        .filter_map(|text| match text.find(query)? {
            0 if text.len() == query.len() => Some(Rank::Equal),
            0 => Some(Rank::Prefix),
            _ => Some(Rank::Inside),
        })
        .min()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;

    fn file() -> TaxonomyFile {
        serde_json::from_str(include_str!("taxonomy.json")).unwrap()
    }

    fn taxonomy() -> Taxonomy {
        let file = file();
        let mut skills = file.skills.clone();
        for skill in &mut skills {
            skill.neighbours = file
                .neighbours()
                .into_iter()
                .filter(|(from, _, _)| *from == skill.slug)
                .map(|(_, slug, weight)| Neighbour { slug, weight })
                .collect();
            skill.aliases = skill.aliases.iter().map(|alias| spelling(alias)).collect();
        }
        Taxonomy::new(file.families, skills)
    }

    #[test]
    fn the_file_is_sound() {
        let file = file();
        let families: BTreeSet<&str> = file.families.iter().map(|family| family.slug.as_str()).collect();
        let slugs: BTreeSet<&str> = file.skills.iter().map(|skill| skill.slug.as_str()).collect();
        assert_eq!(families.len(), file.families.len(), "a family twice");
        assert_eq!(slugs.len(), file.skills.len(), "a skill twice");
        assert!(file.version.len() >= 10 && file.version.is_ascii(), "versions are dates, which sort");
        let mut owner: HashMap<String, &str> = HashMap::new();
        for skill in &file.skills {
            assert!(families.contains(skill.family.as_str()), "{} has an unknown family", skill.slug);
            assert!(skill.floor_usd_per_hour > 0, "{} has no floor", skill.slug);
            assert!(!skill.slug.is_empty() && skill.slug.len() <= 40);
            assert!(
                skill.slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                skill.slug
            );
            let spellings: BTreeSet<String> =
                skill.aliases.iter().chain([&skill.slug, &skill.name]).map(|text| spelling(text)).collect();
            for text in spellings {
                if let Some(other) = owner.insert(text.clone(), &skill.slug) {
                    panic!("{text:?} means {other} and {}", skill.slug);
                }
            }
            let aliases: BTreeSet<String> = skill.aliases.iter().map(|alias| spelling(alias)).collect();
            assert_eq!(aliases.len(), skill.aliases.len(), "{} has an alias twice", skill.slug);
            for neighbour in &skill.neighbours {
                assert!(
                    slugs.contains(neighbour.slug.as_str()),
                    "{} → {} is unknown",
                    skill.slug,
                    neighbour.slug
                );
                assert_ne!(neighbour.slug, skill.slug, "{} is its own neighbour", skill.slug);
                assert!((1..=100).contains(&neighbour.weight), "{} → {}", skill.slug, neighbour.slug);
            }
        }
        let listed: usize = file.skills.iter().map(|skill| skill.neighbours.len()).sum();
        assert_eq!(file.neighbours().len(), 2 * listed, "a neighbourhood is listed on both sides");
    }

    #[test]
    fn spellings_lead_to_one_skill() {
        let taxonomy = taxonomy();
        for given in ["python", "Python", "PYTHON3", " py "] {
            assert_eq!(taxonomy.resolve(given).unwrap().slug, "python", "{given}");
        }
        assert_eq!(taxonomy.resolve("ruby  on   rails").unwrap().slug, "rails");
        assert!(taxonomy.resolve("").is_none());
        assert!(taxonomy.resolve("carpentry").is_none());
        assert!(taxonomy.get("Python").is_none());
        for skill in taxonomy.skills() {
            assert_eq!(taxonomy.get(&skill.slug), Some(skill));
            assert_eq!(taxonomy.resolve(&skill.slug), Some(skill));
            assert_eq!(taxonomy.resolve(&skill.name.to_uppercase()), Some(skill));
        }
    }

    #[test]
    fn neighbours_are_mutual() {
        let taxonomy = taxonomy();
        for skill in taxonomy.skills() {
            for neighbour in &skill.neighbours {
                assert_eq!(taxonomy.carries_over(&skill.slug, &neighbour.slug), neighbour.weight);
                assert_eq!(taxonomy.carries_over(&neighbour.slug, &skill.slug), neighbour.weight);
            }
        }
        assert_eq!(taxonomy.carries_over("python", "python"), 100);
        assert_eq!(taxonomy.carries_over("python", "no-such-skill"), 0);
    }

    #[test]
    fn a_search_gives_the_nearest_first() {
        let taxonomy = taxonomy();
        let slugs = |query: &str| -> Vec<&str> {
            taxonomy.search(Some(query), None).into_iter().map(|(_, skill)| skill.slug.as_str()).collect()
        };
        assert_eq!(slugs("Java")[0], "java");
        assert!(slugs("script").contains(&"typescript"));
        assert!(slugs("zzzz").is_empty());
        assert_eq!(taxonomy.search(None, None).len(), taxonomy.skills().len());
        assert!(taxonomy.search(None, Some("backend")).iter().all(|(_, skill)| skill.family == "backend"));
    }
}
