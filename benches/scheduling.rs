//! How long the slot engine takes: `cargo bench -p assay-assessments`. The goal is 25 ms for the first line.

use assay_assessments::{
    Booking, BookingState, Host, Input, Interval, LocalWindow, Mode, Roles, Session, SlotsInput, Step,
    WallTime, WeeklyRule, read, slots,
};
use chrono::{DateTime, TimeDelta, Utc, Weekday};
use std::num::NonZeroU32;

const ZONES: &[chrono_tz::Tz] = &[
    chrono_tz::Europe::Berlin,
    chrono_tz::America::New_York,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::Asia::Kolkata,
    chrono_tz::Asia::Tokyo,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::America::St_Johns,
    chrono_tz::Africa::Casablanca,
];

fn main() {
    divan::main();
}

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_804_982_400 + hours * 3_600, 0).unwrap_or_default()
}

fn wall(hour: u16) -> WallTime {
    WallTime::new(hour * 60).unwrap_or_else(|| unreachable!("an hour of the day"))
}

/// `hosts` × `days` × 50 bookings, spread over the range; five working days of two windows, or all hours.
fn input(hosts: i64, days: i64, mode: Mode, all_hours: bool) -> SlotsInput {
    let windows: &[(u16, u16)] = if all_hours { &[(0, 24)] } else { &[(8, 12), (13, 18)] };
    let days_open = if all_hours { 7 } else { 5 };
    let rule = |&(start, end): &(u16, u16)| WeeklyRule {
        days: (0..days_open).filter_map(|day| Weekday::try_from(day).ok()).collect(),
        window: LocalWindow { start: wall(start), end: wall(end) },
    };
    let booking = |host: i64, number: i64| {
        let start = at((number * days * 24) / 50 + (host * 7 + number * 5) % 24);
        Booking {
            during: Interval { start, end: start + TimeDelta::hours(2) },
            buffer_before_min: 15,
            buffer_after_min: 30,
            state: if number % 7 == 0 { BookingState::Other } else { BookingState::Confirmed },
            expires_at: None,
        }
    };
    let host = |number: i64| Host {
        id: format!("asr_{number:04}"),
        zone: ZONES[number as usize % ZONES.len()],
        roles: Roles { lead: true, observer: number % 2 == 0 },
        weekly: windows.iter().map(rule).collect(),
        overrides: Vec::new(),
        time_off: Vec::new(),
        bookings: (0..50).map(|index| booking(number, index)).collect(),
        max_per_day: Some(2),
        max_per_week: Some(6),
    };
    SlotsInput {
        now: at(0),
        range: Interval { start: at(0), end: at(24 * days) },
        session: Session {
            length_min: NonZeroU32::MIN.saturating_add(119),
            step: Step::new(30).unwrap_or_else(|| unreachable!("a divisor of the day")),
            buffer_before_min: 15,
            buffer_after_min: 30,
            min_notice_min: 1_440,
            grid_zone: None,
        },
        mode,
        hosts: (0..hosts).map(host).collect(),
        candidate_busy: Vec::new(),
    }
}

#[divan::bench]
fn any_lead_100_hosts_60_days_50_bookings(bencher: divan::Bencher) {
    let input = input(100, 60, Mode::AnyLead, false);
    bencher.bench(|| slots(&input));
}

#[divan::bench]
fn panel_100_hosts_60_days_50_bookings(bencher: divan::Bencher) {
    let input = input(100, 60, Mode::LeadAndObserver, false);
    bencher.bench(|| slots(&input));
}

#[divan::bench]
fn any_lead_all_hours_100_hosts_60_days_50_bookings(bencher: divan::Bencher) {
    let input = input(100, 60, Mode::AnyLead, true);
    bencher.bench(|| slots(&input));
}

#[divan::bench]
fn any_lead_20_hosts_28_days_50_bookings(bencher: divan::Bencher) {
    let input = input(20, 28, Mode::AnyLead, false);
    bencher.bench(|| slots(&input));
}

/// Twice the hosts, twice the time.
#[divan::bench(args = [50, 100, 200, 400])]
fn any_lead_60_days_by_hosts(bencher: divan::Bencher, hosts: i64) {
    let input = input(hosts, 60, Mode::AnyLead, false);
    bencher.bench(|| slots(&input));
}

/// What the command does besides: JSON in, JSON out.
#[divan::bench]
fn json_in_and_out_100_hosts_60_days_50_bookings(bencher: divan::Bencher) {
    let text = json(&input(100, 60, Mode::AnyLead, false));
    bencher.bench(|| match read(text.as_bytes()) {
        Ok(Input::Slots(input)) => serde_json::to_string(&slots(&input)).map(|text| text.len()).ok(),
        _ => None,
    });
}

fn json(input: &SlotsInput) -> String {
    let stamp = |instant: DateTime<Utc>| instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let hosts = input.hosts.iter().map(|host| {
        let bookings = host.bookings.iter().map(|booking| {
            serde_json::json!({
                "start": stamp(booking.during.start), "end": stamp(booking.during.end),
                "buffer_before_min": 15, "buffer_after_min": 30,
                "state": if booking.state == BookingState::Other { "cancelled" } else { "confirmed" },
            })
        });
        serde_json::json!({
            "id": host.id, "zone": host.zone.name(), "max_per_day": 2, "max_per_week": 6,
            "weekly": [
                { "days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:00", "end": "12:00" },
                { "days": ["mon", "tue", "wed", "thu", "fri"], "start": "13:00", "end": "18:00" },
            ],
            "bookings": bookings.collect::<Vec<_>>(),
        })
    });
    serde_json::json!({
        "now": stamp(input.now), "range": { "from": stamp(input.range.start), "to": stamp(input.range.end) },
        "session": { "length_min": 120, "step_min": 30, "buffer_before_min": 15, "buffer_after_min": 30,
            "min_notice_min": 1440 },
        "mode": "any_lead", "hosts": hosts.collect::<Vec<_>>(),
    })
    .to_string()
}
