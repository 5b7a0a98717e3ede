"""Each rule of the doctor: a stack that breaks it is named, and the program's own is not."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from infra.archives import pack
from policies.documents import many, statements
from policies.model import FUNCTION, ROLE_POLICY, SCALING, Node, Stack
from policies.rules import BY_ID, RULES
from tests.infra.doctor_mutants import IN_PRODUCTION, MUTANTS, statement
from tests.infra.doctor_mutants_guarded import GUARDED
from tests.infra.doctor_mutants_links import ABROAD_LINKS, FORETOLD, LINKS
from tests.infra.doctor_mutants_settings import ALARMS, NUMBERS, ROLES_AND_POLICIES, SCALED, VARIABLES
from tests.infra.doctored import Change, drop, record, takes_a_deployment
from tests.infra.project import CONFIG, write

PRODUCTION = "production"
VIEWS = ("running", "preview", "fresh")
"""What AWS has; a preview of what is deployed; a preview of what was never deployed."""
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d"
JWT = "{issuer: 'https://login.example.com/', audience: app, jwks_url: 'https://login.example.com/keys'}"
SETTINGS: dict[str, dict[str, str]] = {
    "dev": {},
    PRODUCTION: {},
    "full": {
        "accessLogs": "true",
        "ownAccountLogRole": "true",
        "provisionedConcurrency": "2",
        "tracing": "true",
        "alarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:alarms",
        "reservedConcurrency": '{"websocket": 200, "actor-todo-list": 50}',
        "encryptionKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d",
        "domain": f'{{"name": "live.example.com", "certificateArn": "{CERTIFICATE}"}}',
    },
    "guarded": {"config": CONFIG + "auth: {api_keys: true}\n", "provisionedConcurrency": "1"},
    "guarded by an issuer": {
        "config": CONFIG + f"auth: {{jwt: {JWT}, places: query, rules: [{{actors: 'todos/{{sub}}'}}]}}\n"
        "delivery: {idle_timeout: 60}\nlimits: {streams: 5}\n"
    },
    "patient": {"config": CONFIG + "delivery: {idle_timeout: 60}\nretention: {hours: 48}\n"},
    "named": {"config": CONFIG + "discovery: {namespace: elsewhere}\n"},
    "without sockets": {"config": CONFIG + "websocket: {enabled: false}\n"},
    "without states": {"config": CONFIG.replace("    stateful: true\n", "")},
    "scaled": {"snapStart": "true", "capacity": '{"minimum": 5, "maximum": 100}'},
    "fixed": {"capacity": '{"minimum": 5, "maximum": 5}'},
    "small": {"messagesPerSecond": "10", "messageBurst": "10", "streamRetries": "2", "streamMaximumAgeSeconds": "120"},
}
Planted = tuple[str, str, Change]
PLANTED: dict[str, list[Planted]] = {
    "dev": [*MUTANTS, *LINKS, *VARIABLES, *NUMBERS, *ROLES_AND_POLICIES, *ALARMS],
    "guarded": GUARDED,
    "scaled": SCALED,
}


@cache
def sample(name: str, view: str = "running") -> Stack:
    """The program's resources under some settings; its archives are gone afterwards."""
    stack, settings = PRODUCTION if name == PRODUCTION else "dev", SETTINGS[name]
    if view == "preview":
        return replace(sample(name), complete=False)
    with TemporaryDirectory() as folder:
        return record(Path(folder), stack, fresh=view == "fresh", **settings)


def found(stack: Stack) -> dict[str, list[str]]:
    """Rule to what it says."""
    named = {rule.id: [f"{one.node and one.node.label}: {one.what}" for one in rule.check(stack)] for rule in RULES}
    return {rule: texts for rule, texts in named.items() if texts}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", SETTINGS)
def test_program_itself_has_no_findings(name: str, view: str) -> None:
    """Nothing is said of a stack that is as it should be, under any setting."""
    assert found(sample(name, view)) == {}


def planted() -> list[Any]:
    """Each mutant, with the settings and the views in which it can be told."""
    found = [
        pytest.param(name, VIEWS[:2] if takes_a_deployment(one) else VIEWS, rule, one, id=f"{rule}: {what}")
        for name, mutants in PLANTED.items()
        for rule, what, one in mutants
    ]
    found += [pytest.param("dev", VIEWS[:2], rule, one, id=f"{rule}: {what}") for rule, what, one in ABROAD_LINKS]
    return found + [pytest.param("dev", VIEWS[1:], rule, one, id=f"{rule}: {what}") for rule, what, one in FORETOLD]


