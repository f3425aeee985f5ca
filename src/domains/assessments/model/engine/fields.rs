//! Reading JSON piece by piece: the place of each value, the faults so far, and the readers of single values.

use std::fmt;

use assay_kernel::error::FieldErrors;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::input::{Interval, LocalWindow, WallTime};

/// Longest list of anything else.
pub(super) const MAX_ITEMS: usize = 200_000;
/// Longest length and buffer: a week.
pub(super) const MAX_MINUTES: i64 = 10_080;
/// Enough faults for one answer.
const MAX_FAULTS: usize = 100;

/// Reads an instant of the form `YYYY-MM-DDTHH:MM:SSZ`.
pub fn read_instant(text: &str) -> Option<DateTime<Utc>> {
    let shape = text.len() == 20 && text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").ok().filter(|_| shape)?;
    // A leap second would be read as a second and a fraction.
    Some(parsed.and_utc()).filter(|instant| instant.timestamp_subsec_nanos() == 0 && digits_only(text))
}

fn digits_only(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 | 10 | 13 | 16 | 19 => true,
        _ => byte.is_ascii_digit(),
    })
}

/// The place of a value; a JSON Pointer (RFC 6901) once it is displayed.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Root,
    Field(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root => Ok(()),
            At::Field(parent, name) => write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1")),
            At::Item(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Notes a fault; the value is lost.
pub(super) fn refuse<T>(
    at: At,
    faults: &mut FieldErrors,
    code: &str,
    detail: impl Into<String>,
) -> Option<T> {
    if faults.as_slice().len() < MAX_FAULTS {
        faults.push(at.to_string(), code, detail);
    }
    None
}

/// What reads one kind of value.
pub(super) type Reader<T> = fn(&Value, At, &mut FieldErrors) -> Option<T>;

/// An object with all its fields known.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: At<'a>,
    faults: &'a mut FieldErrors,
}

impl<'a> Fields<'a> {
    pub(super) fn of(
        value: &'a Value,
        at: At<'a>,
        faults: &'a mut FieldErrors,
        known: &[&str],
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            return refuse(at, faults, "invalid_format", "must be an object");
        };
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            let detail = format!("unknown field; known are {}", known.join(", "));
            refuse::<()>(At::Field(&at, name), faults, "not_allowed", detail);
        }
        Some(Self { map, at, faults })
    }

    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value, At, &mut FieldErrors) -> Option<T>,
    ) -> Option<T> {
        let at = At::Field(&self.at, name);
        match self.map.get(name) {
            None => refuse(at, self.faults, "required", "is missing"),
            Some(value) => read(value, at, self.faults),
        }
    }

    /// The outer option: is it acceptable? The inner: is it there (and not null)?
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value, At, &mut FieldErrors) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.map.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => read(value, At::Field(&self.at, name), self.faults).map(Some),
        }
    }

    pub(super) fn list<T>(&mut self, name: &str, read: Reader<T>) -> Option<Vec<T>> {
        self.required(name, |value, at, faults| list(value, at, faults, MAX_ITEMS, read))
    }

    pub(super) fn list_or_none<T>(&mut self, name: &str, read: Reader<T>) -> Option<Vec<T>> {
        self.optional(name, |value, at, faults| list(value, at, faults, MAX_ITEMS, read))
            .map(Option::unwrap_or_default)
    }

    pub(super) fn integer(&mut self, name: &str, least: i64, most: i64) -> Option<i64> {
        self.required(name, |value, at, faults| integer(value, at, faults, least, most))
    }

    pub(super) fn minutes(&mut self, name: &str) -> Option<u32> {
        self.integer(name, 0, MAX_MINUTES).and_then(|minutes| u32::try_from(minutes).ok())
    }

    pub(super) fn interval(&mut self, from: &str, to: &str) -> Option<Interval> {
        let (start, end) = (self.required(from, instant), self.required(to, instant));
        let interval = Interval { start: start?, end: end? };
        if interval.end < interval.start {
            return refuse(
                At::Field(&self.at, to),
                self.faults,
                "inconsistent",
                format!("lies before `{from}`"),
            );
        }
        Some(interval)
    }

    pub(super) fn window(&mut self) -> Option<LocalWindow> {
        let start = self.required("start", |value, at, faults| {
            let time = wall_time(value, at, faults)?;
            if time.minutes() == 1440 {
                return refuse(at, faults, "out_of_range", "24:00 can only be an end");
            }
            Some(time)
        });
        let end = self.required("end", wall_time);
        Some(LocalWindow { start: start?, end: end? })
    }
}

