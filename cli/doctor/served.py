"""What callers are served: the version that a function's alias stands for, which need not be the last one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from cli.account import CLIENT_CONFIG
from cli.doctor.patient import LiveRule, Patient, Said
from policies.model import ALIAS, FUNCTION, FunctionRef, Node, Stack
from policies.sources import LAMBDA_GUIDE

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

Json = dict[str, Any]

_LATEST: Final = "$LATEST"
_OF_A_VERSION: Final = (
    *("handler", "runtime", "timeout", "memorySize", "role", "environment", "architectures", "layers", "packageType"),
    *("vpcConfig", "tracingConfig", "loggingConfig", "ephemeralStorage", "snapStart", "kmsKeyArn", "codeSha256"),
)
"""What a version keeps of its function, by the names of Pulumi's."""


def as_served(client: "LambdaClient", stack: Stack) -> Iterator[Node]:
    """The resources, each function as the version that its alias stands for."""
    aliases = {FunctionRef.parse(one.text("functionName")).name: one for one in stack.all(ALIAS)}
    for node in stack.nodes:
        alias = aliases.get(node.text("name")) if node.type == FUNCTION else None
        if alias is None:
            yield node
            continue
        served = client.get_function_configuration(FunctionName=node.text("name"), Qualifier=alias.text("name"))
        yield replace(node, props={**node.props, **_settings(served)})


def _settings(answer: Mapping[str, Any]) -> Json:
    """What Lambda says of a version, by the names of Pulumi's."""
    found: Json = {_small(key): _read(value) for key, value in answer.items()}
    found["layers"] = [layer["Arn"] for layer in answer.get("Layers", ())]
    found["environment"] = {"variables": answer.get("Environment", {}).get("Variables", {})}
    return {key: found.get(key) for key in _OF_A_VERSION}


def _read(value: Any) -> Any:
    return {_small(key): one for key, one in value.items()} if isinstance(value, Mapping) else value


def _small(name: str) -> str:
    return "kmsKeyArn" if name == "KMSKeyArn" else name[:1].lower() + name[1:]


def _moved(patient: Patient) -> Iterator[Said]:
    """Aliases that stand for another version than the one that was deployed; a rollback deploys, too."""
    deployed = patient.target.deployment.aliases
    for alias in patient.stack.all(ALIAS):
        name = FunctionRef.parse(alias.text("functionName")).name
        wanted, served = deployed.get(name), alias.text("functionVersion")
        # That $LATEST is served has a rule of its own.
        if wanted and served not in (wanted, _LATEST):
            what = f"it serves version {served}, and version {wanted} was deployed"
            yield f"Function {name}:{alias.text('name')}", what, "`pulumi up --refresh` moves the alias back"


def _changed(patient: Patient) -> Iterator[Said]:
    """Functions that somebody has changed since they were published: the next deployment publishes that."""
    client = patient.target.session.client("lambda", config=CLIENT_CONFIG)
    for name, version in _published(patient):
        latest = _settings(client.get_function_configuration(FunctionName=name))
        try:
            kept = _settings(client.get_function_configuration(FunctionName=name, Qualifier=version))
        except client.exceptions.ResourceNotFoundException:
            # Pruned, after a rollback from it.
            continue
        if changed := list(_differences(kept, latest)):
            what = f"{_LATEST} is not version {version} any more ({', '.join(changed)})"
            mend = "`pulumi up --refresh` puts it back as the program says"
            yield f"Function {name}", f"{what}: the next deployment publishes that", mend


def _published(patient: Patient) -> Iterator[tuple[str, str]]:
    """Functions of the stack, with the version that was published when they were deployed."""
    for entry in ((patient.target.stack.state() or {}).get("deployment") or {}).get("resources") or ():
        outputs = entry.get("outputs") or {}
        if entry["type"] == FUNCTION and outputs.get("version") not in (None, "", _LATEST):
            yield str(outputs["name"]), str(outputs["version"])


def _differences(kept: Json, latest: Json) -> Iterator[str]:
    """Names of what differs; values of variables may be secrets."""
    for key in _OF_A_VERSION:
        if key == "environment":
            one, other = kept[key]["variables"], latest[key]["variables"]
            yield from sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
        elif key != "snapStart" and kept[key] != latest[key]:
            # Whether a snapshot is there is said of versions only.
            yield key


RULES: Final = (
    LiveRule(
        id="served-version",
        title="Aliases stand for the versions that were deployed",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases", "docs/promotion.md: rollback"),
        check=_moved,
    ),
    LiveRule(
        id="unpublished-change",
        title="Nobody has changed a function since it was published",
        sources=(f"{LAMBDA_GUIDE}: versions and aliases",),
        check=_changed,
    ),
)
