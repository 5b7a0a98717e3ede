"""Gives each version and alias of a function a resource policy of its own, as Lambda does.

The emulator keeps one list of statements for a function and all that is published of it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

LATEST = "$LATEST"
NO_POLICY = "No policy is associated with the given resource."


def install() -> None:
    """Have requests see the statements of what they name only, and those of a deleted alias go with it."""
    lambda_svc._add_permission = apart(lambda_svc._add_permission, makes=True)
    lambda_svc._remove_permission = apart(lambda_svc._remove_permission)
    lambda_svc._get_policy = apart(lambda_svc._get_policy)
    lambda_svc._delete_alias = forgetting(lambda_svc._delete_alias)


def apart(operation: Callable[..., Any], *, makes: bool = False) -> Callable[..., Any]:
    """An operation on a policy, for the policy of the version or alias that is named; ``makes`` one that needs none."""

    def run(func_name: str, *args: Any) -> Any:
        *_, query, path_qualifier = args
        qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query)
        if makes and qualifier == LATEST:
            text = f"We currently do not support adding policies for {LATEST}."
            return error_response_json("InvalidParameterValueException", text, 400)
        with only(func_name, qualifier) as statements:
            answer = operation(func_name, *args)
        if answer[0] < 300 and not statements and not makes:
            return error_response_json("ResourceNotFoundException", NO_POLICY, 404)
        return answer

    return run


@contextlib.contextmanager
def only(func_name: str, qualifier: str | None) -> Iterator[int]:
    """While entered, the function's policy holds the statements of the one that is named; tells how many there are."""
    function = lambda_svc._functions.get(func_name)
    if function is None:
        yield 0
        return
    resource, policy = lambda_svc._policy_resource_arn(func_name, qualifier), function["policy"]
    others = [statement for statement in policy["Statement"] if statement["Resource"] != resource]
    policy["Statement"] = [statement for statement in policy["Statement"] if statement["Resource"] == resource]
    try:
        yield len(policy["Statement"])
    finally:
        policy["Statement"] += others


def forgetting(delete: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """The end of an alias, and of its permissions: another one of its name has none."""

    def run(func_name: str, alias_name: str) -> Any:
        answer = delete(func_name, alias_name)
        if answer[0] < 300:
            resource = lambda_svc._policy_resource_arn(func_name, alias_name)
            policy = lambda_svc._functions[func_name]["policy"]
            policy["Statement"] = [one for one in policy["Statement"] if one["Resource"] != resource]
        return answer

    return run
