"""Switches the sandbox's rules off, one by one: the test that holds a rule must notice."""
