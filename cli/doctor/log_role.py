"""The account's role for API Gateway's logs: whether there is one, only AWS knows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cli.account import CLIENT_CONFIG, open_session, speaking_to_aws
from cli.doctor.findings import Finding
from cli.errors import CommandError
from infra.stack_settings import AwsSettings
from policies.model import ERROR

ELSEWHERE = "log-role-elsewhere"
"""The policy pack's rule for a stage that logs with a role which its stack does not set."""
NONE = "API Gateway has no role to write logs with, in this account and region"


def with_log_role(findings: Iterable[Finding], settings: AwsSettings, region: str) -> Iterator[Finding]:
    """Findings without the doubt about the role, which is there or not; where AWS cannot be asked the doubt stays."""
    found = list(findings)
    verdict = _has_role(settings, region) if any(one.rule == ELSEWHERE for one in found) else None
    for one in found:
        if one.rule != ELSEWHERE or verdict is None:
            yield one
        elif not verdict:
            yield replace(one, severity=ERROR, what=f"it logs, and {NONE}: the deployment fails")


def _has_role(settings: AwsSettings, region: str) -> bool | None:
    try:
        session = open_session(settings, region)
        with speaking_to_aws():
            return bool(session.client("apigateway", config=CLIENT_CONFIG).get_account().get("cloudwatchRoleArn"))
    except CommandError:
        return None