@pytest.mark.parametrize(("name", "views", "rule", "mutate"), planted())
def test_broken_stack_is_named(name: str, views: tuple[str, ...], rule: str, mutate: Change) -> None:
    """The rule that is broken speaks: of what runs, and of previews, whether anything is deployed or not."""
    silent = [view for view in views if not list(BY_ID[rule].check(mutate(sample(name, view))))]

    assert silent == []


@pytest.mark.parametrize(("rule", "mutate"), [pytest.param(rule, one, id=what) for rule, what, one in IN_PRODUCTION])
def test_production_is_held_to_more(rule: str, mutate: Change) -> None:
    """What may be missing on a trial stage is named in production."""
    assert set(found(mutate(sample(PRODUCTION)))) == {rule}


def test_fixed_capacity_is_named_where_its_scaling_is_gone() -> None:
    """A provisioned table without its target is one that cannot grow."""
    assert set(found(drop(SCALING, "app-state")(sample("scaled")))) == {"table-capacity"}


def test_every_rule_has_a_mutant() -> None:
    """No rule is untested, and no mutant is of a rule that is gone."""
    everything = [one for mutants in PLANTED.values() for one in mutants]
    elsewhere = {"function-archive", "log-role-elsewhere"}
    assert {rule for rule, _, _ in [*everything, *IN_PRODUCTION, *ABROAD_LINKS, *FORETOLD]} | elsewhere == set(BY_ID)
    assert len(BY_ID) == len(RULES)


def _policies(name: str) -> list[tuple[str, str, str]]:
    return [
        (policy.urn, one["Sid"], action)
        for policy in sample(name).all(ROLE_POLICY)
        for one in statements(policy.props["policy"])
        for action in many(one["Action"])
    ]


@pytest.mark.parametrize("name", ["full", "guarded", "guarded by an issuer", "patient"])
def test_each_permission_of_the_program_is_missed(name: str) -> None:
    """Take away any action of any role: the doctor says so (what a function does is listed in policies/needs.py)."""
    silent = []
    for urn, sid, action in _policies(name):
        role = urn.removesuffix("-execution-policy")
        remove = statement(lambda one, gone=action: one["Action"].remove(gone), sid, role)  # type: ignore[misc]
        # DynamoDB describes a key for whoever uses its tables, but reads and writes go on without.
        if action != "kms:DescribeKey" and not found(remove(sample(name))):
            silent.append(f"{role}: {sid}: {action}")

    assert silent == []


ARCHIVE = {
    "websocket_handler.py": "def handle(event, context):\n    pass\n",
    "actors/todo_list.py": "from dataclasses import dataclass\n\n\nclass TodoList:\n    pass\n",
}


SOUND = {"name": "f", "handler": "websocket_handler.handle", "code": {"path": "code.zip"}}


@pytest.mark.parametrize(
    ("props", "text"),
    [
        ({}, None),
        ({"handler": "websocket_handler.process"}, "defines no process"),
        ({"handler": "handlers.handle"}, "has no handlers.py"),
        ({"environment": {"variables": {"TREBUCHE_ACTOR": "actors.todo_list:TodoList"}}}, None),
        ({"environment": {"variables": {"TREBUCHE_ACTOR": "actors.game_room:GameRoom"}}}, "has no actors/game_room.py"),
        ({"environment": {"variables": {"TREBUCHE_ACTOR": "actors.todo_list:Todo"}}}, "defines no Todo"),
        ({"sourceCodeHash": "always"}, "changed code is not deployed"),
        ({"codeSha256": "always"}, "changed code is not deployed"),
        ({"code": {"path": "broken.zip"}}, "is no zip"),
    ],
    ids=json.dumps,
)
def test_archive_has_what_its_function_is_told_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, props: dict[str, Any], text: str | None
) -> None:
    """The handler, and the actor's class; and no digest that stays while the code changes."""
    monkeypatch.chdir(write(tmp_path, {"broken.zip": "nothing"}))
    (tmp_path / "code.zip").write_bytes(pack({name: text.encode() for name, text in ARCHIVE.items()}))
    function = Node(urn="f", type=FUNCTION, props={**SOUND, **props})

    said = [problem.what for problem in BY_ID["function-archive"].check(Stack("dev", (function,)))]

    assert (not said) if text is None else any(text in one for one in said)
