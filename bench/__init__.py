"""Measurements: programs that print figures, run by hand or by a job, never by the tests."""
