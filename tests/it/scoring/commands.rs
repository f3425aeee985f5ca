//! `assay score` and `assay match` as support staff and audit call them: the real binary on files.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("assay-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, rows: &[Value]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
        path
    }

    fn read(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn assay(arguments: &[&str], paths: &[(&str, &Path)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(arguments);
    for (flag, path) in paths {
        command.arg(flag).arg(path);
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Developer n is n levels good; assessor `harsh` takes one level off.
fn ratings() -> Vec<Value> {
    let mut rows = Vec::new();
    for developer in 0..8_i64 {
        let assessors = if developer % 2 == 0 { ["kind", "harsh"] } else { ["kind", "middle"] };
        for assessor in assessors {
            for criterion in ["design", "testing", "debugging"] {
                let off = if assessor == "harsh" { 1 } else { 0 };
                let wobble = i64::from(criterion == "testing" && developer % 3 == 0);
                let rating = (developer / 2 + wobble - off).clamp(0, 4);
                rows.push(json!({
                    "developer_id": format!("d{developer}"), "assessor_id": assessor, "role": "primary",
                    "criterion": criterion, "rating": rating,
                }));
            }
        }
    }
    rows
}

#[test]
fn scores_follow_ability_and_the_report_tells_who_is_harsh() {
    let folder = Folder::new("score");
    let input = folder.write("ratings.jsonl", &ratings());
    for estimator in ["bayes", "jmle"] {
        let (out, report) = (folder.0.join("scores.jsonl"), folder.0.join("report.json"));
        let ran = assay(
            &["score", "--estimator", estimator, "--levels", "0..4"],
            &[("--ratings", &input), ("--out", &out), ("--report", &report)],
        );
        assert_eq!(ran, (Some(0), String::new()));
        let scores = folder.read("scores.jsonl");
        assert_eq!(scores.len(), 8);
        let mut keys: Vec<&String> = scores[0].as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["developer_id", "infit", "outfit", "ratings", "score", "se"]);
        let score = |id: &str| {
            scores.iter().find(|row| row["developer_id"] == id).unwrap()["score"].as_f64().unwrap()
        };
        assert!(score("d6") > score("d4") && score("d4") > score("d2"), "{estimator}");
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
        assert_eq!(report["assessors"][0]["assessor_id"], "harsh", "{estimator}");
        assert_eq!(report["connectivity"]["connected"], true);
        assert_eq!(report["criteria"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_malformed_line_is_named_and_nothing_is_written() {
    let folder = Folder::new("refused");
    let good = ratings();
    for (bad, says) in [
        ("{\"developer_id\":\"d1\"", "line 3"),
        (
            "{\"developer_id\":\"d1\",\"assessor_id\":\"a\",\"role\":\"primary\",\"criterion\":\"c\",\"rating\":9}",
            "outside",
        ),
        (
            "{\"developer_id\":\"d1\",\"assessor_id\":\"a\",\"role\":\"primary\",\"criterion\":\"c\",\"rating\":2.5}",
            "line 3",
        ),
        (
            "{\"developer_id\":\"\",\"assessor_id\":\"a\",\"role\":\"primary\",\"criterion\":\"c\",\"rating\":2}",
            "developer_id",
        ),
    ] {
        let input = folder.0.join("ratings.jsonl");
        std::fs::write(&input, format!("{}\n{}\n{bad}\n{}\n", good[0], good[1], good[2])).unwrap();
        let out = folder.0.join("scores.jsonl");
        let (code, said) = assay(&["score", "--levels", "0..4"], &[("--ratings", &input), ("--out", &out)]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("line 3") && said.contains(says), "{said}");
        assert!(!out.exists());
    }
    let (code, _) = assay(&["score", "--levels", "4..0"], &[("--ratings", &folder.0), ("--out", &folder.0)]);
    assert_eq!(code, Some(2));
}

#[test]
fn a_market_is_ranked_the_same_way_twice() {
    let folder = Folder::new("match");
    std::fs::write(
        folder.0.join("skills.json"),
        json!([{"id": "rust", "cluster": "systems", "aliases": ["rs"]}]).to_string(),
    )
    .unwrap();
    let developer = |id: i64| {
        json!({
            "id": format!("d{id}"), "joined_day": -10, "skills": [{"skill": "rust", "level": 2 + id % 4}],
            "domains": ["health"], "rate": 60 + 10 * id, "weekly_hours": 20, "available_from": 0, "utc_offset": 0,
        })
    };
    folder.write("developers.jsonl", &(0..8).map(developer).collect::<Vec<_>>());
    folder.write("ratings.jsonl", &ratings());
    folder.write("invitations.jsonl", &[]);
    folder.write("contracts.jsonl", &[]);
    let project = |id: i64| {
        json!({
            "id": format!("p{id}"), "day": id, "must": ["rs"], "nice": [], "domain": "health", "max_rate": 100.0,
            "weekly_hours": 10, "utc_offset": 1, "min_overlap": 4, "start_day": id + 3, "end_day": id + 30,
        })
    };
    folder.write("projects.jsonl", &(1..6).map(project).collect::<Vec<_>>());
    let ranked = |name: &str| {
        let out = folder.0.join(name);
        let ran = assay(&["match", "--seed", "3", "--explain"], &[("--market", &folder.0), ("--out", &out)]);
        assert_eq!(ran, (Some(0), String::new()));
        std::fs::read(&out).unwrap()
    };
    assert_eq!(ranked("first.jsonl"), ranked("second.jsonl"));
    let lines = folder.read("first.jsonl");
    assert_eq!(lines.len(), 5);
    for line in &lines {
        // Level 2 is no working knowledge, and d5 and later cost more than the project pays.
        let mut shown: Vec<&str> =
            line["ranking"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        shown.sort_unstable();
        assert_eq!(shown, ["d1", "d2", "d3"]);
        assert_eq!(line["explanations"].as_array().unwrap().len(), 3);
    }
    std::fs::write(folder.0.join("contracts.jsonl"), "{}\n").unwrap();
    let out = folder.0.join("third.jsonl");
    let (code, said) = assay(&["match"], &[("--market", &folder.0), ("--out", &out)]);
    assert_eq!((code, out.exists()), (Some(2), false));
    assert!(said.contains("contracts.jsonl") && said.contains("line 1"), "{said}");
}
