//! Schema of board-configs: what one kind of box has and can do.
