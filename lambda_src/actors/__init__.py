"""Your actors: one module each, top-level classes, exposed by name."""
