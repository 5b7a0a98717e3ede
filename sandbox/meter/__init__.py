"""What AWS would bill for: units by resource and cause, counted where they arise."""

from sandbox.meter.meter import Meter, Place

__all__ = ["Meter", "Place"]
