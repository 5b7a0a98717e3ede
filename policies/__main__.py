"""The policy pack: ``pulumi preview --policy-pack policies``; ``trebuche doctor`` runs it, too."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Python puts only this file's own folder on the path of a script.
sys.path[:0] = [str(ROOT), str(ROOT / "lambda_src")]

from pulumi_policy import EnforcementLevel, PolicyPack  # noqa: E402 - found through the line above

from policies.pack import policies  # noqa: E402
from policies.rules import RULES  # noqa: E402

PolicyPack("trebuche", enforcement_level=EnforcementLevel.MANDATORY, policies=policies(RULES))
