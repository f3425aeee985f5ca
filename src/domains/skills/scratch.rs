use std::sync::Arc;
use assay_kernel::*;
use assay_platform::{Ctx, config::Config, crypto::Keyring, db::{Db, PoolOptions}, policy::Policy};
use crate::*;
#[tokio::test(flavor = "multi_thread")]
async fn run() {
    let url = std::env::var("SCRATCH_URL").unwrap();
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let ctx = Ctx { db: Db::connect(&url, PoolOptions { size: 4, statement_timeout: std::time::Duration::from_secs(5) }).await.unwrap(),
        clock: clock.clone(), ids: IdSource::new(clock.clone(), entropy.clone()), entropy: entropy.clone(),
        keys: Arc::new(Keyring::parse(&Keyring::generate(&entropy, "k")).unwrap()), policy: Arc::new(Policy::shipped().unwrap()),
        config: Arc::new(Config::load(None, &[], std::path::Path::new("x")).unwrap()) };
    assert!(Taxonomy::load(&ctx).await.is_err());
    for n in 0..2 { let t = std::time::Instant::now(); seed(&ctx).await.unwrap(); println!("seed {n} {:?}", t.elapsed()); }
    ctx.db.tx(async |c| seed_in(c).await).await.unwrap();
    // an older version is replaced, wholly
    ctx.db.read(async |c| { diesel_async::SimpleAsyncConnection::batch_execute(c, "UPDATE skills SET version = '2020-01-01', name = slug; DELETE FROM skill_neighbours WHERE weight < 50").await.unwrap(); Ok(()) }).await.unwrap();
    let t = std::time::Instant::now(); seed(&ctx).await.unwrap(); println!("reseed {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let taxonomy = Taxonomy::load(&ctx).await.unwrap();
    println!("load {:?}", t.elapsed());
    assert_eq!(taxonomy.skills().iter().map(|s| s.neighbours.len()).sum::<usize>(), 890);
    let given: Vec<String> = ["Python", "c♯", "ruby  on rails", "nope", "Node.js", "go", "golang"].iter().map(|s| s.to_string()).collect();
    let resolved = ctx.db.read(async |c| resolve(c, &given).await).await.unwrap();
    for r in &resolved { println!("{r:?}"); assert_eq!(r.skill.as_ref().map(|s| s.slug.as_str()), taxonomy.resolve(&r.given).map(|s| s.slug.as_str())); }
    println!("{:?}", ctx.db.read(async |c| by_slugs(c, &["go", "x", "csharp"]).await).await.unwrap());
}
