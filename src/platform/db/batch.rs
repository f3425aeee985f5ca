//! Reads by key, gathered into one statement.
//!
//! Under load most of what a read by its primary key costs is the round trip: two system calls and two wake-ups on each
//! side. While one statement is under way, the keys that other requests of the thread ask for wait, and the next
//! statement answers them all. A lone request waits for nobody. (The pattern is known as DataLoader.)

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_kernel::{Code, Error, Result};
use futures_util::future::BoxFuture;
use thread_local::ThreadLocal;
use tokio::sync::oneshot;

use super::{Conn, Db, DbResult, count_statement, shared_error};

/// Most keys of a statement.
const MOST: usize = 100;

/// Reads the values of keys; those that are not there are left out.
pub type Load<K, V> = fn(&mut Conn, Vec<K>) -> BoxFuture<'_, DbResult<Vec<(K, V)>>>;

/// A reader of values by key. Cheap to clone.
#[derive(Clone)]
pub struct Batch<K: Send, V: Send>(Arc<Shared<K, V>>);

struct Shared<K: Send, V: Send> {
    db: Db,
    load: Load<K, V>,
    of_thread: ThreadLocal<Arc<Queue<K, V>>>,
}

type Answer<V> = oneshot::Sender<Result<Option<V>>>;

/// What a thread asks for. The lock is for the compiler: only the thread and the task that it started take it.
struct Queue<K, V>(Mutex<Waiting<K, V>>);

struct Waiting<K, V> {
    asked: Vec<(K, Answer<V>)>,
    under_way: bool,
}

impl<K, V> Queue<K, V> {
    fn lock(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Default for Queue<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { asked: Vec::new(), under_way: false }))
    }
}

impl<K, V> Batch<K, V>
where
    K: Copy + Eq + Hash + Send + 'static,
    V: Clone + Send + 'static,
{
    /// A reader that answers with what `load` finds.
    pub fn new(db: Db, load: Load<K, V>) -> Self {
        Self(Arc::new(Shared { db, load, of_thread: ThreadLocal::new() }))
    }

    /// The value of a key, read after this was called.
    ///
    /// # Errors
    /// As the statement; `unavailable` when the runtime ends.
    pub async fn get(&self, key: K) -> Result<Option<V>> {
        let (answer, answered) = oneshot::channel();
        let queue = self.0.of_thread.get_or_default();
        let start = {
            let mut waiting = queue.lock();
            waiting.asked.push((key, answer));
            !std::mem::replace(&mut waiting.under_way, true)
        };
        if start {
            // An HTTP thread runs it after the requests that are ready now, so they ask in the same statement.
            tokio::spawn(self.clone().answer_all(queue.clone()));
        }
        count_statement();
        answered.await.unwrap_or_else(|_| Err(Error::new(Code::Unavailable, Code::Unavailable.meaning())))
    }

    async fn read(&self, keys: Vec<K>) -> Result<Vec<(K, V)>> {
        let mut conn = self.0.db.get().await?;
        Ok((self.0.load)(&mut conn, keys).await?)
    }

    async fn answer_all(self, queue: Arc<Queue<K, V>>) {
        let turn = Turn(&queue);
        while let Some(asked) = turn.take() {
            let mut keys: Vec<K> = Vec::with_capacity(asked.len());
            for (key, _) in &asked {
                if !keys.contains(key) {
                    keys.push(*key);
                }
            }
            let found = match self.read(keys.clone()).await {
                // As `Db::read`: a pooled connection may turn out to be dead.
                Err(error) if error.code() == Code::Unavailable => self.read(keys).await,
                found => found,
            };
            match found {
                Ok(found) => {
                    let found: HashMap<K, V> = found.into_iter().collect();
                    for (key, answer) in asked {
                        // Nobody waits any more when the request was dropped.
                        let _dropped = answer.send(Ok(found.get(&key).cloned()));
                    }
                }
                Err(error) => {
                    let mut answers = asked.into_iter().map(|(_, answer)| answer);
                    let first = answers.next();
                    for answer in answers {
                        let _dropped = answer.send(Err(shared_error(&error)));
                    }
                    if let Some(first) = first {
                        let _dropped = first.send(Err(error));
                    }
                }
            }
        }
    }
}

/// The turn of a task at a queue; its end lets the next request start anew, also when the task is dropped midway.
struct Turn<'a, K, V>(&'a Queue<K, V>);

impl<K, V> Turn<'_, K, V> {
    fn take(&self) -> Option<Vec<(K, Answer<V>)>> {
        let mut waiting = self.0.lock();
        let count = waiting.asked.len().min(MOST);
        // In the same breath as the look, so that no request falls between.
        waiting.under_way = count > 0;
        (count > 0).then(|| waiting.asked.drain(..count).collect())
    }
}

impl<K, V> Drop for Turn<'_, K, V> {
    fn drop(&mut self) {
        // After the last `take` this may be the queue of another turn already.
        if std::thread::panicking() {
            let mut waiting = self.0.lock();
            waiting.under_way = false;
            waiting.asked.clear();
        }
    }
}
