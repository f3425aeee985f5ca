//! Which starts can be offered.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::calendar::{Calendar, Frame};
use super::input::{Host, Mode, SlotsInput};
use super::span::Span;
use super::zone::Offsets;

/// The starts that can be offered, in order, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slots<'a> {
    /// The starts.
    pub slots: Vec<Slot<'a>>,
}

/// A start that can be offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slot<'a> {
    /// When.
    pub start: DateTime<Utc>,
    /// Who can lead, by id.
    pub leads: Vec<&'a str>,
    /// Who can observe, by id; none unless an observer is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observers: Option<Vec<&'a str>>,
}

/// A start and a host, by place in [`Staff::hosts`].
type Offer = (i64, usize);

/// The hosts in the order of their ids, and the wall clocks that they need.
pub(super) struct Staff<'a> {
    pub frame: Frame,
    pub hosts: Vec<&'a Host>,
    clocks: HashMap<Tz, Offsets>,
    grid_zone: Option<Tz>,
}

impl<'a> Staff<'a> {
    pub fn new(input: &'a SlotsInput) -> Self {
        let frame = Frame::new(input);
        let mut hosts: Vec<&Host> = input.hosts.iter().collect();
        hosts.sort_by(|a, b| a.id.cmp(&b.id));
        let mut clocks = HashMap::new();
        let grid_zone = input.session.grid_zone;
        for zone in hosts.iter().map(|host| host.zone).chain(grid_zone) {
            clocks.entry(zone).or_insert_with(|| Offsets::new(zone, frame.horizon()));
        }
        Self { frame, hosts, clocks, grid_zone }
    }

    /// The wall clock of a host.
    pub fn clock(&self, host: &Host) -> Option<&Offsets> {
        self.clocks.get(&host.zone)
    }

    /// Calls `each` with every start of a lead's grid in `span`.
    pub fn on_grid(&self, lead: &Host, span: Span, mut each: impl FnMut(i64)) {
        let Some(clock) = self.clocks.get(&self.grid_zone.unwrap_or(lead.zone)) else { return };
        let step = self.frame.step;
        for regime in clock.within(span) {
            // The step divides the day, so the seconds of the wall clock since 1970 hang on the same grid.
            let mut start = regime.utc.start + (-(regime.utc.start + regime.offset)).rem_euclid(step);
            while start < regime.utc.end {
                each(start);
                start += step;
            }
        }
    }

    /// The starts that a host can take, whoever else comes.
    pub fn free(&self, input: &'a SlotsInput, host: &'a Host) -> Vec<Span> {
        let calendar = self.clock(host).map(|clock| Calendar::new(input, &self.frame, host, clock));
        calendar.map_or_else(Vec::new, |calendar| calendar.starts(&self.frame))
    }

    /// What the leads can take, on their grids, in order.
    fn leads(&self, input: &'a SlotsInput) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (place, host) in self.hosts.iter().enumerate().filter(|(_, host)| host.roles.lead) {
            for span in self.free(input, host) {
                self.on_grid(host, span, |start| offers.push((start, place)));
            }
        }
        // Each host's offers are in order already, and a stable sort merges such runs.
        offers.sort();
        offers
    }

    /// What the observers can take of the given starts, in order.
    fn observers(&self, input: &'a SlotsInput, starts: &[i64]) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (place, host) in self.hosts.iter().enumerate().filter(|(_, host)| host.roles.observer) {
            for span in self.free(input, host) {
                let first = starts.partition_point(|start| *start < span.start);
                let reached = starts.iter().skip(first).take_while(|start| **start < span.end);
                offers.extend(reached.map(|start| (*start, place)));
            }
        }
        offers.sort();
        offers
    }

    fn ids(&self, offers: &[Offer]) -> Vec<&'a str> {
        offers.iter().filter_map(|(_, place)| self.hosts.get(*place)).map(|host| host.id.as_str()).collect()
    }
}

/// Which starts can be offered, and with whom.
pub fn slots(input: &SlotsInput) -> Slots<'_> {
    let staff = Staff::new(input);
    let leads = staff.leads(input);
    let by_start =
        || leads.chunk_by(|a, b| a.0 == b.0).filter_map(|offers| Some((offers.first()?.0, offers)));
    let slots = match input.mode {
        Mode::AnyLead => by_start().map(|(start, leads)| slot(start, staff.ids(leads), None)).collect(),
        Mode::LeadAndObserver => {
            let starts: Vec<i64> = by_start().map(|(start, _)| start).collect();
            let observers = staff.observers(input, &starts);
            let mut observers = observers.chunk_by(|a, b| a.0 == b.0).peekable();
            by_start()
                .filter_map(|(start, leads)| {
                    let observers =
                        observers.next_if(|offers| offers.first().is_some_and(|o| o.0 == start))?;
                    let (with_partner, partners) = (partnered(leads, observers), partnered(observers, leads));
                    let some = !with_partner.is_empty() && !partners.is_empty();
                    some.then(|| slot(start, staff.ids(&with_partner), Some(staff.ids(&partners))))
                })
                .collect()
        }
    };
    Slots { slots }
}

/// Those of `people` for whom `others` holds somebody else.
fn partnered(people: &[Offer], others: &[Offer]) -> Vec<Offer> {
    people.iter().copied().filter(|person| others.iter().any(|other| other.1 != person.1)).collect()
}

fn slot<'a>(start: i64, leads: Vec<&'a str>, observers: Option<Vec<&'a str>>) -> Slot<'a> {
    Slot { start: DateTime::from_timestamp(start, 0).unwrap_or_default(), leads, observers }
}
