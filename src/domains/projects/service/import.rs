//! Staff's import of projects from JSON Lines: each line a draft, or all of its problems; a bad line loses no other,
//! and a repeated run imports nothing twice.

use assay_kernel::error::FieldErrors;
use assay_kernel::ids::{AccountId, OrganisationId, ProjectId};
use assay_kernel::text::Text;
use assay_kernel::{Code, Error, FieldError, Money, Result};
use assay_platform::crypto::sha256;
use assay_platform::{audit, input};
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

use super::Projects;
use super::content::{AcceptanceInput, DeliverableInput, MilestoneInput, ProjectContent, SkillInput};
use crate::model::{AcceptanceKind, Confidentiality, Level, Standing};
use crate::store;

/// A line of the file: a scoped project as grant programmes publish them.
#[derive(Debug, Deserialize, Validate)]
struct Line {
    /// Where it was published; with the title, what makes the line the same on a repeated run.
    #[serde(default)]
    source: Option<String>,
    title: Text,
    description: Text,
    #[validate(range(min = 1, max = 10_000_000))]
    total_usd: i64,
    #[serde(default)]
    duration: Option<String>,
    #[validate(nested, length(min = 1, max = 20))]
    milestones: Vec<LineMilestone>,
}

#[derive(Debug, Serialize, Deserialize, Validate)]
struct LineMilestone {
    title: Text,
    #[validate(range(min = 1, max = 10_000_000))]
    cost_usd: i64,
    #[serde(default)]
    duration: Option<String>,
    #[serde(default)]
    #[validate(range(min = 0.0, max = 100.0))]
    fte: Option<f64>,
    #[validate(length(min = 1, max = 30))]
    deliverables: Vec<LineDeliverable>,
}

#[derive(Debug, Serialize, Deserialize)]
struct LineDeliverable {
    title: Text,
    #[serde(default)]
    specification: Text,
}

/// What became of a line.
#[derive(Debug)]
pub enum LineOutcome {
    /// A new draft; the notes say what the client must still give before submission.
    Imported {
        /// The draft.
        id: ProjectId,
        /// What is missing, or was not taken over.
        notes: Vec<String>,
    },
    /// It is there already, from an earlier run.
    Unchanged {
        /// The project.
        id: ProjectId,
    },
    /// All that is wrong with it.
    Refused {
        /// Each with a pointer into the line.
        problems: Vec<FieldError>,
    },
}

impl Projects {
    /// Imports a file's lines as drafts of an organisation, in the name of its owner, by a member of staff. Each line has a transaction of its own.
    ///
    /// # Errors
    /// Only when the import as a whole cannot go on: no such organisation, or the database is gone.
    pub async fn import(
        &self,
        staff: AccountId,
        organisation: OrganisationId,
        lines: &str,
        mut report: impl FnMut(usize, &LineOutcome),
    ) -> Result<()> {
        let mut conn = self.ctx.db.get().await?;
        let owner = store::accounts::owner_of(&mut conn, organisation).await?;
        let owner = owner.ok_or_else(|| Error::not_found("organisation"))?;
        drop(conn);
        let lines = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (index, line) in lines {
            let outcome = match self.import_line(staff, organisation, AccountId::from_uuid(owner), line).await
            {
                Ok(outcome) => outcome,
                Err(error) if error.code() == Code::InvalidFields => {
                    LineOutcome::Refused { problems: error.fields().to_vec() }
                }
                Err(error) if error.code() == Code::MalformedRequest => LineOutcome::Refused {
                    problems: vec![FieldError {
                        pointer: String::new(),
                        code: "invalid_format".to_owned(),
                        detail: error.detail().to_owned(),
                    }],
                },
                Err(error) => return Err(error),
            };
            report(index.saturating_add(1), &outcome);
        }
        Ok(())
    }

