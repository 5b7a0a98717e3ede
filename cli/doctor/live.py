"""What only a running stack can tell: each rule that asks AWS."""

from typing import Final

from cli.account import speaking_to_aws
from cli.doctor import measured, present, recorded, served, simulated
from cli.doctor.findings import RUNNING, Finding
from cli.doctor.patient import LiveRule, Patient
from cli.target import Target
from policies.model import Stack

LIVE_RULES: Final[tuple[LiveRule, ...]] = (
    *present.RULES,
    *served.RULES,
    *simulated.RULES,
    *recorded.RULES,
    *measured.RULES,
)


def examine_live(target: Target, stack: Stack) -> list[Finding]:
    """Ask AWS all that the rules want to know.

    Raises:
        CommandError: AWS refuses, or cannot be reached.
    """
    with speaking_to_aws():
        return [
            Finding(
                rule=rule.id,
                severity=rule.severity,
                part=RUNNING,
                where=where,
                what=what,
                mend=mend,
                sources=rule.sources,
            )
            for rule in LIVE_RULES
            for where, what, mend in rule.check(Patient(target, stack))
        ]
