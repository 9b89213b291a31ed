//! What takes its time: a table of bounded length.

use std::collections::VecDeque;

use crate::{Operation, Progress};

/// Operations that are remembered.
const PLACES: usize = 256;

/// The last 256 operations, the oldest first. Room is made by the oldest that has ended.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    table: VecDeque<Operation>,
}

impl Operations {
    /// Enters an operation that begins now (milliseconds since the epoch).
    pub fn begin(
        &mut self,
        kind: impl Into<String>,
        target: impl Into<String>,
        now: u64,
        id: impl Into<String>,
    ) -> Operation {
        if self.table.len() >= PLACES {
            let ended = self.table.iter().position(|operation| operation.ended.is_some());
            self.table.remove(ended.unwrap_or(0));
        }
        let operation = Operation {
            id: id.into(),
            kind: kind.into(),
            target: target.into(),
            state: Progress::InProgress,
            reason: String::new(),
            begun: now,
            ended: None,
        };
        self.table.push_back(operation.clone());
        operation
    }

    /// Notes how an operation ended: done, or why not. One that is not known or has ended already stays as it is.
    pub fn end(&mut self, id: &str, now: u64, outcome: Result<(), String>) {
        let operation = self.table.iter_mut().find(|operation| operation.id == id);
        let Some(operation) = operation.filter(|operation| operation.ended.is_none()) else { return };
        operation.ended = Some(now);
        match outcome {
            Ok(()) => operation.state = Progress::Succeeded,
            Err(reason) => {
                operation.state = Progress::Failed;
                operation.reason = reason;
            }
        }
    }

    /// The operation with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Operation> {
        self.table.iter().find(|operation| operation.id == id)
    }

    /// All, the oldest first.
    pub fn list(&self) -> impl Iterator<Item = &Operation> {
        self.table.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_ends_once() {
        let mut operations = Operations::default();
        let begun = operations.begin("start channel", "main", 5, "a");
        assert_eq!((begun.state, begun.begun, begun.ended), (Progress::InProgress, 5, None));
        operations.end("a", 7, Err("no encoder".into()));
        operations.end("a", 9, Ok(()));
        operations.end("b", 9, Ok(()));
        let ended = operations.get("a").unwrap();
        assert_eq!(
            (ended.state, ended.reason.as_str(), ended.ended),
            (Progress::Failed, "no encoder", Some(7))
        );
        operations.begin("stop channel", "main", 10, "b");
        operations.end("b", 11, Ok(()));
        assert_eq!(operations.get("b").unwrap().state, Progress::Succeeded);
    }

    #[test]
    fn the_oldest_ended_makes_room_first() {
        let mut operations = Operations::default();
        for nth in 0..PLACES {
            operations.begin("start program", "p", 0, nth.to_string());
        }
        operations.end("7", 1, Ok(()));
        operations.begin("start program", "p", 2, "next");
        assert!(operations.get("7").is_none() && operations.get("0").is_some());
        operations.begin("start program", "p", 3, "last");
        assert!(operations.get("0").is_none(), "none has ended: the oldest goes");
        assert_eq!(operations.list().count(), PLACES);
        assert_eq!(operations.list().last().unwrap().id, "last");
    }
}
