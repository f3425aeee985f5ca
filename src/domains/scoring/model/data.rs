//! Ratings as columns: read, checked and sorted once.

use std::collections::HashMap;

use serde::Deserialize;
use thiserror::Error;

/// Most categories that a scale may have.
pub const MAX_CATEGORIES: usize = 21;

/// The rating scale, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Lowest level.
    pub min: i64,
    /// Highest level.
    pub max: i64,
}

impl Scale {
    /// A scale of at least two and at most 21 levels.
    pub fn new(min: i64, max: i64) -> Result<Self, Fault> {
        let levels = i128::from(max) - i128::from(min) + 1;
        if (2..=MAX_CATEGORIES as i128).contains(&levels) {
            Ok(Self { min, max })
        } else {
            Err(Fault::Scale { min, max })
        }
    }

    /// Steps from one level to the next.
    pub fn steps(self) -> usize {
        usize::try_from(self.max - self.min).unwrap_or(1)
    }
}

/// Why ratings are refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON of the expected shape.
    #[error("{0}")]
    Malformed(String),
    /// An empty name.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// Outside the scale that was asked for.
    #[error("rating {rating} is outside the levels {min}..{max}")]
    OffScale {
        /// What was given.
        rating: i64,
        /// Lowest level.
        min: i64,
        /// Highest level.
        max: i64,
    },
    /// No scale of 2 to 21 levels.
    #[error(
        "levels {min}..{max}: a scale has 2 to 21 levels (give --levels when the ratings hold fewer than two)"
    )]
    Scale {
        /// Lowest level.
        min: i64,
        /// Highest level.
        max: i64,
    },
    /// Nothing to score.
    #[error("there are no ratings")]
    None,
    /// Past what fits 32-bit row numbers.
    #[error("there are too many ratings")]
    TooMany,
}

/// One line of the input.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    developer_id: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    assessor_id: std::borrow::Cow<'a, str>,
    /// Checked, not used: who leads and who watches is the same evidence.
    #[serde(borrow, default)]
    #[expect(dead_code, reason = "part of the format")]
    role: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    criterion: std::borrow::Cow<'a, str>,
    rating: i64,
}

/// Adds one line `{"developer_id","assessor_id","role","criterion","rating"}`.
pub fn read_line(builder: &mut RatingsBuilder, line: &str) -> Result<(), Fault> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| Fault::Malformed(error.to_string()))?;
    builder.add(&line.developer_id, &line.assessor_id, &line.criterion, line.rating)
}

/// Names in the order of their first appearance.
#[derive(Clone, Default)]
struct Names {
    index: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn of(&mut self, name: &str) -> Result<u32, Fault> {
        if let Some(index) = self.index.get(name) {
            return Ok(*index);
        }
        let index = u32::try_from(self.names.len()).map_err(|_| Fault::TooMany)?;
        self.index.insert(name.to_owned(), index);
        self.names.push(name.to_owned());
        Ok(index)
    }
}

/// Gathers ratings.
#[derive(Clone, Default)]
pub struct RatingsBuilder {
    scale: Option<Scale>,
    developers: Names,
    assessors: Names,
    criteria: Names,
    rows: Vec<(u32, u32, u32, i64)>,
}

impl RatingsBuilder {
    /// Ratings on the scale given, or on the data's smallest to largest integer.
    pub fn new(scale: Option<Scale>) -> Self {
        Self { scale, ..Self::default() }
    }

    /// Adds a rating.
    pub fn add(
        &mut self,
        developer: &str,
        assessor: &str,
        criterion: &str,
        rating: i64,
    ) -> Result<(), Fault> {
        for (name, value) in
            [("developer_id", developer), ("assessor_id", assessor), ("criterion", criterion)]
        {
            if value.is_empty() {
                return Err(Fault::Empty(name));
            }
        }
        if let Some(Scale { min, max }) = self.scale
            && !(min..=max).contains(&rating)
        {
            return Err(Fault::OffScale { rating, min, max });
        }
        let row = (
            self.developers.of(developer)?,
            self.assessors.of(assessor)?,
            self.criteria.of(criterion)?,
            rating,
        );
        self.rows.push(row);
        Ok(())
    }

