//! Which measures can be compared: elements that no chain of ratings links have no common origin (Weeks & Williams 1964,
//! Technometrics 6, 319–324; Linacre's "subsets").

use serde::Serialize;

use super::data::Ratings;

/// Disjoint sets with path halving and union by size.
pub struct Sets {
    parent: Vec<u32>,
    size: Vec<u32>,
}

impl Sets {
    /// `count` sets of one.
    pub fn new(count: usize) -> Self {
        Self { parent: (0..count as u32).collect(), size: vec![1; count] }
    }

    /// The set's representative.
    pub fn find(&mut self, mut at: usize) -> usize {
        while self.parent[at] as usize != at {
            let above = self.parent[self.parent[at] as usize];
            self.parent[at] = above;
            at = above as usize;
        }
        at
    }

    /// Makes two sets one.
    pub fn join(&mut self, a: usize, b: usize) {
        let (mut a, mut b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        if self.size[a] < self.size[b] {
            std::mem::swap(&mut a, &mut b);
        }
        self.parent[b] = a as u32;
        self.size[a] += self.size[b];
    }
}

/// A rating that would link a component with the largest one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pairing {
    /// Assessor of the largest component.
    pub assessor_id: String,
    /// Developer of the component that hangs loose.
    pub developer_id: String,
}

/// One connected part of the design.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Component {
    /// How many developers.
    pub developers: usize,
    /// Its assessors.
    pub assessors: Vec<String>,
    /// One of its developers, to recognise it by.
    pub developer_id: String,
}

/// The connected parts of a design, the largest first.
#[derive(Clone, Debug, Serialize)]
pub struct Components {
    /// Are all measures comparable?
    pub connected: bool,
    /// Developers and assessors that ratings link.
    pub components: Vec<Component>,
    /// Criteria that shared assessors link; more than one part leaves severity and difficulty confounded.
    pub criteria: Vec<Vec<String>>,
    /// Ratings that would make it one.
    pub links: Vec<Pairing>,
    /// For each assessor the number of its component.
    #[serde(skip)]
    pub of_assessor: Vec<u32>,
    /// For each developer the number of its component.
    #[serde(skip)]
    pub of_developer: Vec<u32>,
}

/// Finds the connected parts, and the fewest ratings that would link them.
pub fn connectivity(ratings: &Ratings) -> Components {
    let (n, m) = (ratings.developers.len(), ratings.assessors.len());
    let mut sets = Sets::new(n + m);
    for developer in 0..n {
        for session in ratings.sessions_of(developer) {
            sets.join(developer, n + ratings.sessions[session].assessor as usize);
        }
    }
    let mut developers_in = vec![Vec::new(); n + m];
    let mut assessors_in = vec![Vec::new(); n + m];
    for developer in 0..n {
        developers_in[sets.find(developer)].push(developer);
    }
    for assessor in 0..m {
        assessors_in[sets.find(n + assessor)].push(assessor);
    }
    let mut roots: Vec<usize> = (0..n + m).filter(|root| !developers_in[*root].is_empty()).collect();
    roots.sort_by_key(|root| (std::cmp::Reverse(developers_in[*root].len()), developers_in[*root][0]));
    let (mut of_assessor, mut of_developer) = (vec![0; m], vec![0; n]);
    for (number, root) in roots.iter().enumerate() {
        developers_in[*root].iter().for_each(|developer| of_developer[*developer] = number as u32);
        assessors_in[*root].iter().for_each(|assessor| of_assessor[*assessor] = number as u32);
    }
    let component = |root: &usize| Component {
        developers: developers_in[*root].len(),
        assessors: assessors_in[*root].iter().map(|at| ratings.assessors[*at].clone()).collect(),
        developer_id: ratings.developers[developers_in[*root][0]].clone(),
    };
    let components: Vec<Component> = roots.iter().map(component).collect();
    let criteria = criteria(ratings);
    // The busiest assessor of the largest part rates one developer of each other part.
    let mut load = vec![0_usize; m];
    ratings.sessions.iter().take(ratings.sessions.len() - 1).for_each(|s| load[s.assessor as usize] += 1);
    let busiest =
        (0..m).filter(|at| of_assessor[*at] == 0).max_by_key(|at| (load[*at], std::cmp::Reverse(*at)));
    let links = components.iter().skip(1).filter_map(|component| {
        Some(Pairing {
            assessor_id: ratings.assessors[busiest?].clone(),
            developer_id: component.developer_id.clone(),
        })
    });
    let links = links.collect();
    Components {
        connected: components.len() == 1 && criteria.len() == 1,
        components,
        criteria,
        links,
        of_assessor,
        of_developer,
    }
}

fn criteria(ratings: &Ratings) -> Vec<Vec<String>> {
    let count = ratings.criteria.len();
    let mut sets = Sets::new(count + ratings.assessors.len());
    for pair in &ratings.pairs {
        sets.join(pair.criterion as usize, count + pair.assessor as usize);
    }
    let mut parts: Vec<Vec<String>> = vec![Vec::new(); count + ratings.assessors.len()];
    for (criterion, name) in ratings.criteria.iter().enumerate() {
        parts[sets.find(criterion)].push(name.clone());
    }
    parts.retain(|part| !part.is_empty());
    parts
}
