//! Background jobs and timers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use assay_kernel::{Code, Error, Permission};
use assay_platform::jobs::{self, NewJob, Registry};
use assay_platform::timers::{self, Fired};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

const KIND: &str = "test.errand";

async fn enqueue(app: &TestApp, payload: Value) {
    let ctx = app.ctx();
    ctx.db
        .tx(async |conn| {
            let job = NewJob { kind: KIND, payload: payload.clone(), dedupe_key: None, run_at: None };
            jobs::enqueue(ctx, conn, job).await
        })
        .await
        .expect("enqueued");
}

/// A registry whose one handler does this and notes each call.
fn registry(does: impl Fn(&Value) -> Result<(), Error> + 'static) -> (Registry, Rc<RefCell<Vec<Value>>>) {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let noted = calls.clone();
    let mut registry = Registry::new();
    let does = Rc::new(does);
    registry.on(KIND, move |_, payload: Value| {
        noted.borrow_mut().push(payload.clone());
        let does = does.clone();
        async move { does(&payload) }
    });
    (registry, calls)
}

async fn run(app: &TestApp, registry: &Registry) -> usize {
    jobs::run_due(app.ctx(), registry).await.expect("run")
}

async fn admin(app: &TestApp) -> Person {
    let rosa = app.staff("staff-rosa", Permission::Admin).await;
    app.work().await;
    rosa
}

#[tokio::test]
async fn a_failing_job_is_tried_again_dies_and_is_replayed() {
    let app = TestApp::start().await;
    let rosa = admin(&app).await;
    enqueue(&app, json!({ "errand": 1 })).await;
    let (failing, calls) = registry(|_| Err(Error::new(Code::Unavailable, "The shop is closed.")));
    let list = async |state: &str| {
        app.get(&format!("/v1/jobs?state={state}"))
            .by(&rosa)
            .expect(200)
            .await
            .at("/data")
            .as_array()
            .unwrap()
            .clone()
    };

    let mut waits = Vec::new();
    for attempt in 1..=10 {
        assert_eq!(run(&app, &failing).await, 1, "attempt {attempt}");
        // Not again before its time.
        assert_eq!(run(&app, &failing).await, 0);
        if attempt == 10 {
            break;
        }
        let live = list("live").await;
        assert_eq!((live.len(), &live[0]["attempts"]), (1, &json!(attempt)));
        assert!(live[0]["last_error"].as_str().unwrap().contains("The shop is closed."));
        let next: chrono::DateTime<chrono::Utc> = live[0]["run_at"].as_str().unwrap().parse().unwrap();
        let wait = (next - app.now()).to_std().unwrap_or_default();
        let ceiling = Duration::from_secs(1 << attempt);
        assert!(wait <= ceiling, "attempt {attempt} waits {wait:?}");
        waits.push(ceiling);
        app.ctx().clock.advance(ceiling);
    }
    assert!(waits.is_sorted());
    assert_eq!(calls.borrow().len(), 10);
    assert_eq!(list("live").await, Vec::<Value>::new());
    let dead = list("dead").await;
    assert_eq!((dead.len(), &dead[0]["attempts"], &dead[0]["kind"]), (1, &json!(10), &json!(KIND)));
    assert!(dead[0]["dead_at"].is_string());
    assert!(!dead[0].as_object().unwrap().contains_key("payload"), "payloads may hold addresses and secrets");
    app.ctx().clock.advance(Duration::from_secs(86_400));
    assert_eq!(run(&app, &failing).await, 0, "the dead stay dead");

    let path = format!("/v1/jobs/{}/replay", dead[0]["id"].as_str().unwrap());
    let reason = json!({ "reason": "The shop has opened." });
    let dora = app.sign_up("dev-dora", &["developer"]).await;
    let sam = app.staff("staff-sam", Permission::Curator).await;
    app.get("/v1/jobs").by(&dora).expect(403).await;
    app.get("/v1/jobs").by(&sam).expect(200).await;
    for person in [&dora, &sam] {
        app.post(&path).by(person).json(reason.clone()).expect(403).await;
    }
    app.post(&path).by(&rosa).json(json!({})).expect(422).await;
    let again = app.post(&path).by(&rosa).json(reason.clone()).expect(200).await;
    assert_eq!((again.at("/attempts"), again.at("/dead_at")), (json!(0), Value::Null));
    app.post(&path).by(&rosa).json(reason).expect(404).await;
    let (working, calls) = registry(|_| Ok(()));
    assert_eq!(run(&app, &working).await, 1);
    assert_eq!(*calls.borrow(), [json!({ "errand": 1 })]);
    assert_eq!((list("live").await.len(), list("dead").await.len()), (0, 0));
    let about = path.trim_start_matches("/v1/jobs/").trim_end_matches("/replay");
    let audit = app.get(&format!("/v1/audit?subject={about}")).by(&rosa).expect(200).await;
    assert_eq!(audit.at("/data/0/action"), "job.replay");
    assert_eq!(audit.at("/data/0/reason"), "The shop has opened.");
}

