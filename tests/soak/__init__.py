"""A whole deployed program under faults, watched by clients that keep the protocol."""
