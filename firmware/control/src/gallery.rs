//! Where the newest objects and operations hang.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::{Objects, Operation, Operations};

/// The newest objects and operations. Clones share them; reading never waits.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    objects: Arc<ArcSwap<Objects>>,
    operations: Arc<ArcSwap<Operations>>,
}

impl Gallery {
    /// Begins with these objects and no operation.
    #[must_use]
    pub fn new(objects: Arc<Objects>) -> Self {
        Self { objects: Arc::new(ArcSwap::new(objects)), operations: Arc::default() }
    }

    /// Hangs newer objects.
    pub fn show(&self, objects: Arc<Objects>) {
        self.objects.store(objects);
    }

    /// Hangs newer operations. Where both changed, objects come first: whoever sees an operation ended must see
    /// what it did.
    pub fn show_operations(&self, operations: Operations) {
        self.operations.store(Arc::new(operations));
    }

    /// The newest objects.
    #[must_use]
    pub fn objects(&self) -> Arc<Objects> {
        self.objects.load_full()
    }

    /// The operation with this id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<Operation> {
        self.operations.load().get(id).cloned()
    }

    /// All operations that are remembered, the oldest first.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.operations.load().list().cloned().collect()
    }
}