    async fn import_line(
        &self,
        staff: AccountId,
        organisation: OrganisationId,
        owner: AccountId,
        line: &str,
    ) -> Result<LineOutcome> {
        let parsed: Line = input::parse(line.as_bytes())?;
        let key = hash(&format!("{}\n{}", parsed.source.as_deref().unwrap_or(""), &*parsed.title));
        let mut notes = Vec::new();
        let content = self.content_of(parsed, &mut notes)?;
        content.validate().map_err(|errors| Error::invalid(input::field_errors(&errors)))?;
        self.ctx
            .db
            .tx(async |conn| {
                let found = store::projects::by_import_key(conn, organisation, &key).await?;
                if let Some(found) = found {
                    return Ok(LineOutcome::Unchanged { id: ProjectId::from_uuid(found) });
                }
                let draft =
                    self.insert_draft(conn, owner, organisation, content.clone(), Some(key.clone())).await?;
                // Another run may have stored the same line between the look-up and the insert.
                let Some(row) = draft else {
                    let found = store::projects::by_import_key(conn, organisation, &key).await?;
                    let found = found.ok_or_else(|| Error::internal("an imported project vanished"))?;
                    return Ok(LineOutcome::Unchanged { id: ProjectId::from_uuid(found) });
                };
                let id = row.project_id();
                let mut notes = notes.clone();
                let scope = self.scope(&row, Standing { verified: true, payable: true })?;
                let now = self.ctx.clock.now();
                notes.extend(
                    crate::model::PROJECT
                        .guards
                        .iter()
                        .filter_map(|guard| scope.blocked(guard.code, &self.ctx.policy.projects, now)),
                );
                audit::record(
                    &self.ctx,
                    conn,
                    audit::Entry {
                        actor: Some(staff),
                        action: "project.import",
                        subject: id.to_string(),
                        reason: None,
                        data: json!({ "organisation": organisation }),
                    },
                )
                .await?;
                Ok(LineOutcome::Imported { id, notes })
            })
            .await
    }

    fn content_of(&self, line: Line, notes: &mut Vec<String>) -> Result<ProjectContent> {
        let mut errors = FieldErrors::new();
        let sum: i64 = line.milestones.iter().map(|m| m.cost_usd).sum();
        if sum != line.total_usd {
            errors.push(
                "/total_usd",
                "inconsistent",
                format!("is {}, the milestones sum to {sum}", line.total_usd),
            );
        }
        let policy = &self.ctx.policy.projects;
        let cents = line.total_usd.saturating_mul(100);
        errors.check(
            (policy.budget_min_usd_minor..=policy.budget_max_usd_minor).contains(&cents),
            "/total_usd",
            "out_of_range",
            "must be between 5000 and 50000",
        );
        for (m, milestone) in line.milestones.iter().enumerate() {
            if milestone.duration.as_deref().is_some_and(|text| days(text).is_none()) {
                errors.push(
                    format!("/milestones/{m}/duration"),
                    "invalid_format",
                    "must be like `4 weeks` or `1.5 months`",
                );
            }
        }
        if line.duration.as_deref().is_some_and(|text| days(text).is_none()) {
            errors.push("/duration", "invalid_format", "must be like `4 weeks` or `1.5 months`");
        }
        errors.finish()?;

        let skills = self.skills_in(&line);
        if !skills.is_empty() {
            let named: Vec<&str> = skills.iter().map(|skill| skill.skill.as_str()).collect();
            notes.push(format!("Skills found in the text: {}.", named.join(", ")));
        }
        let floor = skills
            .iter()
            .filter_map(|skill| self.taxonomy.resolve(&skill.skill))
            .map(|skill| i64::from(skill.floor_usd_per_hour))
            .max()
            .unwrap_or(0);
        let effort_hours = effort(&line.milestones).filter(|hours| {
            let pays = i64::from(*hours).saturating_mul(floor) <= line.total_usd;
            if !pays {
                notes.push(format!(
                    "The file's staffing comes to {hours} hours, which the budget pays below the floor of ${floor} an hour; not taken over."
                ));
            }
            pays
        });
        let milestones: Vec<MilestoneInput> = line.milestones.into_iter().map(milestone).collect();
        let summed: u32 = milestones.iter().filter_map(|m| m.duration_days).sum();
        let duration_days = line.duration.as_deref().and_then(days).or(Some(summed).filter(|days| *days > 0));
        Ok(ProjectContent {
            title: line.title,
            description: line.description,
            outcome: None,
            decision_maker: None,
            budget: Some(Money::usd(line.total_usd)),
            effort_hours,
            starts_on: None,
            duration_days: duration_days.and_then(|days| i32::try_from(days).ok()),
            time_zone_need: None,
            confidentiality: Confidentiality::Public,
            skills,
            milestones,
        })
    }

