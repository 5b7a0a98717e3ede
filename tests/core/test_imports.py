"""What a handler loads before its first event: a cold start waits for all of it."""

import json
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

LAMBDA_SRC = Path(__file__).parents[2] / "lambda_src"
LIBRARIES = Path(botocore.__file__).parents[1]
HANDLERS = ("websocket_handler", "actor_handler", "stream_processor")
LISTING = """
import json, sys
sys.path[:0] = {path!r}
before = set(sys.modules)
import {handler}
{then}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
FIRST_REQUESTS = """
from botocore.exceptions import BotoCoreError
from trebuche.adapters import clients

for ask in (
    lambda: clients.dynamodb().get_item(TableName="t", Key={"actorId": {"S": "todos"}}),
    lambda: clients.queues().send_message(QueueUrl="q", MessageBody="m"),
    lambda: clients.functions().invoke(FunctionName="f", Payload=b"{}"),
    lambda: clients.discovery().discover_instances(NamespaceName="n", ServiceName="s"),
):
    try:
        ask()
    except BotoCoreError:
        continue
    raise AssertionError("nobody listens there")
"""
FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "my-app-dev-function",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "WEBSOCKET_ENDPOINT": "https://abc123.execute-api.us-east-1.amazonaws.com/production",
}

STANDARD_LIBRARY = """
    ast atexit base64 binascii bisect collections concurrent contextlib copy dataclasses datetime decimal dis
    genericpath hashlib heapq importlib inspect linecache logging math numbers opcode os platform posixpath
    queue random stat string struct textwrap threading token tokenize traceback typing unicodedata uuid
    warnings weakref
"""
"""Top-level names, with what these load themselves; private modules are not counted."""


def loaded(handler: str, then: str = "", **variables: str) -> set[str]:
    """The modules that a fresh interpreter loads for a handler, as Lambda would, and for what it does then."""
    program = LISTING.format(path=[str(LAMBDA_SRC), str(LIBRARIES)], handler=handler, then=then)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={"TREBUCHE_ACTOR": "actors.todo_list:TodoList", "NAMESPACE": "my-app-dev", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_only_what_is_listed_of_the_standard_library(handler: str) -> None:
    """No server, no subprocess, no mail: each of them would take milliseconds of every cold start."""
    roots = {name.partition(".")[0] for name in loaded(handler) if not name.startswith("_")}
    assert roots - {"trebuche", "actors", "botocore", handler} <= set(STANDARD_LIBRARY.split())


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_no_aws_client(handler: str) -> None:
    """Only botocore's errors, to tell them apart; sessions and service models wait for the event that needs them."""
    of_aws = {
        name for name in loaded(handler) if name.partition(".")[0] in ("boto3", "botocore", "s3transfer", "jmespath")
    }
    assert {name for name in of_aws if not name.startswith("botocore.vendored")} == {"botocore", "botocore.exceptions"}


def test_first_requests_take_neither_botocore_nor_what_servers_need() -> None:
    """Of the standard library they add sockets and TLS; ``asyncio`` comes with the first frame that is posted."""
    found = loaded("actor_handler", FIRST_REQUESTS, **FUNCTION, AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert "trebuche.adapters.dynamodb_client" in found
    assert {name for name in found if name.startswith("botocore.")} <= {
        *("botocore.exceptions", "botocore.vendored"),
        *(name for name in found if name.startswith("botocore.vendored.")),
    }
    roots = {name.partition(".")[0] for name in found if not name.startswith("_")}
    added = {"array", "errno", "hmac", "ipaddress", "select", "selectors", "socket", "ssl", "urllib"}
    assert roots - {"trebuche", "actors", "botocore", "actor_handler"} <= set(STANDARD_LIBRARY.split()) | added


@pytest.mark.parametrize("handler", HANDLERS)
def test_an_environment_that_is_made_ready_has_its_clients(handler: str) -> None:
    """What the first event would else wait for is done when nobody waits."""
    found = loaded(handler, AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency", **FUNCTION)
    assert {"trebuche.adapters.dynamodb_client", "trebuche.adapters.management", "ssl"} <= found
    assert not {"boto3", "s3transfer", "botocore.session"} & found


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_snapshot_has_botocore_s_clients(handler: str) -> None:
    """Its environments get their credentials over HTTP, and no key by variable; boto3 itself is never needed."""
    variables = {name: value for name, value in FUNCTION.items() if "KEY" not in name}
    found = loaded(handler, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start", **variables)
    assert "botocore.client" in found
    assert not {"boto3", "s3transfer"} & {name.partition(".")[0] for name in found}


HOOKS = """
hooks = []
register_after_restore = hooks.append
"""
RESTORED_TWICE = """
import random, sys
sys.path[:0] = {path!r}
import {handler}
from snapshot_restore_py import hooks

def restored(snapshot):
    random.setstate(snapshot)
    for hook in hooks:
        hook()
    return random.random()

snapshot = random.getstate()
print(restored(snapshot) != restored(snapshot))
"""


@pytest.mark.parametrize("handler", HANDLERS)
def test_environments_restored_from_one_snapshot_draw_different_numbers(handler: str, tmp_path: Path) -> None:
    """Else all of them would wait for the same time before each next attempt, and come back together."""
    (tmp_path / "snapshot_restore_py.py").write_text(HOOKS)
    path = [str(LAMBDA_SRC), str(LIBRARIES), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RESTORED_TWICE.format(path=path, handler=handler)],
        env={
            "TREBUCHE_ACTOR": "actors.todo_list:TodoList",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    ("handler", "unneeded"),
    [
        (
            "websocket_handler",
            {
                "trebuche.adapters.memory",
                "trebuche.actors",
                "trebuche.values",
                "trebuche.turn",
                "trebuche.observe",
                "hashlib",
            },
        ),
        ("actor_handler", {"trebuche.streams", "trebuche.forward", "actors.game_room"}),
        ("stream_processor", {"trebuche.turn", "trebuche.observe", "trebuche.forward", "actors", "hashlib"}),
    ],
)
def test_a_handler_loads_nothing_of_the_others(handler: str, unneeded: set[str]) -> None:
    """Each function runs its own part of the runtime."""
    assert unneeded & loaded(handler) == set()
