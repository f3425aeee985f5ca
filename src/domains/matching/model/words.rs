//! Rankings in words.

use super::facts::date_of;
use super::near_misses::NearMiss;

/// How far a part moves a score, in words.
fn size(above_median: f64) -> &'static str {
    match above_median {
        x if x >= 0.5 => "far above",
        x if x >= 0.15 => "above",
        x if x >= 0.03 => "a little above",
        x if x > -0.03 => "level with",
        x if x > -0.15 => "a little below",
        x if x > -0.5 => "below",
        _ => "far below",
    }
}

/// A part in words: the name of the feature, and where it puts somebody.
pub fn part(name: &str, above_median: f64) -> String {
    let mut letters = name.chars();
    let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    format!("{name}: {} the middle of those who fit ({above_median:+.2}).", size(above_median))
}

/// A place in a line: what speaks most for somebody, and what most against.
pub fn summary<'a>(parts: impl Iterator<Item = (&'a str, f64)>) -> String {
    let mut parts: Vec<(&str, f64)> = parts.filter(|(_, value)| value.abs() >= 0.03).collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = |parts: &[&(&str, f64)]| -> String {
        parts.iter().map(|(name, value)| format!("{name} ({value:+.2})")).collect::<Vec<_>>().join(", ")
    };
    let up: Vec<_> = parts.iter().filter(|(_, value)| *value > 0.0).take(3).collect();
    let down: Vec<_> = parts.iter().rev().filter(|(_, value)| *value < 0.0).take(2).collect();
    match (up.is_empty(), down.is_empty()) {
        (true, true) => "In the middle of those who fit, in everything.".to_owned(),
        (false, true) => format!("Speaks for them: {}.", named(&up)),
        (true, false) => format!("Speaks against them: {}.", named(&down)),
        (false, false) => format!("Speaks for them: {}. Against: {}.", named(&up), named(&down)),
    }
}

/// A near miss in words: what would let how many more in.
pub fn near_miss(miss: &NearMiss, must: &[String]) -> String {
    let NearMiss { more_at, at, .. } = miss;
    match miss.constraint {
        // Rounded up, so that those who are counted are inside.
        "rate" => format!("{more_at} more at ${:.0} an hour.", at.ceil()),
        "weekly_hours" => format!("{more_at} more at {:.0} hours a week.", at.floor()),
        "start" => format!("{more_at} more with a start on {}.", date_of(*at as i32)),
        "overlap" => format!("{more_at} more at {:.0} hours' overlap.", at.floor()),
        _ => {
            let skill = miss.skill.and_then(|at| must.get(at)).map_or("a skill", String::as_str);
            format!("{} more without `{skill}` as a must.", miss.more)
        }
    }
}

/// A counterfactual in words, told to the developer (`you`) or of them.
pub fn counterfactual(you: bool, (skill, level, to): (&str, u8, usize), from: usize) -> String {
    let whom = if you { "you" } else { "them" };
    format!("Level {level} in `{skill}` would move {whom} from {from} to {to}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_read_well() {
        assert_eq!(
            part("technical score", 0.42),
            "Technical score: above the middle of those who fit (+0.42)."
        );
        let parts = [("technical score", 0.42), ("shared hours", -0.2), ("exploration", 0.001)];
        assert_eq!(
            summary(parts.into_iter()),
            "Speaks for them: technical score (+0.42). Against: shared hours (-0.20)."
        );
        let miss = |constraint, skill, at| NearMiss { constraint, skill, more: 9, at, more_at: 7 };
        assert_eq!(near_miss(&miss("overlap", None, 2.0), &[]), "7 more at 2 hours' overlap.");
        assert_eq!(near_miss(&miss("rate", None, 94.2), &[]), "7 more at $95 an hour.");
        let must = ["rust".to_owned()];
        assert_eq!(near_miss(&miss("skill", Some(0), 0.0), &must), "9 more without `rust` as a must.");
        assert_eq!(
            counterfactual(true, ("terraform", 4, 4), 9),
            "Level 4 in `terraform` would move you from 9 to 4."
        );
    }
}
