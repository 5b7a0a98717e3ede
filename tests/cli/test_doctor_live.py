"""The doctor's rules that ask AWS, on answers as AWS gives them for a stack that is unwell."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from cli.doctor.canary import RULES as CANARY_RULES
from cli.doctor.canary import Sung, findings_of, shortest_ping, try_door
from cli.doctor.live import LIVE_RULES
from cli.doctor.patient import Patient
from policies.model import ALIAS, ROLE_POLICY, STAGE, TABLE, WARM, Node, Stack
from tests.infra.doctored import record

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:"
NODES = (
    Node(urn="alias", type=ALIAS, props={"name": "live", "functionName": "app-websocket"}),
    Node(urn="table", type=TABLE, props={"name": "app-connections"}),
    Node(
        urn="stage",
        type=STAGE,
        props={"name": "dev", "defaultRouteSettings": {"loggingLevel": "ERROR"}},
    ),
    Node(urn="warm", type=WARM, props={"functionName": "app-websocket", "qualifier": "live"}),
)
RUNS = {"State": "Active", "LastUpdateStatus": "Successful"}
STANDS = {"Table": {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": [{"IndexName": "i", "IndexStatus": "ACTIVE"}]}}
ON_A_STACK = (
    *("missing-resource", "mapping-running", "newest-deployment", "waiting-failures"),
    *("served-version", "unpublished-change"),
    "canary",
)
"""Planted on a running stack, in tests/loop/test_doctor.py."""

Answers = dict[str, Any]


class Client:
    """An AWS client that answers each operation as it was told; a callable is asked with the request."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        answer = self._answers[operation]
        return lambda **request: answer(request) if callable(answer) else answer

    def get_paginator(self, operation: str) -> SimpleNamespace:
        """Everything on one page."""
        return SimpleNamespace(paginate=lambda **request: iter([getattr(self, operation)(**request)]))


def said(rule: str, **answers: Answers) -> list[str]:
    """What a rule says, place first, when AWS's services answer like that."""
    target = SimpleNamespace(
        session=SimpleNamespace(client=lambda service, **_: Client(answers[service])),
        deployment=SimpleNamespace(
            functions={
                "websocket": f"{LAMBDA}app-websocket:live",
                "stream-processor": f"{LAMBDA}app-stream-processor:live",
            }
        ),
        region="eu-west-1",
    )
    [chosen] = [one for one in LIVE_RULES if one.id == rule]
    found = chosen.check(Patient(cast("Any", target), Stack("dev", NODES, complete=True)))
    return [f"{where}: {what}" for where, what, _ in found]


def measuring(name: str, value: float) -> Answers:
    """CloudWatch with values for one metric only."""

    def answer(request: Answers) -> Answers:
        [query] = request["MetricDataQueries"]
        return {
            "MetricDataResults": [{"Values": [value] if query["MetricStat"]["Metric"]["MetricName"] == name else []}]
        }

    return {"get_metric_data": answer}


def logged(*lines: str) -> Answers:
    """A log with these lines."""
    return {"filter_log_events": {"events": [{"message": line} for line in lines]}}


def gone(_request: Answers) -> Answers:
    """A log group that nobody has."""
    raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "FilterLogEvents")


