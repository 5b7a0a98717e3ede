"""Tests of actors under everything that goes wrong in a cloud: crashes, cuts, repetitions, delays, deployments.

from trebuche_testing import REFUSED, Specification, explore

def test_my_actor():
    explore(MyActor, Specification(initial=…, apply=…, calls=…, shows=…))
"""

from trebuche_testing.explore import ExplorationError, explore
from trebuche_testing.specification import REFUSED, Specification

__all__ = ["REFUSED", "ExplorationError", "Specification", "explore"]
