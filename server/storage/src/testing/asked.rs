//! The statements that reach a database.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

/// What was asked since [`Asked::listen`]: the statements as sqlx tells them.
#[derive(Clone, Default, Debug)]
pub struct Asked(Arc<Mutex<Heard>>);

#[derive(Default, Debug)]
struct Heard {
    statements: Vec<String>,
    rows: u64,
}

impl Asked {
    /// Listens from now on, in all threads of this process: those of the connections too. Once per process.
    #[must_use]
    pub fn listen() -> Self {
        let asked = Self::default();
        tracing::subscriber::set_global_default(asked.clone()).unwrap_or_else(|e| panic!("listen: {e}"));
        asked
    }

    /// All of them, the oldest first.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        self.kept().statements.clone()
    }

    /// How many rows came back for them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.kept().rows
    }

    fn kept(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit for Asked {
    fn record_str(&mut self, field: &Field, value: &str) {
        let asked = &mut self.kept().statements;
        match field.name() {
            "summary" => asked.push(value.to_owned()),
            // The whole, where the summary is only its beginning.
            "db.statement" if !value.is_empty() => {
                asked.pop();
                asked.push(value.trim().to_owned());
            }
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.kept().rows += value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl tracing::Subscriber for Asked {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // One after another: statements come from threads of their own.
        let mut one = Self::default();
        event.record(&mut one);
        let (mut heard, mut one) = (self.kept(), one.kept());
        heard.statements.append(&mut one.statements);
        heard.rows += one.rows;
    }
}