PLANTED: list[tuple[str, str, dict[str, Answers], str]] = [
    (
        "active",
        "a function that failed",
        {
            "lambda": {"get_function_configuration": {**RUNS, "State": "Failed", "StateReason": "no such key"}},
            "dynamodb": {"describe_table": STANDS},
        },
        "Function app-websocket: it is Failed: no such key",
    ),
    (
        "active",
        "an update that failed",
        {
            "lambda": {"get_function_configuration": {**RUNS, "LastUpdateStatus": "Failed"}},
            "dynamodb": {"describe_table": STANDS},
        },
        "Function app-websocket: it is Active: AWS does not say why",
    ),
    (
        "active",
        "an index that is being made",
        {
            "lambda": {"get_function_configuration": RUNS},
            "dynamodb": {
                "describe_table": {
                    "Table": {
                        "TableStatus": "ACTIVE",
                        "GlobalSecondaryIndexes": [{"IndexName": "i", "IndexStatus": "CREATING"}],
                    }
                }
            },
        },
        "Table app-connections/i: it is CREATING",
    ),
    (
        "connect-errors",
        "a connect that failed",
        {"logs": logged('{"event": "connect", "statusCode": 200}', '{"event": "connect", "statusCode": 500}')},
        "LogGroup /aws/lambda/app-websocket: $connect failed 1 times within 15 minutes",
    ),
    (
        "connect-errors",
        "a function that does not start",
        {"logs": logged("[ERROR] Runtime.ImportModuleError: Unable to import module")},
        "LogGroup /aws/lambda/app-websocket: $connect failed 1 times",
    ),
    (
        "connect-errors",
        "no log group",
        {"logs": {"filter_log_events": gone}},
        "LogGroup /aws/lambda/app-websocket: it is gone",
    ),
    (
        "account-log-role-set",
        "none",
        {"apigateway": {"get_account": {}}},
        "the account: API Gateway has no role to write logs with",
    ),
    (
        "warm-capacity",
        "failed",
        {
            "lambda": {"get_provisioned_concurrency_config": {"Status": "FAILED", "StatusReason": "no such version"}},
            "cloudwatch": measuring("none", 0),
        },
        "Function app-websocket:live: nothing is kept warm: no such version",
    ),
    (
        "warm-capacity",
        "too little",
        {
            "lambda": {"get_provisioned_concurrency_config": {"Status": "READY"}},
            "cloudwatch": measuring("ProvisionedConcurrencySpilloverInvocations", 7),
        },
        "Function app-websocket:live: 7 invocations of the last hour found no warm environment",
    ),
    (
        "table-throttles",
        "writes",
        {"cloudwatch": measuring("WriteThrottleEvents", 12)},
        "Table app-connections: 12 WriteThrottleEvents within the last hour",
    ),
    (
        "post-latency",
        "slow clients",
        {"cloudwatch": measuring("PushLatency", 2500)},
        "Function app-websocket: posts to connections took 2500 ms",
    ),
    (
        "old-records",
        "a stream that waits",
        {"cloudwatch": measuring("IteratorAge", 90_000)},
        "Function app-stream-processor: changes were up to 90 s old",
    ),
]
SOUND: dict[str, dict[str, Answers]] = {
    "active": {"lambda": {"get_function_configuration": RUNS}, "dynamodb": {"describe_table": STANDS}},
    "connect-errors": {"logs": logged("START", '{"event": "connect", "statusCode": 403}', '{"statusCode": 500}')},
    "account-log-role-set": {"apigateway": {"get_account": {"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"}}},
    "warm-capacity": {
        "lambda": {"get_provisioned_concurrency_config": {"Status": "READY"}},
        "cloudwatch": measuring("none", 0),
    },
    "table-throttles": {"cloudwatch": measuring("none", 0)},
    "post-latency": {"cloudwatch": measuring("PushLatency", 900)},
    "old-records": {"cloudwatch": measuring("IteratorAge", 59_000)},
}


@pytest.mark.parametrize(
    ("rule", "answers", "text"),
    [pytest.param(rule, answers, text, id=f"{rule}: {what}") for rule, what, answers, text in PLANTED],
)
def test_what_is_planted_is_named(rule: str, answers: dict[str, Answers], text: str) -> None:
    """Place and trouble, in AWS's own words where it has some."""
    assert any(one.startswith(text) for one in said(rule, **answers)), said(rule, **answers)


@pytest.mark.parametrize("rule", SOUND)
def test_sound_answers_are_no_findings(rule: str) -> None:
    """What is within bounds is not told."""
    assert said(rule, **SOUND[rule]) == []