#[tokio::test]
async fn one_bad_job_does_not_hold_up_the_others() {
    let app = TestApp::start().await;
    admin(&app).await;
    for errand in 0..5 {
        enqueue(&app, json!(errand)).await;
    }
    let (mixed, calls) = registry(|payload| match payload.as_i64() {
        Some(1) => panic!("a handler's own fault"),
        Some(3) => Err(Error::internal("no such luck")),
        _ => Ok(()),
    });
    assert_eq!(run(&app, &mixed).await, 5);
    assert_eq!(calls.borrow().len(), 5);
    assert_eq!(app.number("SELECT count(*) AS n FROM jobs").await, 2);
    assert_eq!(app.number("SELECT count(*) AS n FROM jobs WHERE last_error LIKE '%panicked%'").await, 1);
    // What nobody knows how to do is kept, too, until somebody does.
    let none = Registry::new();
    app.ctx().clock.advance(Duration::from_secs(2));
    assert_eq!(run(&app, &none).await, 2);
    assert_eq!(app.number("SELECT count(*) AS n FROM jobs WHERE last_error LIKE '%no handler%'").await, 2);
}

#[tokio::test]
async fn workers_share_jobs_without_doing_one_twice() {
    let app = TestApp::start().await;
    admin(&app).await;
    for errand in 0..40 {
        enqueue(&app, json!(errand)).await;
    }
    let (registry, calls) = registry(|_| Ok(()));
    let worker = async |ctx| while jobs::run_due(ctx, &registry).await.expect("run") > 0 {};
    futures_util::join!(worker(app.ctx()), worker(&app.services.ctx), worker(app.ctx()));
    let mut done: Vec<i64> = calls.borrow().iter().map(|errand| errand.as_i64().unwrap()).collect();
    done.sort_unstable();
    assert_eq!(done, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_job_whose_worker_died_is_taken_over() {
    let app = TestApp::start().await;
    admin(&app).await;
    enqueue(&app, json!(1)).await;
    let now = app.now().to_rfc3339();
    let claim =
        format!("UPDATE jobs SET attempts = 1, lease_until = '{now}'::timestamptz + interval '60 seconds'");
    assert_eq!(app.sql(&claim).await.expect("claimed"), 1);
    let (registry, calls) = registry(|_| Ok(()));
    assert_eq!(run(&app, &registry).await, 0);
    app.ctx().clock.advance(Duration::from_secs(61));
    assert_eq!(run(&app, &registry).await, 1);
    assert_eq!(calls.borrow().len(), 1);
}

#[tokio::test]
async fn a_job_that_waits_behind_a_slow_one_is_taken_over_and_not_run_twice() {
    let app = TestApp::start().await;
    admin(&app).await;
    enqueue(&app, json!("slow")).await;
    app.ctx().clock.advance(Duration::from_secs(1));
    enqueue(&app, json!("quick")).await;
    let (other, taken_over) = registry(|_| Ok(()));
    let kept = Rc::new(RefCell::new(Vec::new()));
    let noted = kept.clone();
    let mut slow = Registry::new();
    slow.on(KIND, move |ctx, errand: Value| {
        noted.borrow_mut().push(errand.clone());
        let other = other.clone();
        async move {
            if errand == "slow" {
                // Almost the lease; by its end the lease of the one behind is over, and another worker looks.
                ctx.clock.advance(Duration::from_secs(61));
                jobs::run_due(&ctx, &other).await?;
            }
            Ok(())
        }
    });
    run(&app, &slow).await;
    let quick =
        |calls: &Rc<RefCell<Vec<Value>>>| calls.borrow().iter().filter(|errand| **errand == "quick").count();
    assert_eq!((quick(&taken_over), quick(&kept)), (1, 0));
    assert_eq!(app.number("SELECT count(*) AS n FROM jobs").await, 0);
}

#[tokio::test]
async fn an_errand_that_waits_is_not_given_twice() {
    let app = TestApp::start().await;
    admin(&app).await;
    let ctx = app.ctx();
    let enqueue = async || {
        ctx.db
            .tx(async |conn| {
                let job =
                    NewJob { kind: KIND, payload: json!({}), dedupe_key: Some("one".into()), run_at: None };
                jobs::enqueue(ctx, conn, job).await
            })
            .await
            .expect("enqueued")
    };
    let (registry, calls) = registry(|_| Ok(()));
    futures_util::join!(enqueue(), enqueue(), enqueue());
    assert_eq!(run(&app, &registry).await, 1);
    enqueue().await;
    assert_eq!(run(&app, &registry).await, 1);
    assert_eq!(calls.borrow().len(), 2);
    // What is rolled back was never asked for.
    let undone = ctx.db.tx(async |conn| {
        let job = NewJob { kind: KIND, payload: json!({}), dedupe_key: None, run_at: None };
        jobs::enqueue(ctx, conn, job).await?;
        Err::<(), _>(Error::internal("changed my mind"))
    });
    undone.await.expect_err("rolled back");
    assert_eq!(run(&app, &registry).await, 0);
}

#[tokio::test]
async fn a_timer_fires_once_and_only_when_due() {
    let app = TestApp::start().await;
    admin(&app).await;
    let ctx = app.ctx();
    let subject = ctx.ids.uuid();
    let set = async |event: &'static str, hours: i64| {
        let due = app.now() + chrono::Duration::hours(hours);
        ctx.db.tx(async |conn| timers::set(ctx, conn, "test", subject, event, due).await).await.expect("set");
    };
    let fire = async |by: &assay_platform::Ctx| {
        by.db.read(async |conn| timers::fire_due(by, conn).await).await.expect("fired")
    };
    set("moved", 1).await;
    set("moved", 5).await;
    set("kept", 2).await;
    set("cleared", 2).await;
    ctx.db.tx(async |conn| timers::clear(conn, "test", subject, &["cleared"]).await).await.expect("cleared");

    ctx.clock.advance(Duration::from_secs(7_000));
    assert_eq!(fire(ctx).await, 0);
    ctx.clock.advance(Duration::from_secs(300));
    let (a, b, c) = futures_util::join!(fire(ctx), fire(&app.services.ctx), fire(ctx));
    assert_eq!(a + b + c, 1);
    ctx.clock.advance(Duration::from_secs(4 * 3_600));
    assert_eq!((fire(ctx).await, fire(ctx).await), (1, 0));

    let fired = Rc::new(RefCell::new(Vec::new()));
    let mut registry = Registry::new();
    for (kind, event) in [("timer:test:kept", "kept"), ("timer:test:moved", "moved")] {
        let noted = fired.clone();
        registry.on(kind, move |_, fired: Fired| {
            noted.borrow_mut().push((event, fired.subject));
            async { Ok(()) }
        });
    }
    while run(&app, &registry).await > 0 {}
    assert_eq!(*fired.borrow(), [("kept", subject), ("moved", subject)]);
    app.stop().await;
}
