//! Many bookers at once: exactly as many win as there is room for, the others are told what is free, nothing locks up.

use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;

use super::crowd::{Crowd, winners};

#[tokio::test]
async fn fifty_want_one_slot_of_two_people() {
    let crowd = Crowd::new(50, 2).await;
    let start = crowd.monday(9);
    let answers = crowd.all_hold(&vec![start; 50]).await;
    let won = winners(&answers);
    println!("one slot: 50 bookers, {won} held, {} told of other starts", 50 - won);
    assert_eq!(won, 1);
    let winner = answers.iter().position(|answer| answer.status == 200).expect("a winner");
    crowd.book(winner).await.assert_status(200);
    let again = crowd.all_hold(&vec![start; 50]).await;
    let refused = again.iter().filter(|answer| answer.status == 409).count();
    assert_eq!(refused, 50);
    crowd.assert_sound().await;
    crowd.app.stop().await;
}

#[tokio::test]
async fn fifty_want_overlapping_slots() {
    let crowd = Crowd::new(50, 2).await;
    // Each start overlaps, with buffers, every other: one panel of two can take one.
    let first = crowd.monday(9);
    let starts: Vec<DateTime<Utc>> = (0..50).map(|n| first + Duration::minutes(30 * (n % 5))).collect();
    let won = winners(&crowd.all_hold(&starts).await);
    println!("overlapping slots: 50 bookers, {won} held, {} told of other starts", 50 - won);
    assert_eq!(won, 1);
    crowd.assert_sound().await;
    crowd.app.stop().await;
}

#[tokio::test]
async fn fifty_want_panels_of_six_people_in_any_order() {
    let crowd = Crowd::new(50, 6).await;
    let first = crowd.monday(9);
    let starts: Vec<DateTime<Utc>> = (0..50).map(|n| first + Duration::minutes(30 * ((n * 7) % 4))).collect();
    let mut won = winners(&crowd.all_hold(&starts).await);
    // Who lost a race for one pair may find another: the start itself had room.
    for _ in 0..3 {
        won += winners(
            &crowd.all_hold(&starts).await.into_iter().filter(|a| a.status != 200).collect::<Vec<_>>(),
        );
    }
    let held = crowd.app.number("SELECT count(*) AS n FROM bookings WHERE state = 'held'").await;
    println!("panels: 50 bookers, 6 people, {won} held at once, {held} hold in the end");
    assert_eq!(held, 3, "three pairs of six people");
    crowd.assert_sound().await;
    crowd.app.stop().await;
}

#[tokio::test]
async fn reschedules_cross_bookings() {
    let crowd = Crowd::new(24, 4).await;
    let monday = crowd.monday(9);
    let slot = |n: i64| monday + Duration::days(n / 2) + Duration::hours(5 * (n % 2));
    for n in 0..8 {
        crowd.seat(usize::try_from(n).expect("small"), slot(n)).await;
    }
    // Eight move onto each other's times while sixteen others want the same.
    let moves =
        join_all((0..8).map(|n| crowd.reschedule(n, slot((i64::try_from(n).expect("small") + 1) % 8))));
    let holds = join_all((8..24).map(|n| crowd.hold(n, slot(i64::try_from(n).expect("small") % 8))));
    let (moved, held) = tokio::join!(moves, holds);
    let (moved, held) = (winners(&moved), winners(&held));
    println!("reschedules: 8 sessions, {moved} moved, {held} of 16 others held");
    let confirmed = crowd.app.number("SELECT count(*) AS n FROM bookings WHERE state = 'confirmed'").await;
    assert_eq!(confirmed, 8, "no session is lost");
    let former = crowd.app.number("SELECT count(*) AS n FROM bookings WHERE state = 'rescheduled'").await;
    assert_eq!(former, i64::try_from(moved).expect("small"));
    assert!(moved + held > 0);
    crowd.assert_sound().await;
    crowd.app.stop().await;
}

#[tokio::test]
async fn holds_that_expire_at_one_instant_are_taken_over_once() {
    let crowd = Crowd::new(40, 2).await;
    let start = crowd.monday(9);
    crowd.hold(0, start).await.assert_status(200);
    let expires_at: DateTime<Utc> =
        serde_json::from_value(crowd.get(0).await.at("/hold/expires_at")).expect("a time");
    let left = expires_at - crowd.app.now();
    crowd.app.advance_clock((left - Duration::seconds(30)).to_std().expect("ahead")).await;
    assert_eq!(crowd.hold(1, start).await.status, 409, "it is held still");
    crowd.app.advance_clock(std::time::Duration::from_secs(31)).await;
    // The holder books, the timer fires, thirty-nine others want it: all at once.
    let others = join_all((1..40).map(|n| crowd.hold(n, start)));
    let (own, others, ()) = tokio::join!(crowd.book(0), others, crowd.app.work());
    assert!(matches!(own.status, 409 | 412), "{own}");
    let won = winners(&others);
    println!("expiring hold: 39 bookers, {won} took it over");
    assert_eq!(won, 1);
    let held = crowd.app.number("SELECT count(*) AS n FROM bookings WHERE state = 'held'").await;
    assert_eq!(held, 1);
    crowd.assert_sound().await;
    crowd.app.stop().await;
}

#[tokio::test]
async fn limits_hold_under_a_rush() {
    let crowd = Crowd::new(30, 2).await;
    let monday = crowd.monday(0);
    // Three starts a day that do not touch, ten days: two a day and six a week are taken.
    let starts: Vec<DateTime<Utc>> =
        (0..30).map(|n| monday + Duration::days(n / 3) + Duration::hours(2 + 6 * (n % 3))).collect();
    let won = winners(&crowd.all_hold(&starts).await);
    println!("limits: 30 bookers, {won} held (two a day, six a week, of two people)");
    assert_eq!(won, 12, "six in each of two weeks");
    crowd.assert_sound().await;
    crowd.app.stop().await;
}
