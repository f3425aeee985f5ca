//! What the database says of a developer and of a project, in the words of the core, and what keeps the one from the
//! other.

use assay_platform::policy::MatchingPolicy;
use assay_skills::Taxonomy;
use chrono::{DateTime, NaiveDate, Offset, TimeZone, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::kept::Asked;
use super::market::{Developer, Level, Near, Project, Score, SkillEntry};
use super::snapshot::shared_hours;

/// Days are counted from here.
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(2026, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// The day's number.
pub fn day_of(date: NaiveDate) -> i32 {
    i32::try_from((date - EPOCH).num_days()).unwrap_or(i32::MAX)
}

/// The day of that number.
pub fn date_of(day: i32) -> NaiveDate {
    let end = if day < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
    EPOCH.checked_add_signed(chrono::Duration::days(i64::from(day))).unwrap_or(end)
}

/// Hours from UTC of a zone at an instant; 0 for an unknown one.
pub fn utc_offset(zone: Option<&str>, at: DateTime<Utc>) -> f64 {
    let zone = zone.and_then(|zone| zone.parse::<chrono_tz::Tz>().ok());
    zone.map_or(0.0, |zone| {
        f64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) / 3600.0
    })
}

/// The taxonomy in the words of the core.
pub fn entries(taxonomy: &Taxonomy) -> Vec<SkillEntry> {
    let entry = |skill: &assay_skills::Skill| SkillEntry {
        id: skill.slug.clone(),
        aliases: skill.aliases.clone(),
        neighbours: skill
            .neighbours
            .iter()
            .map(|near| Near { skill: near.slug.clone(), weight: near.weight as f32 / 100.0 })
            .collect(),
    };
    taxonomy.skills().iter().map(entry).collect()
}

/// An approved developer as the database has them.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Who.
    pub id: Uuid,
    /// Skills, tracks, rate in US dollars an hour, free hours, first free day, hours from UTC.
    pub developer: Developer,
    /// Technical and collaboration score.
    pub scores: (Score, Score),
    /// When the approval ends.
    pub approved_until: DateTime<Utc>,
    /// Live bids.
    pub live_bids: i64,
    /// Unanswered invitations.
    pub open_invitations: i64,
    /// Invitations of the last 30 days.
    pub recent_invitations: i64,
    /// Takes no work now.
    pub paused: bool,
    /// Why staff excluded them, if they did.
    pub excluded: Option<String>,
}

/// The numbers that facts are held to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of matching.
    pub matching: MatchingPolicy,
    /// Most live bids of a developer.
    pub live_bids: i64,
}

impl Facts {
    /// The Unix second until which they may be shown; 0 for who takes no work, has as many live bids or invitations as
    /// are good for anybody, or is excluded.
    pub fn shown_until(&self, limits: &Limits) -> i64 {
        let open = !self.paused
            && self.live_bids < limits.live_bids
            && !self.is_over_invited(limits)
            && self.excluded.is_none();
        if open { self.approved_until.timestamp() } else { 0 }
    }

    fn is_over_invited(&self, limits: &Limits) -> bool {
        self.open_invitations >= limits.matching.max_open_invitations
            || self.recent_invitations >= limits.matching.max_invitations_30_days
    }

    /// The level of a skill, 0 without it.
    pub fn level(&self, skill: &str) -> u8 {
        self.developer.skills.iter().find(|own| own.skill == skill).map_or(0, |own| own.level)
    }

    /// Hours shared with a project.
    pub fn overlap(&self, project: &Project) -> f64 {
        f64::from(shared_hours(self.developer.utc_offset as f32, project.utc_offset as f32))
    }
}

/// What the statement answers of one developer, before it is worked out.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Raw {
    pub id: Uuid,
    pub time_zone: Option<String>,
    pub own_hours: Option<i32>,
    pub stated_hours: Option<i32>,
    pub busy_hours: i64,
    pub rate_usd_minor: Option<i64>,
    pub available_from: Option<NaiveDate>,
    pub tracks: Vec<String>,
    /// `slug level,slug level`.
    pub skills: Option<String>,
    pub live_bids: i64,
    pub open_invitations: i64,
    pub recent_invitations: i64,
    pub paused: bool,
    pub excluded: Option<String>,
    pub approved_until: DateTime<Utc>,
}