pub(super) fn text<'a>(value: &'a Value, at: At, faults: &mut FieldErrors) -> Option<&'a str> {
    value.as_str().or_else(|| refuse(at, faults, "invalid_format", "must be a string"))
}

pub(super) fn list<T>(
    value: &Value,
    at: At,
    faults: &mut FieldErrors,
    most: usize,
    read: Reader<T>,
) -> Option<Vec<T>> {
    let Value::Array(items) = value else {
        return refuse(at, faults, "invalid_format", "must be an array");
    };
    if items.len() > most {
        return refuse(at, faults, "too_long", format!("has more than {most} items"));
    }
    let read: Vec<Option<T>> =
        items.iter().enumerate().map(|(index, item)| read(item, At::Item(&at, index), faults)).collect();
    read.into_iter().collect()
}

pub(super) fn integer(value: &Value, at: At, faults: &mut FieldErrors, least: i64, most: i64) -> Option<i64> {
    if !value.is_i64() && !value.is_u64() {
        return refuse(at, faults, "invalid_format", "must be a whole number");
    }
    let number = value.as_i64().filter(|number| (least..=most).contains(number));
    number.or_else(|| refuse(at, faults, "out_of_range", format!("must lie between {least} and {most}")))
}

pub(super) fn instant(value: &Value, at: At, faults: &mut FieldErrors) -> Option<DateTime<Utc>> {
    let text = text(value, at, faults)?;
    read_instant(text).or_else(|| {
        refuse(at, faults, "invalid_format", "must be an instant in UTC, such as 2027-03-28T09:00:00Z")
    })
}

pub(super) fn date(value: &Value, at: At, faults: &mut FieldErrors) -> Option<NaiveDate> {
    let text = text(value, at, faults)?;
    let shape = text.len() == 10 && digits_only(text);
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| shape);
    date.or_else(|| refuse(at, faults, "invalid_format", "must be a date, such as 2027-03-28"))
}

pub(super) fn wall_time(value: &Value, at: At, faults: &mut FieldErrors) -> Option<WallTime> {
    let text = text(value, at, faults)?;
    let detail = "must be a time of day, HH:MM from 00:00 to 23:59, or 24:00 as an end";
    WallTime::parse(text).or_else(|| refuse(at, faults, "invalid_format", detail))
}

pub(super) fn zone(value: &Value, at: At, faults: &mut FieldErrors) -> Option<Tz> {
    let text = text(value, at, faults)?;
    text.parse()
        .ok()
        .or_else(|| refuse(at, faults, "unknown_value", "must be an IANA zone, such as Europe/Berlin"))
}

pub(super) fn flag(value: &Value, at: At, faults: &mut FieldErrors) -> Option<bool> {
    value.as_bool().or_else(|| refuse(at, faults, "invalid_format", "must be true or false"))
}

pub(super) fn id(value: &Value, at: At, faults: &mut FieldErrors) -> Option<String> {
    let text = text(value, at, faults)?;
    if text.is_empty() || text.len() > 200 {
        return refuse(at, faults, "out_of_range", "must have between 1 and 200 bytes");
    }
    Some(text.to_owned())
}

pub(super) fn word<T: Copy>(
    value: &Value,
    at: At,
    faults: &mut FieldErrors,
    words: &[(&str, T)],
) -> Option<T> {
    let text = text(value, at, faults)?;
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    known.or_else(|| {
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        refuse(at, faults, "unknown_value", format!("must be one of {}", all.join(", ")))
    })
}
