//! A session's halo is one for all that was rated in it: what one scale shows of it, another need not guess.
//!
//! Two scales are calibrated each by itself. A developer's errors on both then share the mean halo of their sessions, and
//! a high measure on one beside a low one on the other is partly halo on the first. Both posteriors are combined as normal
//! ones: `(Σ⁻¹ + E⁻¹)⁻¹ E⁻¹ y` with the abilities' covariance `Σ`, the data's own means `y`, and errors `E` whose
//! off-diagonal is `ρ·φ₁·φ₂ / sessions`.

use super::data::Ratings;
use super::fit::Measure;
use super::mml::Marginal;

/// Corrects the measures of two scales by each other; `related` is the correlation of the abilities themselves.
pub fn lend(ratings: &Ratings, first: &mut Marginal, second: &mut Marginal, related: f64) {
    let sessions = |developer: usize| ratings.sessions_of(developer).len().max(1) as f64;
    let populations = [&*first, &*second].map(|found| {
        let calibration = &found.calibration;
        (calibration.mu, calibration.sigma.powi(2).max(1e-6), calibration.phi)
    });
    let [(mu_first, own_first, phi_first), (mu_second, own_second, phi_second)] = populations;
    let covariance = related.clamp(-0.5, 0.5) * (own_first * own_second).sqrt();
    let halos = phi_first * phi_second;
    // Posterior means carry their reliabilities' share of each covariance.
    let (mut together, mut by_ability, mut by_halo) = (0.0, 0.0, 0.0);
    for (developer, (a, b)) in first.developers.iter().zip(&second.developers).enumerate() {
        let reliable = (1.0 - a.se * a.se / own_first).max(0.0) * (1.0 - b.se * b.se / own_second).max(0.0);
        together += (a.measure - mu_first) * (b.measure - mu_second);
        by_ability += reliable;
        by_halo += reliable / sessions(developer);
    }
    if halos * by_halo <= 0.0 {
        return;
    }
    let shared = ((together - covariance * by_ability) / (halos * by_halo)).clamp(0.0, 0.95);
    let everybody = first.developers.iter_mut().zip(&mut second.developers).enumerate();
    for (developer, (a, b)) in everybody {
        let (y_a, e_a) = data(*a, mu_first, own_first);
        let (y_b, e_b) = data(*b, mu_second, own_second);
        let error = (shared * halos / sessions(developer)).min(0.95 * (e_a * e_b).sqrt());
        let (all_a, all_b, all) = (own_first + e_a, own_second + e_b, covariance + error);
        let determinant = all_a * all_b - all * all;
        // What both data say of an ability with these covariances to them: mean above the population's, and variance.
        let told = |with_a: f64, with_b: f64, own: f64| {
            let of_a = (with_a * all_b - with_b * all) / determinant;
            let of_b = (with_b * all_a - with_a * all) / determinant;
            (of_a * y_a + of_b * y_b, (own - of_a * with_a - of_b * with_b).max(1e-9))
        };
        for (measure, mu, (above, variance)) in [
            (a, mu_first, told(own_first, covariance, own_first)),
            (b, mu_second, told(covariance, own_second, own_second)),
        ] {
            measure.measure = mu + above;
            measure.se = variance.sqrt();
        }
    }
}

/// What the data alone say, the population taken out: their mean above the population's, and error variance.
fn data(posterior: Measure, mu: f64, own: f64) -> (f64, f64) {
    let precision = 1.0 / (posterior.se * posterior.se).max(1e-9);
    let of_data = (precision - 1.0 / own).max(1e-6);
    ((posterior.measure - mu) * precision / of_data, 1.0 / of_data)
}
