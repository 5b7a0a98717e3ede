"""Types that the emulator has nothing for: remembered in the stack's state, so that a program that has them deploys.

Application Auto Scaling never scales anything here; AWS stores models of messages, but a WebSocket
API without request validation never looks at them.
"""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import hashlib

from sandbox.provider.cloud import Scope
from sandbox.provider.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    NUMBER,
    REGION,
    STRING,
    TAGS,
    Props,
    fields,
    list_of,
    one_of,
)
from sandbox.provider.table import Autoname, Handler, ResourceType


class RecordedHandler(Handler):
    """Accepts everything and changes nothing.

    Args:
        ident: The property that is the id; empty for an id of its own.
        arn: The resource part of the ARN before the id's digest; empty for a type without an ARN.
    """

    def __init__(self, ident: str = "", arn: str = "") -> None:
        self._ident, self._arn = ident, arn

    def create(self, scope: Scope, inputs: Props) -> str:
        """The id, out of the inputs or the URN."""
        return str(inputs[self._ident]) if self._ident else _digest(scope)[:6]

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """What the stack remembers; there is nothing else to look at."""
        if not state:
            return None
        arn = {"arn": scope.arn("application-autoscaling", f"{self._arn}/{_digest(scope)}")} if self._arn else {}
        return {**state, **arn}

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Nothing to remove."""


def _digest(scope: Scope) -> str:
    return hashlib.sha256(scope.urn.encode()).hexdigest()[:32]


_REPLACES = STRING.but(required=True, replaces=True)
_SPECIFICATION = fields(predefinedMetricType=STRING.but(required=True), resourceLabel=STRING)
_TRACKING = fields(
    targetValue=NUMBER.but(required=True),
    disableScaleIn=BOOLEAN,
    predefinedMetricSpecification=_SPECIFICATION,
    scaleInCooldown=INTEGER,
    scaleOutCooldown=INTEGER,
    customizedMetricSpecification=fields(
        metricName=STRING,
        namespace=STRING,
        statistic=STRING,
        unit=STRING,
        dimensions=list_of(fields(name=STRING.but(required=True), value=STRING.but(required=True))),
    ),
)
_ADDRESS = {"resourceId": _REPLACES, "scalableDimension": _REPLACES, "serviceNamespace": _REPLACES}

ROWS = (
    ResourceType(
        token="aws:apigatewayv2/model:Model",
        fields={
            "apiId": _REPLACES,
            "name": STRING.but(pattern=r"[A-Za-z0-9]{1,255}"),
            "contentType": STRING.but(required=True),
            "schema": DOCUMENT.but(required=True, longest=32768),
            "description": STRING,
            "region": REGION,
        },
        outputs=(),
        handler=RecordedHandler(),
        autoname=Autoname(longest=128, separator=""),
    ),
    ResourceType(
        token="aws:appautoscaling/target:Target",
        fields={
            **_ADDRESS,
            "minCapacity": INTEGER.but(required=True, low=0),
            "maxCapacity": INTEGER.but(required=True, low=0),
            "roleArn": STRING.but(computed=True),
            "suspendedState": fields(
                dynamicScalingInSuspended=BOOLEAN, dynamicScalingOutSuspended=BOOLEAN, scheduledScalingSuspended=BOOLEAN
            ).but(computed=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "tagsAll"),
        handler=RecordedHandler("resourceId", "scalable-target"),
    ),
    ResourceType(
        token="aws:appautoscaling/policy:Policy",
        fields={
            "name": STRING.but(replaces=True, longest=255),
            **_ADDRESS,
            "policyType": one_of("StepScaling", "TargetTrackingScaling").but(default="StepScaling"),
            "targetTrackingScalingPolicyConfiguration": _TRACKING,
            "stepScalingPolicyConfiguration": fields(
                adjustmentType=STRING,
                cooldown=INTEGER,
                metricAggregationType=STRING,
                minAdjustmentMagnitude=INTEGER,
                stepAdjustments=list_of(
                    fields(
                        metricIntervalLowerBound=STRING,
                        metricIntervalUpperBound=STRING,
                        scalingAdjustment=INTEGER.but(required=True),
                    )
                ),
            ),
            "region": REGION,
        },
        outputs=("arn",),
        handler=RecordedHandler("name", "scalingPolicy"),
        autoname=Autoname(longest=255),
    ),
)
