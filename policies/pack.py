"""Between Pulumi's policy SDK and the rules: resources in, violations out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from pulumi import FileArchive, FileAsset
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import _is_unknown

from policies.model import ERROR, UNKNOWN, Node, Problem, Rule, Stack

MEND: Final = "Mend: "
SOURCE: Final = "Source: "


def policies(rules: Iterable[Rule]) -> list[Policy]:
    """One policy per rule: of single resources where the rule says so, else of the whole stack."""
    return [_of_resources(rule) if rule.types else _of_stack(rule) for rule in rules]


def stack_of(resources: Sequence[PolicyResource]) -> Stack:
    """The stack whose resources a policy is given."""
    name = resources[0].urn.split(":")[2] if resources else ""
    return Stack(name, tuple(_node(one) for one in resources if one.resource_type.startswith("aws:")))


def text_of(rule: Rule, problem: Problem) -> str:
    """What a violation says; ``cli.doctor`` reads it back."""
    where = f"{problem.node.label}: " if problem.node else ""
    return f"{where}{problem.what}\n{MEND}{problem.mend}\n{SOURCE}{'; '.join(rule.sources)}"


def plain(value: Any) -> Any:
    """A value without the SDK's guard, which raises at the first look at something unknown."""
    if isinstance(value, str):
        return UNKNOWN if _is_unknown(value) else value
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in _unguarded(value).items()}
    if isinstance(value, Sequence):
        return [plain(one) for one in _unguarded(value)]
    if isinstance(value, (FileArchive, FileAsset)):
        return {"path": value.path}
    # What is left is an AssetArchive, which Pulumi packs itself.
    return value if isinstance(value, (int, float)) or value is None else {"kind": "assets"}


def _unguarded(value: Any) -> Any:
    # What the SDK's proxy hands out of itself without a look at every value.
    return value if isinstance(value, (dict, list, tuple)) else value["__target"]


def _node(resource: PolicyResource) -> Node:
    return Node(
        urn=resource.urn,
        type=resource.resource_type,
        props=plain(resource.props),
        depends_on=frozenset(one.urn for one in resource.dependencies),
        refers={
            key: frozenset(one.urn for one in found) for key, found in (resource.property_dependencies or {}).items()
        },
        protect=bool(resource.opts.protect),
        ignores=frozenset(resource.opts.ignore_changes or ()),
        delete_first=bool(resource.opts.delete_before_replace),
    )


def _level(rule: Rule) -> EnforcementLevel:
    return EnforcementLevel.MANDATORY if rule.severity == ERROR else EnforcementLevel.ADVISORY


def _of_stack(rule: Rule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for problem in rule.check(stack_of(args.resources)):
            report(text_of(rule, problem), problem.node.urn if problem.node else None)

    return StackValidationPolicy(rule.id, rule.title, validate, enforcement_level=_level(rule))


def _of_resources(rule: Rule) -> Policy:
    return ResourceValidationPolicy(rule.id, rule.title, _validation(rule), enforcement_level=_level(rule))


def _validation(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type in rule.types:
            node = Node(urn=args.urn, type=args.resource_type, props=plain(args.props), protect=bool(args.opts.protect))
            for problem in rule.check(Stack(args.urn.split(":")[2], (node,))):
                # The SDK adds the resource.
                report(text_of(rule, problem), None)

    return validate
