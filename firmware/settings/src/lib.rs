//! The operator's document: schema, defaults, validation.
