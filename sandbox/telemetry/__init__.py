"""CloudWatch as AWS runs it: metrics of the services, metrics in logs, and alarms that mean it."""

from sandbox.telemetry.telemetry import Telemetry

__all__ = ["Telemetry"]
