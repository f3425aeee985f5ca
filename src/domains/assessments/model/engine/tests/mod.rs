//! The engine against a minute-by-minute reading of its rules, and what must hold of every answer.

mod assigning;
mod brute;
mod made_up;
mod reading;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::input::{Host, Mode, SlotsInput};
use super::span::{Span, subtract, unite};
use super::zone::Offsets;
use super::{explain, slots};

/// Starts with their leads and observers, as plain values.
type Plain = BTreeMap<i64, (Vec<String>, Vec<String>)>;

fn plain(input: &SlotsInput) -> Plain {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let offered = slots(input).slots;
    let observers = |slot: &super::Slot<'_>| owned(slot.observers.as_deref().unwrap_or_default());
    offered.iter().map(|slot| (slot.start.timestamp(), (owned(&slot.leads), observers(slot)))).collect()
}

fn alone(input: &SlotsInput, host: &Host) -> SlotsInput {
    SlotsInput { hosts: vec![host.clone()], mode: Mode::AnyLead, ..input.clone() }
}

fn span() -> impl Strategy<Value = Span> {
    (0..60_i64, -2..15_i64).prop_map(|(start, length)| Span { start, end: start + length })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_sweep_agrees_with_every_minute(input in made_up::question()) {
        prop_assert_eq!(plain(&input), brute::slots(&input));
    }

    #[test]
    fn answers_are_sorted_and_each_start_is_there_once(input in made_up::question()) {
        let answer = slots(&input);
        prop_assert!(answer.slots.is_sorted_by(|a, b| a.start < b.start));
        for slot in &answer.slots {
            prop_assert!(!slot.leads.is_empty() && slot.leads.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(slot.observers.is_some(), input.mode == Mode::LeadAndObserver);
            prop_assert!(slot.observers.iter().all(|all| !all.is_empty() && all.is_sorted_by(|a, b| a < b)));
        }
    }

    #[test]
    fn a_pool_is_the_union_of_its_leads(input in made_up::question()) {
        let mut union = Plain::new();
        let pool = SlotsInput { mode: Mode::AnyLead, ..input };
        for host in &pool.hosts {
            for (start, (leads, _)) in plain(&alone(&pool, host)) {
                let all = &mut union.entry(start).or_default().0;
                all.extend(leads);
                all.sort();
            }
        }
        prop_assert_eq!(plain(&pool), union);
    }

    #[test]
    fn a_panel_offers_no_start_that_no_lead_could_take(input in made_up::question()) {
        let panel = plain(&SlotsInput { mode: Mode::LeadAndObserver, ..input.clone() });
        let pool = plain(&SlotsInput { mode: Mode::AnyLead, ..input });
        for (start, (leads, observers)) in panel {
            let able = pool.get(&start).map(|(leads, _)| leads.clone()).unwrap_or_default();
            prop_assert!(leads.iter().all(|lead| able.contains(lead)));
            prop_assert!(leads != observers || leads.len() > 1, "nobody observes himself");
        }
    }

    /// Wherever a booking is moved, no start is offered that overlaps it, buffers included.
    #[test]
    fn a_moved_booking_is_never_overlapped(input in made_up::question(), minutes in -3_000..3_000_i64) {
        let mut input = input;
        let by = chrono::TimeDelta::minutes(minutes);
        for booking in input.hosts.iter_mut().flat_map(|host| &mut host.bookings) {
            booking.during.start += by;
            booking.during.end += by;
        }
        let answer = plain(&input);
        let before = i64::from(input.session.buffer_before_min) * 60;
        let after = i64::from(input.session.length_min.get() + input.session.buffer_after_min) * 60;
        for host in &input.hosts {
            let busy = |(leads, observers): &(Vec<String>, Vec<String>)| leads.contains(&host.id) || observers.contains(&host.id);
            for start in answer.iter().filter(|(_, people)| busy(people)).map(|(start, _)| *start) {
                for booking in host.bookings.iter().filter(|booking| booking.blocks(input.now)) {
                    let blocked = super::calendar::blocked(booking);
                    prop_assert!(start + after <= blocked.start || blocked.end <= start - before);
                }
            }
        }
    }

    /// Taking away a booking or a limit never takes away a start, without limits on the grid's side.
    #[test]
    fn less_in_the_way_offers_no_less(input in made_up::question()) {
        let full = plain(&input);
        let mut bare = input;
        bare.candidate_busy.clear();
        for host in &mut bare.hosts {
            host.bookings.clear();
            host.time_off.clear();
            (host.max_per_day, host.max_per_week) = (None, None);
        }
        let bare = plain(&bare);
        prop_assert!(full.keys().all(|start| bare.contains_key(start)));
    }

    #[test]
    fn each_start_is_offered_with_a_host_or_has_a_reason(input in made_up::question()) {
        let why = explain(&input, None).unwrap();
        for host in &why.hosts {
            for verdict in &host.starts {
                prop_assert_eq!(verdict.offered_as.is_empty(), !verdict.why_not.is_empty(), "{:?}", verdict);
            }
        }
    }

    #[test]
    fn subtraction_agrees_with_every_second(
        whole in prop::collection::vec(span(), 0..6), taken in prop::collection::vec(span(), 0..6)
    ) {
        let left = subtract(&unite(whole.clone()), &unite(taken.clone()));
        for second in -5..90 {
            let within = |spans: &[Span]| spans.iter().any(|span| span.contains(second));
            prop_assert_eq!(within(&left), within(&whole) && !within(&taken), "second {}", second);
        }
        prop_assert!(left.is_sorted_by(|a, b| a.end <= b.start) && left.iter().all(|span| !span.is_empty()));
    }
}

/// Lest the comparisons above compare nothing with nothing.
#[test]
fn the_questions_have_answers() {
    let mut runner = TestRunner::deterministic();
    let mut answered = [0; 2];
    for _ in 0..300 {
        let question = made_up::question().new_tree(&mut runner).unwrap().current();
        if !slots(&question).slots.is_empty() {
            answered[usize::from(question.mode == Mode::LeadAndObserver)] += 1;
        }
    }
    assert!(answered[0] > 40 && answered[1] > 8, "{answered:?} of 300");
}

/// The table finds each change by one look a day.
#[test]
fn no_change_of_a_zone_is_missed_in_these_years() {
    for zone in chrono_tz::TZ_VARIANTS {
        every_hour(zone, "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    }
    every_hour(chrono_tz::Pacific::Apia, "2011-12-01T00:00:00Z", "2012-01-15T00:00:00Z");
}

fn every_hour(zone: chrono_tz::Tz, from: &str, to: &str) {
    let [from, to] = [from, to].map(|text| super::read_instant(text).unwrap().timestamp());
    let offsets = Offsets::new(zone, Span { start: from, end: to });
    for instant in (from..to).step_by(3_600) {
        let known = chrono::DateTime::from_timestamp(instant, 0).unwrap().with_timezone(&zone).naive_local();
        assert_eq!(offsets.local(instant), known.and_utc().timestamp(), "{zone} at {instant}");
    }
}
