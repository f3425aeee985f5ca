//! Acceleration of a fixed-point map (SQUAREM, scheme S3: Varadhan & Roland 2008, Scand. J. Statist. 35, 335–353).

/// What a run came to.
pub struct Run {
    /// The fixed point.
    pub at: Vec<f64>,
    /// How often the map was evaluated.
    pub evaluations: usize,
    /// Largest change of the last plain step.
    pub residual: f64,
}

/// Iterates `map` (which changes a vector in place and says the objective where it came from, to be maximised) until a
/// plain step changes no entry by more than `tolerance`.
pub fn accelerate(
    start: Vec<f64>,
    tolerance: f64,
    most: usize,
    mut map: impl FnMut(&mut Vec<f64>) -> f64,
) -> Run {
    let mut p = start;
    let mut evaluations = 0;
    let mut residual = f64::INFINITY;
    let mut longest = 4.0_f64;
    while evaluations < most {
        let mut p1 = p.clone();
        map(&mut p1);
        let mut p2 = p1.clone();
        let at_p1 = map(&mut p2);
        evaluations += 2;
        residual = difference(&p1, &p2);
        if residual <= tolerance {
            return Run { at: p2, evaluations, residual };
        }
        let (mut rr, mut vv) = (0.0, 0.0);
        for ((p, p1), p2) in p.iter().zip(&p1).zip(&p2) {
            let r = p1 - p;
            let v = p2 - p1 - r;
            rr += r * r;
            vv += v * v;
        }
        let length = if vv > 0.0 { (rr / vv).sqrt().clamp(1.0, longest) } else { 1.0 };
        if length <= 1.0 {
            p = p2;
            continue;
        }
        let mut far: Vec<f64> = p
            .iter()
            .zip(&p1)
            .zip(&p2)
            .map(|((p, p1), p2)| p + 2.0 * length * (p1 - p) + length * length * (p2 - 2.0 * p1 + p))
            .collect();
        let at_far = map(&mut far);
        evaluations += 1;
        if at_far.is_finite() && at_far >= at_p1 - 1e-7 * at_p1.abs() && far.iter().all(|x| x.is_finite()) {
            if length >= longest {
                longest *= 4.0;
            }
            p = far;
        } else {
            longest = (longest / 4.0).max(1.0);
            p = p2;
        }
    }
    Run { at: p, evaluations, residual }
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
