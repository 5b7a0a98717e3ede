"""What tests of clients stand on: an endpoint that does as it is told."""

from tests.support.endpoint import serving

__all__ = ["serving"]
