//! Equal reads, asked while one of them still waits for a connection, are one read.
//!
//! What many look for at once is read once: whoever asks for what somebody else waits to read is given their answer. A
//! read that has begun is joined by nobody, so an answer is never older than its question. (The pattern is known as
//! single flight, or request collapsing.)

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_kernel::Result;
use tokio::sync::oneshot;

use super::{Conn, Db, count_statement, shared_error};

/// Reads of values that are joined by their keys. Cheap to clone; clones join with each other.
pub struct Joined<K, V>(Arc<Mutex<Waiting<K, V>>>);

/// Who waits for the answers of reads that have not begun.
type Waiting<K, V> = HashMap<K, Vec<oneshot::Sender<Result<V>>>>;

impl<K, V> Clone for Joined<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Joined<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Joined<K, V> {
    /// The answer of `work`, or of an equal read that began after this was called. Equal keys must mean equal work.
    ///
    /// # Errors
    /// As the work.
    pub async fn read(&self, db: &Db, key: K, work: impl AsyncFn(&mut Conn) -> Result<V>) -> Result<V> {
        while let Some(answer) = self.join(&key) {
            // None comes when whoever was first has gone before their read began: then somebody else is first.
            if let Ok(answer) = answer.await {
                count_statement();
                return answer;
            }
        }
        let turn = Turn { reads: self, key };
        let others = Mutex::new(Vec::new());
        let answer = db
            .read(async |conn| {
                // A dead connection makes this run twice; who has come in between is answered by the second.
                others.lock().unwrap_or_else(PoisonError::into_inner).extend(turn.begin());
                work(conn).await
            })
            .await;
        drop(turn);
        for other in others.into_inner().unwrap_or_else(PoisonError::into_inner) {
            // Nobody waits any more when the request was dropped.
            let _dropped = other.send(answer.as_ref().map(Clone::clone).map_err(shared_error));
        }
        answer
    }

    /// To whom the answer will come; none for the first, who has to read.
    fn join(&self, key: &K) -> Option<oneshot::Receiver<Result<V>>> {
        let mut waiting = self.lock();
        let Some(others) = waiting.get_mut(key) else {
            waiting.insert(key.clone(), Vec::new());
            return None;
        };
        let (sender, answer) = oneshot::channel();
        others.push(sender);
        Some(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever reads for all; dropped before it began, it lets somebody else be first.
struct Turn<'a, K: Eq + Hash, V> {
    reads: &'a Joined<K, V>,
    key: K,
}

impl<K: Eq + Hash, V> Turn<'_, K, V> {
    /// From here on nobody joins. Answers those who have.
    fn begin(&self) -> Vec<oneshot::Sender<Result<V>>> {
        let mut waiting = self.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&self.key).unwrap_or_default()
    }
}

impl<K: Eq + Hash, V> Drop for Turn<'_, K, V> {
    fn drop(&mut self) {
        // Those of a later turn may be among them: they are first, or join, anew.
        drop(self.begin());
    }
}
