"""Proofs that take longer than tests."""
