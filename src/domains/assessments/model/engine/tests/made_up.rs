//! Questions around changes of the clock: gaps and folds of half an hour to a whole day, at midnight and by day, in
//! summer and winter time, in zones with negative summer time, and in zones that change nothing.

use std::num::NonZeroU32;

use chrono::{DateTime, Days, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::input::{
    Booking, BookingState, DateOverride, Host, Interval, LocalWindow, Mode, Roles, Session, SlotsInput, Step,
    WallTime, WeeklyRule,
};

/// A zone and a day on which (or near which) its clock changes.
const CHANGES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2027-03-28"),
    ("Europe/Berlin", "2027-10-31"),
    ("Europe/London", "2027-10-31"),
    ("Europe/Dublin", "2027-10-31"),
    ("Europe/Istanbul", "2016-09-07"),
    ("Europe/Moscow", "2014-10-26"),
    ("Europe/Chisinau", "2027-03-28"),
    ("Atlantic/Azores", "2027-03-28"),
    ("America/New_York", "2027-03-14"),
    ("America/New_York", "2027-11-07"),
    ("America/St_Johns", "2027-03-14"),
    ("America/St_Johns", "2009-11-01"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2019-02-17"),
    ("America/Santiago", "2027-04-04"),
    ("America/Santiago", "2027-09-05"),
    ("America/Havana", "2027-03-14"),
    ("America/Havana", "2027-11-07"),
    ("America/Nuuk", "2027-03-28"),
    ("America/Scoresbysund", "2024-03-31"),
    ("America/Asuncion", "2024-03-24"),
    ("America/Caracas", "2016-05-01"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Africa/Casablanca", "2026-03-22"),
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"),
    ("Asia/Gaza", "2026-03-28"),
    ("Asia/Gaza", "2026-10-24"),
    ("Asia/Beirut", "2027-03-28"),
    ("Asia/Beirut", "2027-10-31"),
    ("Asia/Tehran", "2022-03-22"),
    ("Asia/Amman", "2022-02-25"),
    ("Asia/Pyongyang", "2018-05-05"),
    ("Asia/Kolkata", "2027-03-28"),
    ("Asia/Kathmandu", "2027-03-28"),
    ("Australia/Lord_Howe", "2027-04-04"),
    ("Australia/Lord_Howe", "2027-10-03"),
    ("Australia/Adelaide", "2027-10-03"),
    ("Antarctica/Troll", "2027-03-28"),
    ("Antarctica/Troll", "2027-10-31"),
    ("Antarctica/Casey", "2020-10-04"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Pacific/Chatham", "2027-09-26"),
    ("Pacific/Easter", "2027-04-04"),
    ("Pacific/Norfolk", "2027-10-03"),
    ("Etc/UTC", "2027-03-28"),
];

fn wall(end: bool) -> impl Strategy<Value = WallTime> {
    // Night hours, when clocks change, and quarters more often than odd minutes.
    let minutes = prop_oneof![
        3 => (0..16_u16).prop_map(|quarter| quarter * 15),
        2 => (0..96_u16).prop_map(|quarter| quarter * 15),
        1 => 0..1440_u16,
        1 => Just(if end { 1440 } else { 0 }),
    ];
    minutes.prop_map(|minutes| WallTime::new(minutes).unwrap())
}

fn window() -> impl Strategy<Value = LocalWindow> {
    (wall(false), wall(true)).prop_map(|(start, end)| LocalWindow { start, end })
}

fn rule() -> impl Strategy<Value = WeeklyRule> {
    let days = prop::collection::vec((0..7_u8).prop_map(|day| Weekday::try_from(day).unwrap()), 1..7);
    (days, window()).prop_map(|(days, window)| WeeklyRule { days, window })
}

/// Minutes from the change, in fives more often than odd.
fn offset_min() -> impl Strategy<Value = i64> {
    prop_oneof![3 => (-600..600_i64).prop_map(|five| five * 5), 1 => -3_000..3_000_i64]
}

fn interval(around: DateTime<Utc>) -> impl Strategy<Value = Interval> {
    (offset_min(), 0..400_i64).prop_map(move |(start, length)| {
        let start = around + TimeDelta::minutes(start);
        Interval { start, end: start + TimeDelta::minutes(length) }
    })
}

fn booking(around: DateTime<Utc>, now: DateTime<Utc>) -> impl Strategy<Value = Booking> {
    let state = prop_oneof![
        3 => Just(BookingState::Confirmed),
        2 => Just(BookingState::Held),
        1 => Just(BookingState::Completed),
        1 => Just(BookingState::NoShow),
        1 => Just(BookingState::Other),
    ];
    let expires = option::of((-2..3_i64).prop_map(move |minutes| now + TimeDelta::minutes(minutes)));
    (interval(around), 0..60_u32, 0..60_u32, state, expires).prop_map(
        |(during, before, after, state, expires_at)| Booking {
            during,
            buffer_before_min: before,
            buffer_after_min: after,
            state,
            expires_at,
        },
    )
}

fn host(index: usize, zone: Tz, around: DateTime<Utc>, now: DateTime<Utc>) -> impl Strategy<Value = Host> {
    let date = around.date_naive() - Days::new(2);
    let special = (0..5_u64, prop::collection::vec(window(), 0..3))
        .prop_map(move |(days, intervals)| DateOverride { date: date + Days::new(days), intervals });
    (
        select(vec![(true, false), (true, false), (false, true), (true, true), (true, true)]),
        prop::collection::vec(rule(), 0..5),
        prop::collection::vec(special, 0..3),
        prop::collection::vec(interval(around), 0..2),
        prop::collection::vec(booking(around, now), 0..5),
        option::weighted(0.3, 0..4_u32),
        option::weighted(0.3, 0..5_u32),
    )
        .prop_map(
            move |((lead, observer), weekly, overrides, time_off, bookings, max_per_day, max_per_week)| {
                Host {
                    id: format!("h{index}"),
                    zone,
                    roles: Roles { lead, observer },
                    weekly,
                    overrides,
                    time_off,
                    bookings,
                    max_per_day,
                    max_per_week,
                }
            },
        )
}

fn session() -> impl Strategy<Value = Session> {
    let zone = || select(CHANGES).prop_map(|(zone, _)| zone.parse::<Tz>().unwrap());
    (
        prop_oneof![select(vec![30, 60, 90, 120]), 1..300_u32],
        select(vec![5, 10, 15, 20, 30, 45, 48, 60, 90, 120, 480]),
        prop_oneof![Just(0), 0..40_u32],
        prop_oneof![Just(0), 0..40_u32],
        prop_oneof![Just(0), 0..3_000_u32],
        option::weighted(0.3, zone()),
    )
        .prop_map(|(length, step, before, after, notice, grid_zone)| Session {
            length_min: NonZeroU32::new(length).unwrap(),
            step: Step::new(step).unwrap(),
            buffer_before_min: before,
            buffer_after_min: after,
            min_notice_min: notice,
            grid_zone,
        })
}

/// A question about some days around a change of the clock.
pub(super) fn question() -> impl Strategy<Value = SlotsInput> {
    let change = || select(CHANGES);
    (change(), change(), 1..4_usize, -2_880..2_880_i64).prop_flat_map(
        |((zone, day), (other, _), hosts, shift)| {
            let around = day.parse::<chrono::NaiveDate>().unwrap().and_hms_opt(1, 0, 0).unwrap().and_utc();
            let now = around - TimeDelta::days(3) + TimeDelta::minutes(shift);
            let zone_of =
                move |index: usize| if index.is_multiple_of(2) { zone } else { other }.parse::<Tz>().unwrap();
            let hosts: Vec<_> = (0..hosts).map(|index| host(index, zone_of(index), around, now)).collect();
            let range = (-2_880..0_i64, 0..4_000_i64).prop_map(move |(from, to)| Interval {
                start: around + TimeDelta::minutes(from),
                end: around + TimeDelta::minutes(to),
            });
            let mode = prop_oneof![Just(Mode::AnyLead), Just(Mode::LeadAndObserver)];
            let busy = prop::collection::vec(interval(around), 0..2);
            (range, session(), mode, hosts, busy).prop_map(
                move |(range, session, mode, hosts, candidate_busy)| SlotsInput {
                    now,
                    range,
                    session,
                    mode,
                    hosts,
                    candidate_busy,
                },
            )
        },
    )
}
