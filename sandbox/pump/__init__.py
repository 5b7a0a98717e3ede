"""Event source mappings for DynamoDB streams and SQS queues, with AWS's batching, retries and failure handling."""

from sandbox.pump.mapping import Mapping
from sandbox.pump.pump import Pump

__all__ = ["Mapping", "Pump"]