    /// Skills whose name or alias stands in the text as words of its own; the most frequent six.
    fn skills_in(&self, line: &Line) -> Vec<SkillInput> {
        let mut text = format!("{} {}", &*line.title, &*line.description);
        for milestone in &line.milestones {
            text.push_str(&format!(" {}", &*milestone.title));
            for deliverable in &milestone.deliverables {
                text.push_str(&format!(" {} {}", &*deliverable.title, &*deliverable.specification));
            }
        }
        let words: Vec<String> = text
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '+' | '#' | '-' | '.' | '!')))
            .map(|word| word.trim_matches(|c: char| matches!(c, '-' | '.' | '!')).to_lowercase())
            .filter(|word| !word.is_empty())
            .collect();
        let mut counts: Vec<(String, usize)> = Vec::new();
        let singles = words.iter().cloned();
        let pairs = words.windows(2).map(|pair| pair.join(" "));
        for candidate in singles.chain(pairs) {
            // Short words and words of everyday English say nothing about a skill.
            let everyday = [
                "go",
                "dart",
                "swift",
                "express",
                "spring",
                "rest",
                "dash",
                "make",
                "processing",
                "assembly",
                "less",
                "hack",
                "reason",
                "elm",
                "design",
                "testing",
                "security",
                "move",
                "requirements",
                "payments",
            ];
            if candidate.len() < 3 || everyday.contains(&candidate.as_str()) {
                continue;
            }
            if let Some(skill) = self.taxonomy.resolve(&candidate) {
                match counts.iter_mut().find(|(slug, _)| *slug == skill.slug) {
                    Some((_, count)) => *count = count.saturating_add(1),
                    None => counts.push((skill.slug.clone(), 1)),
                }
            }
        }
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts
            .into_iter()
            .take(6)
            .enumerate()
            .map(|(i, (skill, _))| SkillInput { skill, level: Level::Proficient, must: i < 2 })
            .collect()
    }
}

fn milestone(line: LineMilestone) -> MilestoneInput {
    let count = u32::try_from(line.deliverables.len()).unwrap_or(1).max(1);
    let share = 10_000 / count;
    MilestoneInput {
        id: None,
        title: line.title,
        amount: line.cost_usd.saturating_mul(100),
        duration_days: line.duration.as_deref().and_then(days),
        deliverables: line
            .deliverables
            .into_iter()
            .enumerate()
            .map(|(i, deliverable)| {
                // The file has no weights: equal shares, what is left over to the last.
                let last = u32::try_from(i).is_ok_and(|i| i.saturating_add(1) == count);
                let specification = if deliverable.specification.is_empty() {
                    deliverable.title.clone()
                } else {
                    deliverable.specification
                };
                DeliverableInput {
                    id: None,
                    title: deliverable.title,
                    weight_bps: if last { 10_000 - share * (count - 1) } else { share },
                    acceptance: Some(AcceptanceInput {
                        kind: AcceptanceKind::Human,
                        criterion: Text::new("The client confirms that the specification is met."),
                    }),
                    specification,
                }
            })
            .collect(),
    }
}

/// `4 weeks`, `1.5 months`, `10 days` in days; a week has 7 and a month 30.
fn days(text: &str) -> Option<u32> {
    let text = text.trim().to_lowercase();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
    let (number, unit) = text.split_at(split);
    // Tenths are as fine as such texts are.
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u32 = whole.parse().ok()?;
    let tenths: u32 = tenths.get(..1)?.parse().ok()?;
    let unit_days = match unit.trim().trim_end_matches('s') {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        _ => return None,
    };
    let days = whole.checked_mul(10)?.checked_add(tenths)?.checked_mul(unit_days)? / 10;
    (1..=730).contains(&days).then_some(days)
}

/// Hours of a staffing of full-time equivalents: eight hours, five days a week. None when a milestone does not say.
fn effort(milestones: &[LineMilestone]) -> Option<i32> {
    let mut hours = 0.0;
    for milestone in milestones {
        let days = milestone.duration.as_deref().and_then(days)?;
        hours += milestone.fte.filter(|fte| *fte > 0.0)? * f64::from(days) * 40.0 / 7.0;
    }
    format!("{hours:.0}").parse().ok().filter(|hours| (1..=20_000).contains(hours))
}

fn hash(text: &str) -> String {
    sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_grant_texts_write_them() {
        assert_eq!(days("4 Weeks"), Some(28));
        assert_eq!(days("1.5 month"), Some(45));
        assert_eq!(days("2 months"), Some(60));
        assert_eq!(days("10 days"), Some(10));
        assert_eq!(days("soon"), None);
        assert_eq!(days("3 years"), None);
    }

    #[test]
    fn weights_sum_to_the_whole_for_any_count() {
        for count in 1..=30_usize {
            let line = LineMilestone {
                title: Text::new("M"),
                cost_usd: 100,
                duration: None,
                fte: None,
                deliverables: (0..count)
                    .map(|_| LineDeliverable { title: Text::new("D"), specification: Text::default() })
                    .collect(),
            };
            let sum: u32 = milestone(line).deliverables.iter().map(|d| d.weight_bps).sum();
            assert_eq!(sum, 10_000);
        }
    }
}
