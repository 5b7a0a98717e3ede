"""Who may come in, and what whoever is in may do. Pure: keys, tables and secrets are reached through ports."""
