//! The management interface as an operator's program uses it: JSON both ways, operations followed to their end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Riserd, http, wait};

/// An operation is over within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer of the management interface.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The id of the operation that was begun; empty where none was.
    pub operation: String,
    /// Its body; null where there is none.
    pub body: Value,
}

impl Answer {
    /// A text field of the body, by its JSON pointer.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> String {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no {pointer} in {self:?}")).to_owned()
    }

    /// A number in the body, by its JSON pointer.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn number(&self, pointer: &str) -> u64 {
        self.body
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no {pointer} in {self:?}"))
    }
}

impl Riserd {
    /// Asks the management interface; `path` begins behind `/api/v1`.
    ///
    /// # Panics
    /// If the box does not answer, or not with JSON.
    #[must_use]
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let headers: &[_] = if body.is_empty() { &[] } else { &[("content-type", "application/json")] };
        let response = http::send(self.management, method, &format!("/api/v1{path}"), headers, &body);
        let response = response.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let body = match response.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&response.body)
                .unwrap_or_else(|error| panic!("{method} {path}: {error}: {}", response.text())),
        };
        Answer { status: response.status, operation: response.header("operation-id").to_owned(), body }
    }

    /// Asks for something that takes its time and waits until it is done.
    ///
    /// # Panics
    /// If it is refused or fails.
    pub fn operate(&self, path: &str) {
        let answer = self.api("POST", path, &Value::Null);
        assert_eq!(answer.status, 202, "{path}: {answer:?}");
        wait::until(&format!("{path} is done"), PATIENCE, || {
            let operation = self.api("GET", &format!("/operations/{}", answer.operation), &Value::Null);
            assert_ne!(operation.text("/state"), "Failed", "{path}: {operation:?}");
            operation.text("/state") == "Succeeded"
        });
    }

    /// Makes, publishes and starts a program on channel `main`; its id and its asset's.
    ///
    /// # Panics
    /// If the box refuses.
    #[must_use]
    pub fn program(&self, name: &str, locator: &str, archive_window: Option<u64>) -> (String, String) {
        let body = json!({ "channel": "main", "name": name, "archive_window": archive_window });
        let made = self.api("POST", "/programs", &body);
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.text("/id");
        let published = self.api("POST", &format!("/programs/{id}/publish"), &json!({ "locator": locator }));
        assert!((200..300).contains(&published.status), "{published:?}");
        self.operate(&format!("/programs/{id}/start"));
        let program = self.api("GET", &format!("/programs/{id}"), &Value::Null);
        assert_eq!(program.text("/state"), "running");
        (id, program.text("/asset"))
    }
}
