//! What a developer is worth to a project: the chance that they accept times the chance that the work is accepted.

use assay_scoring::logistic;

use super::learn::Parameters;
use super::snapshot::{Query, Snapshot, Wants, shared_hours};

/// The terms of a developer for a project: what enters the two chances, in a fixed order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// `ln(max rate / rate)`.
    pub headroom: f64,
    /// 1 in a known line of business.
    pub domain: f64,
    /// Standardised technical score.
    pub technical: f64,
    /// Standardised collaboration score.
    pub collaboration: f64,
    /// Mean level of the must-skills, 0 to 1, about 0.8.
    pub must: f64,
    /// Mean level of the nice skills, 0 to 1.
    pub nice: f64,
    /// Shared hours, 0 to 1.
    pub overlap: f64,
    /// Own record.
    pub record: f64,
    /// Variance of what is known of the person, on the logit scale.
    pub variance: f64,
}

/// The inverse of [`logistic`], finite.
pub fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(1e-9, 1.0 - 1e-9);
    (probability / (1.0 - probability)).ln()
}

impl Terms {
    /// In a fixed order, to be kept.
    pub fn to_array(self) -> [f64; 9] {
        [
            self.headroom,
            self.domain,
            self.technical,
            self.collaboration,
            self.must,
            self.nice,
            self.overlap,
            self.record,
            self.variance,
        ]
    }

    /// As kept by [`Self::to_array`].
    pub fn from_array(kept: [f64; 9]) -> Self {
        let [headroom, domain, technical, collaboration, must, nice, overlap, record, variance] = kept;
        Self { headroom, domain, technical, collaboration, must, nice, overlap, record, variance }
    }

    /// Of one developer.
    pub fn of(snapshot: &Snapshot, parameters: &Parameters, query: &Query, row: usize) -> Self {
        let wanted = query.must.iter().flatten().chain(&query.nice);
        let levels: Vec<f64> = wanted.map(|skill| snapshot.fit(row, *skill)).collect();
        Self::at(snapshot, parameters, query, &levels, row)
    }

    /// The same, for one of many developers; the levels are written over.
    #[inline]
    pub fn wanted(
        snapshot: &Snapshot,
        parameters: &Parameters,
        query: &Query,
        (wants, levels): (&Wants, &mut [f64]),
        row: usize,
    ) -> Self {
        snapshot.fits(row, wants, levels);
        Self::at(snapshot, parameters, query, levels, row)
    }

    /// With the levels of the wanted skills.
    #[inline]
    fn at(snapshot: &Snapshot, parameters: &Parameters, query: &Query, levels: &[f64], row: usize) -> Self {
        let (must, nice) = levels.split_at(levels.len() - query.nice.len());
        let mean = |levels: &[f64], count: usize| match count {
            0 => 0.0,
            count => levels.iter().sum::<f64>() / (5 * count) as f64,
        };
        let own = snapshot.row(row);
        let sd = |sd: f32, slope: f64| (f64::from(sd) * slope).powi(2);
        Self {
            headroom: f64::from(query.max_rate / own.rate.max(0.01)).ln().clamp(-1.0, 1.5),
            domain: if own.domains & query.domain != 0 { 1.0 } else { 0.0 },
            technical: f64::from(own.technical),
            collaboration: f64::from(own.collaboration),
            must: if query.must.is_empty() { 0.8 } else { mean(must, query.must.len()) },
            nice: mean(nice, query.nice.len()),
            overlap: f64::from(shared_hours(own.utc_offset, query.utc_offset)) / 8.0,
            record: f64::from(own.record),
            variance: sd(own.technical_sd, parameters.success[1])
                + sd(own.collaboration_sd, parameters.success[2])
                + f64::from(own.record_variance),
        }
    }

    /// What enters the chance of success, the constant first.
    pub fn for_success(&self) -> [f64; 7] {
        [
            1.0,
            self.technical,
            self.collaboration,
            self.must - 0.8,
            self.nice - 0.3,
            self.domain,
            self.overlap - 0.7,
        ]
    }

    /// What enters the chance of acceptance, the constant first.
    pub fn for_acceptance(&self) -> [f64; 3] {
        [1.0, self.headroom, self.domain]
    }

    /// `P(accept)` and `P(success)`; the second is drawn towards a half by what is not known (MacKay 1992).
    pub fn chances(&self, parameters: &Parameters) -> (f64, f64) {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let success = dot(&self.for_success(), &parameters.success) + self.record;
        let drawn = (1.0 + std::f64::consts::PI * self.variance / 8.0).sqrt();
        (logistic(dot(&self.for_acceptance(), &parameters.acceptance)), logistic(success / drawn))
    }

    /// The value on the logit scale, where parts add.
    pub fn logit(&self, parameters: &Parameters) -> f64 {
        let (accepts, succeeds) = self.chances(parameters);
        logit(accepts * succeeds)
    }
}
