"""The Pulumi program: what trebuche.yaml and lambda_src/actors/ describe, on the stack that is selected."""

import sys
from pathlib import Path

import pulumi
from pulumi.runtime import get_config_env
from pulumi.runtime.config import CONFIG

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]

from infra.app import StreamingApp, StreamingAppArgs  # noqa: E402 - found through the line above
from infra.plan import make_plan  # noqa: E402
from infra.promotion import examine  # noqa: E402
from infra.provider import make_provider  # noqa: E402
from trebuche.errors import ConfigError  # noqa: E402

# The official language host hands a stack's configuration over in the environment, the SDK's own in a variable.
stack_config = {**get_config_env(), **CONFIG.get()}
try:
    plan = make_plan(ROOT, pulumi.get_stack(), stack_config)
except ConfigError as error:
    raise pulumi.RunError(str(error)) from None

for warning in plan.warnings:
    pulumi.log.warn(warning)

standing = examine(ROOT, plan)
provider = make_provider(plan, standing.outputs)
app = StreamingApp("app", StreamingAppArgs(plan=plan, standing=standing), pulumi.ResourceOptions(provider=provider))

for output, value in app.outputs.items():
    pulumi.export(output, value)
