"""The commands: options and texts. What takes time to import is imported where it is used."""