impl Raw {
    /// Works it out; time zones as they are at the beginning of the day, so that every process says the same.
    pub fn facts(
        self,
        scores: (Score, Score),
        taxonomy: &Taxonomy,
        limits: &Limits,
        day: DateTime<Utc>,
    ) -> Facts {
        let read = |entry: &str| {
            let (skill, level) = entry.split_once(' ')?;
            Some(Level { skill: skill.to_owned(), level: level.parse().ok()? })
        };
        let skills: Vec<Level> =
            self.skills.as_deref().unwrap_or_default().split(',').filter_map(read).collect();
        // Who has not said what they ask is taken to ask what the dearest of their skills costs at least.
        let floor = || {
            let floors = skills.iter().filter_map(|own| taxonomy.get(&own.skill));
            floors.map(|skill| skill.floor_usd_per_hour).max().map_or(0.0, f64::from)
        };
        let rate = self.rate_usd_minor.map_or_else(floor, |minor| minor as f64 / 100.0);
        let hours = self.own_hours.or(self.stated_hours).unwrap_or(limits.matching.weekly_hours);
        let weekly_hours = (f64::from(hours) - self.busy_hours as f64).max(0.0);
        Facts {
            id: self.id,
            developer: Developer {
                id: String::new(),
                skills,
                domains: self.tracks,
                rate,
                weekly_hours,
                available_from: self.available_from.map_or(i32::MIN, day_of),
                utc_offset: utc_offset(self.time_zone.as_deref(), day),
            },
            scores,
            approved_until: self.approved_until,
            live_bids: self.live_bids,
            open_invitations: self.open_invitations,
            recent_invitations: self.recent_invitations,
            paused: self.paused,
            excluded: self.excluded,
        }
    }
}

/// A skill as projects store it.
#[derive(Clone, Debug, Deserialize)]
pub struct Wanted {
    /// Which.
    pub skill: String,
    /// Cannot do without it?
    pub must: bool,
}

/// What the statement answers of a project.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RawProject {
    pub skills: Vec<Wanted>,
    pub budget_usd_minor: Option<i64>,
    pub effort_hours: Option<i32>,
    pub starts_on: Option<NaiveDate>,
    pub duration_days: Option<i32>,
    pub time_zone: Option<String>,
    pub overlap_hours: i32,
}

impl RawProject {
    /// The project in the words of the core: the rate is what the budget pays an hour, the hours a week what the effort
    /// takes in its time, forty at most, the line of business the family of the first must-skill.
    pub fn project(&self, id: String, taxonomy: &Taxonomy, today: i32, day: DateTime<Utc>) -> Project {
        let of = |must: bool| -> Vec<String> {
            self.skills.iter().filter(|skill| skill.must == must).map(|skill| skill.skill.clone()).collect()
        };
        let must = of(true);
        let family = must.first().and_then(|slug| taxonomy.get(slug)).map(|skill| skill.family.clone());
        let hours = f64::from(self.effort_hours.unwrap_or(1).max(1));
        let days = self.duration_days.unwrap_or(30).max(1);
        let start_day = self.starts_on.map_or(today, day_of);
        Project {
            id,
            day: today,
            nice: of(false),
            domain: family.unwrap_or_default(),
            max_rate: self.budget_usd_minor.unwrap_or(0) as f64 / 100.0 / hours,
            weekly_hours: (hours * 7.0 / f64::from(days.max(7))).ceil().min(40.0),
            utc_offset: utc_offset(self.time_zone.as_deref(), day),
            min_overlap: if self.time_zone.is_some() { f64::from(self.overlap_hours.min(8)) } else { 0.0 },
            start_day,
            end_day: start_day.saturating_add(days),
            must,
        }
    }
}

/// What keeps a developer from a project, or would but does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// The constraint.
    #[schema(example = "overlap")]
    pub code: String,
    /// In words.
    #[schema(example = "Shares 6 of 8 working hours; 4 are wanted.")]
    pub detail: String,
}

impl Reason {
    fn new(code: &str, detail: String) -> Self {
        Self { code: code.to_owned(), detail }
    }
}

