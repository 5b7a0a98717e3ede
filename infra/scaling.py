"""Capacity that follows use: for a table and its index, for reads and for writes."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import appautoscaling, dynamodb

from infra.stack_settings import Capacity
from trebuche.contract import ACTOR_INDEX

COOLDOWN_SECONDS = 60
_SERVICE = "dynamodb"
_METRICS = {"Read": "DynamoDBReadCapacityUtilization", "Write": "DynamoDBWriteCapacityUtilization"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingArgs:
    """A provisioned table, and between which bounds it scales."""

    table: dynamodb.Table
    indexed: bool
    """Whether it has the index by actor, which scales by itself."""
    capacity: Capacity


class Scaling(pulumi.ComponentResource):
    """Targets and policies; AWS changes the capacity within minutes, so it does not catch a burst."""

    def __init__(self, name: str, args: ScalingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trebuche:aws:Scaling", name, {}, opts)
        for kind in _METRICS:
            self._scale(f"{name}-{kind.lower()}", args, "table", kind)
            if args.indexed:
                self._scale(f"{name}-index-{kind.lower()}", args, "index", kind)
        self.register_outputs({})

    def _scale(self, name: str, args: ScalingArgs, unit: str, kind: str) -> None:
        index = f"/index/{ACTOR_INDEX}" if unit == "index" else ""
        target = appautoscaling.Target(
            f"{name}-target",
            service_namespace=_SERVICE,
            resource_id=pulumi.Output.concat("table/", args.table.name, index),
            scalable_dimension=f"dynamodb:{unit}:{kind}CapacityUnits",
            min_capacity=args.capacity.minimum,
            max_capacity=args.capacity.maximum,
            opts=pulumi.ResourceOptions(parent=self),
        )
        appautoscaling.Policy(
            f"{name}-policy",
            name=f"{unit}-{kind.lower()}",
            # The provider's default is StepScaling, which follows no target.
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                predefined_metric_specification=appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type=_METRICS[kind],
                ),
                target_value=args.capacity.targetPercent,
                scale_in_cooldown=COOLDOWN_SECONDS,
                scale_out_cooldown=COOLDOWN_SECONDS,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