    /// Sorts what was added into columns.
    pub fn build(mut self) -> Result<Ratings, Fault> {
        u32::try_from(self.rows.len()).map_err(|_| Fault::TooMany)?;
        let levels = self.rows.iter().map(|row| row.3);
        let (Some(min), Some(max)) = (levels.clone().min(), levels.max()) else { return Err(Fault::None) };
        let scale = match self.scale {
            Some(scale) => scale,
            None => Scale::new(min, max)?,
        };
        self.rows.sort_unstable();
        let mut ratings = Ratings {
            scale,
            developers: self.developers.names,
            assessors: self.assessors.names,
            criteria: self.criteria.names,
            pairs: Vec::new(),
            rows: Vec::with_capacity(self.rows.len()),
            sessions: Vec::new(),
            first_session: Vec::new(),
        };
        let mut pairs = HashMap::new();
        let mut last = None;
        for (developer, assessor, criterion, rating) in self.rows {
            let pair = *pairs.entry((assessor, criterion)).or_insert_with(|| {
                ratings.pairs.push(Pair { assessor, criterion });
                ratings.pairs.len() as u32 - 1
            });
            while ratings.first_session.len() <= developer as usize {
                ratings.first_session.push(ratings.sessions.len() as u32);
            }
            if last != Some((developer, assessor)) {
                last = Some((developer, assessor));
                ratings.sessions.push(Session { assessor, first_row: ratings.rows.len() as u32 });
            }
            ratings.rows.push(Row { pair, level: (rating - scale.min) as u8 });
        }
        ratings.first_session.push(ratings.sessions.len() as u32);
        ratings.sessions.push(Session { assessor: 0, first_row: ratings.rows.len() as u32 });
        Ok(ratings)
    }
}

/// An assessor with a criterion, numbered so that tables hold only pairs that occur.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Whose severity.
    pub assessor: u32,
    /// Whose difficulty.
    pub criterion: u32,
}

/// One rating.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Of which assessor on which criterion.
    pub pair: u32,
    /// Levels above the scale's lowest.
    pub level: u8,
}

/// One assessor's card on one developer: its ratings share a session effect.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Who rated.
    pub assessor: u32,
    /// Its first row; the next session's first row ends it.
    pub first_row: u32,
}

/// Ratings as columns, sorted by developer, assessor, criterion.
pub struct Ratings {
    /// The rating scale.
    pub scale: Scale,
    /// Names of developers.
    pub developers: Vec<String>,
    /// Names of assessors.
    pub assessors: Vec<String>,
    /// Names of criteria.
    pub criteria: Vec<String>,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) rows: Vec<Row>,
    /// One more than there are: the last one only ends the one before.
    pub(crate) sessions: Vec<Session>,
    /// For each developer the first session, and one more.
    pub(crate) first_session: Vec<u32>,
}

impl Ratings {
    /// How many ratings there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a builder without ratings builds nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn steps(&self) -> usize {
        self.scale.steps()
    }

    /// Numbers of a developer's sessions.
    pub(crate) fn sessions_of(&self, developer: usize) -> std::ops::Range<usize> {
        self.first_session[developer] as usize..self.first_session[developer + 1] as usize
    }

    /// A session's assessor and rows.
    pub(crate) fn session(&self, session: usize) -> (usize, &[Row]) {
        let Session { assessor, first_row } = self.sessions[session];
        (assessor as usize, &self.rows[first_row as usize..self.sessions[session + 1].first_row as usize])
    }

    /// The ratings on some criteria only; developers and assessors keep their numbers.
    pub(crate) fn only(&self, criteria: &[usize]) -> Self {
        let mut number = vec![None; self.criteria.len()];
        criteria.iter().enumerate().for_each(|(new, old)| number[*old] = Some(new as u32));
        let mut kept = Self {
            scale: self.scale,
            developers: self.developers.clone(),
            assessors: self.assessors.clone(),
            criteria: criteria.iter().map(|at| self.criteria[*at].clone()).collect(),
            pairs: Vec::new(),
            rows: Vec::new(),
            sessions: Vec::new(),
            first_session: vec![0],
        };
        let pairs: Vec<u32> = self
            .pairs
            .iter()
            .map(|pair| {
                let criterion = number[pair.criterion as usize]?;
                kept.pairs.push(Pair { assessor: pair.assessor, criterion });
                Some(kept.pairs.len() as u32 - 1)
            })
            .map(|pair| pair.unwrap_or(u32::MAX))
            .collect();
        for developer in 0..self.developers.len() {
            for session in self.sessions_of(developer) {
                let (assessor, rows) = self.session(session);
                let first_row = kept.rows.len() as u32;
                let rows = rows.iter().map(|row| Row { pair: pairs[row.pair as usize], ..*row });
                kept.rows.extend(rows.filter(|row| row.pair != u32::MAX));
                if kept.rows.len() as u32 > first_row {
                    kept.sessions.push(Session { assessor: assessor as u32, first_row });
                }
            }
            kept.first_session.push(kept.sessions.len() as u32);
        }
        kept.sessions.push(Session { assessor: 0, first_row: kept.rows.len() as u32 });
        kept
    }

    /// Every rating as (developer, assessor, criterion, level), in the order of the rows.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..self.developers.len()).flat_map(move |developer| {
            self.sessions_of(developer).flat_map(move |session| {
                let (assessor, rows) = self.session(session);
                rows.iter().map(move |row| {
                    let criterion = self.pairs[row.pair as usize].criterion as usize;
                    (developer, assessor, criterion, usize::from(row.level))
                })
            })
        })
    }
}