/// What keeps a developer from a project, told to the developer themselves. Empty: they are feasible.
pub fn blockers(facts: &Facts, project: &Project, limits: &Limits) -> Vec<Reason> {
    let mut found = Vec::new();
    let own = &facts.developer;
    for skill in &project.must {
        let (level, needed) = (facts.level(skill), limits.matching.must_level);
        if level < needed {
            let has =
                if level == 0 { "not among your skills".to_owned() } else { format!("at level {level}") };
            found.push(Reason::new(
                "skill",
                format!("`{skill}` is {has}; the project needs level {needed} of 5."),
            ));
        }
    }
    let mut check = |holds: bool, code: &str, detail: String| {
        if !holds {
            found.push(Reason::new(code, detail));
        }
    };
    check(
        own.rate as f32 <= project.max_rate as f32,
        "rate",
        format!("You ask ${:.0} an hour; the project pays ${:.0} at most.", own.rate, project.max_rate),
    );
    check(
        own.weekly_hours >= project.weekly_hours,
        "weekly_hours",
        format!(
            "You have {:.0} hours a week free; the project wants {:.0}.",
            own.weekly_hours, project.weekly_hours
        ),
    );
    check(
        own.available_from <= project.start_day,
        "start",
        format!(
            "You are free from {}; the work starts on {}.",
            date_of(own.available_from),
            date_of(project.start_day)
        ),
    );
    check(
        facts.overlap(project) as f32 >= project.min_overlap as f32,
        "overlap",
        format!(
            "You share {:.0} working hours with the client; {:.0} are wanted.",
            facts.overlap(project),
            project.min_overlap
        ),
    );
    check(!facts.paused, "paused", "You take no work now, by your own setting.".to_owned());
    check(
        facts.live_bids < limits.live_bids,
        "live_bids",
        format!("You have {} live bids, as many as are allowed.", facts.live_bids),
    );
    check(
        !facts.is_over_invited(limits),
        "invitations",
        "You have as many invitations as anybody gets at a time; answer some.".to_owned(),
    );
    if let Some(reason) = &facts.excluded {
        found.push(Reason::new("excluded", format!("Staff has excluded you: {reason}")));
    }
    found
}

/// What the hard constraints looked at in a developer; their floor is not among it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// Level of each must-skill.
    pub levels: Vec<u8>,
    /// Hours a week free.
    pub weekly_hours: f32,
    /// Hours of the working day shared with the client.
    pub shared_hours: f32,
}

impl Met {
    /// By the tables.
    pub fn of(facts: &Facts, project: &Project) -> Self {
        Self {
            levels: project.must.iter().map(|skill| facts.level(skill)).collect(),
            weekly_hours: facts.developer.weekly_hours as f32,
            shared_hours: facts.overlap(project) as f32,
        }
    }
}

/// The constraints that somebody feasible meets, told to the client: nobody's own floor is among them.
pub fn passed(met: &Met, asked: &Asked) -> Vec<Reason> {
    let levels = asked.must.iter().zip(&met.levels);
    let skills: Vec<String> = levels.map(|(skill, level)| format!("{skill} {level}")).collect();
    let mut told = vec![
        Reason::new("approved", "Approved, and the approval has not run out.".to_owned()),
        Reason::new("skill", format!("Every must-skill, at level: {}.", skills.join(", "))),
        Reason::new("rate", "The project pays at least what they ask.".to_owned()),
        Reason::new(
            "weekly_hours",
            format!("{:.0} hours a week free; {:.0} are wanted.", met.weekly_hours, asked.weekly_hours),
        ),
        Reason::new("start", format!("Free on {}.", date_of(asked.days.0))),
    ];
    if asked.min_overlap > 0.0 {
        let (shared, wanted) = (met.shared_hours, asked.min_overlap);
        told.push(Reason::new(
            "overlap",
            format!("Shares {shared:.0} of 8 working hours; {wanted:.0} are wanted."),
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_and_have_ends() {
        let date = NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
        assert_eq!(date_of(day_of(date)), date);
        assert_eq!((date_of(i32::MIN), date_of(i32::MAX)), (NaiveDate::MIN, NaiveDate::MAX));
    }
}
