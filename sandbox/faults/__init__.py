"""Faults on demand: what goes wrong on AWS now and then goes wrong here when a test says so, by a seed."""

from sandbox.faults.catalog import CATALOG, Kind
from sandbox.faults.faults import Fault, Faults

__all__ = ["CATALOG", "Fault", "Faults", "Kind"]
