"""The ``trebuche`` command."""