def simulated(stack: Stack, decision: str) -> list[str]:
    """What is said when IAM decides like that whatever it is asked."""

    def answer(request: Answers) -> Answers:
        return {
            "EvaluationResults": [
                {"EvalActionName": action, "EvalDecision": decision} for action in request["ActionNames"]
            ]
        }

    target = SimpleNamespace(
        session=SimpleNamespace(client=lambda *_, **__: Client({"simulate_principal_policy": answer})),
        region="eu-west-1",
    )
    [rule] = [one for one in LIVE_RULES if one.id == "simulated-permission"]
    return [f"{where}: {what}" for where, what, _ in rule.check(Patient(cast("Any", target), stack))]


def test_what_iam_denies_beyond_the_policies_is_told_role_by_role(tmp_path: Path) -> None:
    """A policy of the organisation shows nowhere else; what the role's own policies lack has rules of its own."""
    sound = record(tmp_path)
    bare = replace(sound, nodes=tuple(one for one in sound.nodes if one.type != ROLE_POLICY))

    denied = simulated(sound, "explicitDeny")

    roles = [one.split(":")[0] for one in denied]
    assert len(roles) == len(set(roles)) >= 4
    assert any("dynamodb:PutItem" in one for one in denied)
    assert simulated(sound, "allowed") == simulated(bare, "implicitDeny") == []


def test_stage_that_logs_nothing_needs_no_role() -> None:
    """The account is not even asked."""
    [rule] = [one for one in LIVE_RULES if one.id == "account-log-role-set"]
    assert list(rule.check(Patient(cast("Any", None), Stack("dev", (), complete=True)))) == []


@pytest.mark.parametrize(
    ("sung", "rules"),
    [
        (Sung("", 0.05), []),
        (Sung("", 0.4), ["distance"]),
        (Sung("it cannot connect: refused"), ["canary"]),
    ],
    ids=["near", "far", "mute"],
)
def test_canary_tells_of_failures_and_of_long_ways(sung: Sung, rules: list[str]) -> None:
    """A ping from another continent takes longer than people like."""
    assert [one.rule for one in findings_of("wss://example.com/dev", sung)] == rules


def test_one_slow_ping_makes_no_long_way() -> None:
    """It may have met a machine that was busy: the shortest counts."""
    times = iter([0, 0.4, 1, 1.05, 2, 2.1])
    with door(None) as endpoint, connect(endpoint, proxy=None) as socket:
        assert shortest_ping(socket, lambda: next(times)) == pytest.approx(0.05)


def _until_closed(socket: ServerConnection) -> None:
    for _ in socket:
        pass


@contextmanager
def door(status: int | None) -> Iterator[str]:
    """A stage that answers each handshake like that; None: it lets everybody in."""

    def answer(connection: ServerConnection, _request: Request) -> Response | None:
        return connection.respond(status, "") if status else None

    with serve(_until_closed, "127.0.0.1", 0, process_request=answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/dev"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "text"),
    [(401, None), (403, None), (500, "it answers 500"), (None, "it lets in who shows made-up credentials")],
)
def test_door_is_knocked_at(status: int | None, text: str | None) -> None:
    """Who shows nothing valid is refused: neither let in, nor answered by an authorizer that breaks."""
    with door(status) as endpoint:
        found = try_door(endpoint)

    assert [one.rule for one in found] == ([] if text is None else ["door"])
    assert all(one.what.startswith(str(text)) for one in found)


def test_door_that_is_not_there_is_named() -> None:
    """Nobody answers at all."""
    with door(403) as endpoint:
        pass

    assert [one.rule for one in try_door(endpoint)] == ["door"]


def test_every_live_rule_is_planted() -> None:
    """Here, or on a running stack."""

    def planted() -> Iterator[str]:
        yield from (rule for rule, _, _, _ in PLANTED)
        yield from ("distance", "door", "simulated-permission")
        loop = Path(__file__).resolve().parents[1] / "loop" / "test_doctor.py"
        yield from (rule for rule in ON_A_STACK if f'"{rule}"' in loop.read_text(encoding="utf-8"))

    assert set(planted()) == {one.id for one in LIVE_RULES} | {rule for rule, *_ in CANARY_RULES}
