"""Rules about the directory in which the websocket function finds the actors' functions."""

from collections.abc import Iterator
from typing import Final

from policies.model import ALIAS, FUNCTION, INTEGRATION, ROUTE, FunctionRef, Node, Problem, Rule, Stack
from policies.sources import LAMBDA_GUIDE
from trebuche.contract import DISCOVERY_ENDPOINT

INSTANCE: Final = "aws:servicediscovery/instance:Instance"


def _instances(stack: Stack) -> Iterator[Problem]:
    for instance in stack.all(INSTANCE):
        if not instance.get("attributes", DISCOVERY_ENDPOINT):
            continue
        name, ref = instance.text("instanceId"), _endpoint(stack, instance)
        if ref is not None and (stack.function(ref) is None or ref.qualifier in ("", "$LATEST")):
            what = f"actors called {name} are looked for at {ref}, which is no alias of this stack's functions"
            yield Problem(instance, what, f"set {DISCOVERY_ENDPOINT} to the ARN of the alias")
        for route in stack.all(ROUTE):
            direct = _behind(stack, route) if route.get("routeKey") == name else None
            if ref is not None and direct is not None and direct != ref:
                what = (
                    f"it leads to {direct}, and the directory has {name} at {ref}: two functions answer for one actor"
                )
                yield Problem(route, what, "lead both to the actor's own function")


def _endpoint(stack: Stack, instance: Node) -> FunctionRef | None:
    if text := instance.text("attributes", DISCOVERY_ENDPOINT):
        return FunctionRef.parse(text)
    for alias in stack.made_from(instance, "attributes", ALIAS):
        named = stack.function_ref(alias, "functionName")
        return FunctionRef(named.name, alias.text("name")) if named else None
    for function in stack.made_from(instance, "attributes", FUNCTION):
        return FunctionRef(function.text("name"))
    return None


def _behind(stack: Stack, route: Node) -> FunctionRef | None:
    integrations = stack.linked(route, "target", INTEGRATION)
    return stack.function_ref(integrations[0], "integrationUri") if integrations else None


RULES: Final = (
    Rule(
        id="actor-directory",
        title="An actor is found at the alias to which its route leads",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases", "docs/architecture.md"),
        check=_instances,
    ),
)
