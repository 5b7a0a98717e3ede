"""Permissions as IAM itself judges them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cli.account import CLIENT_CONFIG
from cli.doctor.patient import LiveRule, Patient, Said
from policies.model import Stack
from policies.needs import NEEDS, Need
from policies.rules.permissions import role_of, unmet
from policies.sources import BROADCASTING, PERSISTING, page

if TYPE_CHECKING:
    from types_boto3_iam.type_defs import ContextEntryTypeDef


def _permissions(patient: Patient) -> Iterator[Said]:
    """What the functions do, as IAM's own simulator judges it: with all that no policy of the stack shows."""
    client = patient.target.session.client("iam", config=CLIENT_CONFIG)
    refused: dict[str, dict[str, list[str]]] = {}
    for (role_arn, resource), wanted in _asked(patient.stack).items():
        # The simulator multiplies actions and resources: so one resource, and what is wanted of it.
        answers = client.simulate_principal_policy(
            PolicySourceArn=role_arn,
            ActionNames=sorted({need.action for need in wanted}),
            ResourceArns=[resource],
            ContextEntries=_context(patient),
        )["EvaluationResults"]
        denied = [answer["EvalActionName"] for answer in answers if answer["EvalDecision"] != "allowed"]
        if denied:
            refused.setdefault(role_arn, {}).setdefault(wanted[0].place, []).extend(denied)
    for role_arn, places in refused.items():
        texts = [f"{', '.join(dict.fromkeys(actions))} on {place}" for place, actions in places.items()]
        what = f"IAM denies {'; '.join(texts)}, and none of its policies says so"
        yield f"Role {role_arn.rsplit('/', 1)[-1]}", what, "look for a policy of the organisation, or of the resource"


def _asked(stack: Stack) -> dict[tuple[str, str], list[Need]]:
    """Role and resource to what is wanted of it; what the role's policies deny is told by the rules about these."""
    needs = {(need.function.urn, need.action, need.resource): need for one in NEEDS for need in one(stack)}
    found: dict[tuple[str, str], list[Need]] = {}
    for need in needs.values():
        role = role_of(stack, need.function)
        if role is not None and need.resource and not unmet(stack, need):
            found.setdefault((role.text("arn"), need.resource), []).append(need)
    return found


def _context(patient: Patient) -> "list[ContextEntryTypeDef]":
    # A key of one's own may be used through DynamoDB only: the simulator has to be told that it is.
    region = f"dynamodb.{patient.target.region}.amazonaws.com"
    return [{"ContextKeyName": "kms:ViaService", "ContextKeyType": "string", "ContextKeyValues": [region]}]


RULES: Final = (
    LiveRule(
        id="simulated-permission",
        title="IAM allows what the functions do",
        sources=(page(PERSISTING, 1), page(BROADCASTING, 3), "iam:SimulatePrincipalPolicy"),
        check=_permissions,
    ),
)
