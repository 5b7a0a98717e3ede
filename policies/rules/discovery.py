"""Rules about the directory in which the websocket function finds the actors' functions."""

from collections.abc import Iterator
from typing import Final

from policies.model import (
    INSTANCE,
    NAMESPACE,
    ROUTE,
    SERVICE,
    UNKNOWN,
    WARNING,
    FunctionRef,
    Node,
    Problem,
    Rule,
    Stack,
)
from policies.program import astray
from policies.rules.routes import PING, ROUTES, called_by, sockets
from policies.sources import LAMBDA_GUIDE
from trebuche.contract import ACTOR_ID, DISCOVERY_ENDPOINT, DISCOVERY_SERVICE


def _instances(stack: Stack) -> Iterator[Problem]:
    instances = _registered(stack)
    for instance in instances:
        name, ref = instance.text("attributes", ACTOR_ID), _endpoint(stack, instance)
        if name != instance.get("instanceId"):
            what = f"it is instance {instance.get('instanceId')}, and stands for actors called {name or 'nothing'}"
            yield Problem(instance, what, f"set instanceId and {ACTOR_ID} to the exposed name")
        if not instance.get("attributes", DISCOVERY_ENDPOINT):
            what = f"it has no {DISCOVERY_ENDPOINT}: actors called {name} are not found"
            yield Problem(instance, what, f"set {DISCOVERY_ENDPOINT} to the ARN of the alias")
        if ref is not None and (lost := astray(stack, ref)):
            what = f"actors called {name} are looked for at {lost}"
            yield Problem(instance, what, f"set {DISCOVERY_ENDPOINT} to the ARN of the alias")
        for route in stack.all(ROUTE):
            direct = called_by(stack, route) if route.get("routeKey") == name else None
            if ref is not None and direct is not None and direct != ref:
                what = (
                    f"it leads to {direct}, and the directory has {name} at {ref}: two functions answer for one actor"
                )
                yield Problem(route, what, "lead both to the actor's own function")
    known = {one.get("attributes", ACTOR_ID) for one in instances}
    for route in _of_actors(stack) if instances else ():
        if route.get("routeKey") not in known and UNKNOWN not in known:
            what = f"actors called {route.get('routeKey')} are in no directory: frames without an action find nobody"
            yield Problem(route, what, "register an Instance with that name, or mend the routeKey")
    yield from _places(stack)


def _registered(stack: Stack) -> list[Node]:
    """The instances that stand for actors."""
    return [one for one in stack.all(INSTANCE) if {ACTOR_ID, DISCOVERY_ENDPOINT} & set(one.get("attributes") or ())]


def _of_actors(stack: Stack) -> list[Node]:
    """The routes that lead to actors directly."""
    routes = [route for api in sockets(stack) for route in stack.of_api(ROUTE, api)]
    return [one for one in routes if one.get("routeKey") not in (*ROUTES, PING) and called_by(stack, one) is not None]


def _places(stack: Stack) -> Iterator[Problem]:
    """Where functions look."""
    for service in stack.all(SERVICE) if _registered(stack) else ():
        if service.get("name") not in (DISCOVERY_SERVICE, UNKNOWN):
            what = f"it is called {service.get('name')}, and functions look for {DISCOVERY_SERVICE}: no actor is found"
            yield Problem(service, what, f"call it {DISCOVERY_SERVICE}")
        if service.get("namespaceId") is not UNKNOWN and not stack.linked(service, "namespaceId", NAMESPACE):
            what = f"it is in namespace {service.get('namespaceId')}, which is not in this stack"
            yield Problem(service, what, "set namespaceId to the namespace's id")
    for instance in _registered(stack):
        if instance.get("serviceId") is not UNKNOWN and not stack.linked(instance, "serviceId", SERVICE):
            what = f"it is in service {instance.get('serviceId')}, which is not in this stack: the actor is not found"
            yield Problem(instance, what, "set serviceId to the service's id")


def _direct(stack: Stack) -> Iterator[Problem]:
    keys = {route.get("routeKey") for route in stack.all(ROUTE)}
    for instance in _registered(stack) if sockets(stack) and keys else ():
        if (name := instance.text("attributes", ACTOR_ID)) and name not in keys:
            what = f"no route has the action {name}: each call of it takes two functions"
            yield Problem(instance, what, f"add a route with key {name} to the actor's function")


def _endpoint(stack: Stack, instance: Node) -> FunctionRef | None:
    return stack.made_ref(instance, "attributes", instance.get("attributes", DISCOVERY_ENDPOINT))


RULES: Final = (
    Rule(
        id="actor-directory",
        title="An actor is found at the alias to which its route leads",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases", "docs/architecture.md"),
        check=_instances,
    ),
    Rule(
        id="direct-routes",
        title="Each actor type has a route of its own",
        sources=("docs/architecture.md: the life of a call",),
        severity=WARNING,
        check=_direct,
    ),
)
