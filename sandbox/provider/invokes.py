"""Provider functions: what a program asks without making anything."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.provider.cloud import Cloud
from sandbox.provider.errors import RejectedValueError, UnknownFunctionError
from sandbox.provider.properties import Props


def _caller_identity(cloud: Cloud, _: Props) -> Props:
    answer = cloud.client("sts", cloud.region).get_caller_identity()
    account = answer["Account"]
    return {"accountId": account, "arn": answer["Arn"], "userId": answer["UserId"], "id": account}


def _region(cloud: Cloud, args: Props) -> Props:
    region = args.get("region") or args.get("name") or cloud.region
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"region": region, "name": region, "id": region, "description": region, "endpoint": endpoint}


def _partition(_: Cloud, __: Props) -> Props:
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws", "id": "aws"}


def _policy_document(_: Cloud, args: Props) -> Props:
    statements = [
        *(statement for text in args.get("sourcePolicyDocuments", []) for statement in _statements_of(text)),
        *map(policy_statement, args.get("statements", [])),
    ]
    # A statement with the Sid of an earlier one takes its place, as in the official provider.
    overrides = [statement for text in args.get("overridePolicyDocuments", []) for statement in _statements_of(text)]
    replaced = {statement["Sid"] for statement in overrides if "Sid" in statement}
    kept = [statement for statement in statements if statement.get("Sid") not in replaced]
    body: Props = {"Version": args.get("version", "2012-10-17"), "Statement": [*kept, *overrides]}
    if args.get("policyId"):
        body["Id"] = args["policyId"]
    # Maps arrive in random order: without sorted keys each preview would show another text.
    text = json.dumps(body, indent=2, sort_keys=True)
    return {**args, "json": text, "minifiedJson": json.dumps(body, sort_keys=True, separators=(",", ":")), "id": "0"}


def _statements_of(text: str) -> list[Props]:
    try:
        statements = json.loads(text).get("Statement", [])
    except ValueError as error:
        raise RejectedValueError(f"a policy document is not JSON: {error}") from error
    return statements if isinstance(statements, list) else [statements]


def policy_statement(block: Mapping[str, Any]) -> Props:
    """One statement of ``getPolicyDocument`` in IAM's spelling; lists of one become the value, as the provider does."""
    plain = {
        "Sid": block.get("sid"),
        "Effect": block.get("effect") or "Allow",
        "Action": _one_or_many(block.get("actions")),
        "NotAction": _one_or_many(block.get("notActions")),
        "Resource": _one_or_many(block.get("resources")),
        "NotResource": _one_or_many(block.get("notResources")),
        "Principal": _principals(block.get("principals")),
        "NotPrincipal": _principals(block.get("notPrincipals")),
        "Condition": _conditions(block.get("conditions")),
    }
    return {key: value for key, value in plain.items() if value}


def _one_or_many(values: list[str] | None) -> str | list[str] | None:
    # Sorted from the end, as the official provider writes lists of several.
    return values[0] if values and len(values) == 1 else sorted(values, reverse=True) if values else None


def _principals(blocks: list[Props] | None) -> Props | str:
    if any(block["type"] == "*" for block in blocks or []):
        return "*"
    gathered: dict[str, list[str]] = {}
    for block in blocks or []:
        gathered.setdefault(block["type"], []).extend(block["identifiers"])
    return {kind: _one_or_many(identifiers) for kind, identifiers in gathered.items()}


def _conditions(blocks: list[Props] | None) -> Props:
    gathered: dict[str, dict[str, list[str]]] = {}
    for block in blocks or []:
        gathered.setdefault(block["test"], {}).setdefault(block["variable"], []).extend(block["values"])
    return {test: {key: _one_or_many(values) for key, values in keys.items()} for test, keys in gathered.items()}


FUNCTIONS: Mapping[str, Callable[[Cloud, Props], Props]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
}


def invoke(token: str, cloud: Cloud, args: Props) -> Props:
    """Answer a provider function.

    Raises:
        UnknownFunctionError: The sandbox does not answer this one.
    """
    function = FUNCTIONS.get(token)
    if function is None:
        raise UnknownFunctionError(f"the sandbox does not answer {token}; it answers {', '.join(sorted(FUNCTIONS))}")
    return function(cloud, args)
