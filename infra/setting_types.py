"""What a value of a stack file may be: types that word every mistake, and what turns Pulumi's text into values."""

import json
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from infra.auth_config import as_tuple
from infra.config import Flag
from infra.mistakes import mistake, rule, show

_RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The periods that CloudWatch Logs knows (PutRetentionPolicy)."""

When = Literal["production", "always", "never"]


def _number(value: Any) -> Any:
    """Pulumi hands numbers over as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else value


def _version(value: Any) -> Any:
    """What ``pulumi config set --path`` writes is a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _account(value: Any) -> Any:
    """What ``pulumi config set --path 'aws:allowedAccountIds[0]' 111122223333`` writes is a number."""
    # A number with fewer digits has lost a zero at its front: it is refused, not guessed.
    return str(value) if isinstance(value, int) and len(str(value)) == 12 else value


def _flag(value: Any) -> Any:
    """Pulumi hands flags over as text."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _retention(value: Any) -> Any:
    days = _number(value)
    if days not in _RETENTIONS:
        raise mistake(f"{show(days)} is not allowed; it must be one of {', '.join(map(str, _RETENTIONS))} (days)")
    return days


def parsed(value: Any) -> Any:
    """Pulumi hands lists and mappings over as JSON."""
    try:
        return as_tuple(json.loads(value)) if isinstance(value, str) else as_tuple(value)
    except ValueError:
        return value


def _one_warm_start(instances: int, info: ValidationInfo) -> int:
    if instances and info.data.get("snapStart"):
        raise mistake(
            "snapStart and provisionedConcurrency exclude each other (Lambda offers one or the other); keep one"
        )
    return instances


def not_below_minimum(maximum: int, info: ValidationInfo) -> int:
    """A maximum next to a ``minimum`` that was read before it."""
    minimum = info.data.get("minimum", maximum)
    if maximum < minimum:
        raise mistake(f"{maximum} is not allowed; it must not be below minimum ({minimum})")
    return maximum


RetentionDays = Annotated[int, BeforeValidator(_retention)]
Choice = Annotated[When, rule("production (only the stack of that name), always or never", get_args(When))]
PerSecond = Annotated[
    int, Field(ge=1, le=1_000_000), rule("a whole number from 1 to 1000000"), BeforeValidator(_number)
]
Switch = Annotated[Flag, BeforeValidator(_flag)]
Instances = Annotated[
    int,
    Field(ge=0, le=100_000),
    rule("a whole number from 0 (none) to 100000"),
    AfterValidator(_one_warm_start),
    BeforeValidator(_number),
]
Reserved = Annotated[int, Field(ge=1, le=100_000), rule("a whole number from 1 to 100000")]
ParallelBatches = Annotated[int, Field(ge=1, le=10), rule("a whole number from 1 to 10"), BeforeValidator(_number)]
BatchSize = Annotated[int, Field(ge=1, le=10_000), rule("a whole number from 1 to 10000"), BeforeValidator(_number)]
WindowSeconds = Annotated[int, Field(ge=0, le=300), rule("a whole number from 0 to 300"), BeforeValidator(_number)]
Retries = Annotated[int, Field(ge=0, le=10_000), rule("a whole number from 0 to 10000"), BeforeValidator(_number)]
AgeSeconds = Annotated[
    int, Field(ge=60, le=86_400), rule("a whole number of seconds from 60 to 86400"), BeforeValidator(_number)
]
Units = Annotated[int, Field(ge=1, le=40_000), rule("a whole number from 1 to 40000")]
Percent = Annotated[int, Field(ge=20, le=90), rule("a whole number from 20 to 90")]
KeyArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"),
    rule("the ARN of a KMS key (not of an alias), such as arn:aws:kms:us-east-1:111122223333:key/…"),
]
TopicArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$"),
    rule("the ARN of an SNS topic, such as arn:aws:sns:us-east-1:111122223333:alarms"),
]
CertificateArn = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$"),
    rule("the ARN of a certificate of ACM in the stack's region"),
]
HostName = Annotated[
    str,
    Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", max_length=253),
    rule("a host name in small letters, such as live.example.com"),
]
MappingKey = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{1,128}$"),
    rule("1 to 128 letters, digits, hyphens and underscores"),
]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), rule("a release, as `pulumi stack output release` prints it")]
Version = Annotated[
    str, Field(pattern=r"^[1-9][0-9]*$"), rule("the number of a function's version"), BeforeValidator(_version)
]
Text = Annotated[str, Field(min_length=1), rule("a text")]
AccountId = Annotated[
    str,
    Field(pattern=r"^[0-9]{12}$"),
    rule("the 12 digits of an AWS account, in quotes"),
    BeforeValidator(_account),
]
