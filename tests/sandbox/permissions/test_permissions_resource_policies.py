"""API Gateway may invoke a function only where the function's resource policy says so."""

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sandbox.client import RunningSandbox
from tests.support.front import turnable_front
from tests.support.sandbox import REGION, Aws, Function, Json

ECHO = 'record(event)\nreturn {"statusCode": 200, "body": event.get("body")}'
ACCOUNT = "000000000000"
REFUSED = "Internal server error"


def source(api_id: str, route: str = "*") -> str:
    """ARN of a route of an API's stage."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/test/{route}"


def guarded(aws: Aws) -> Function:
    """A function that nobody may invoke yet."""
    return aws.function(ECHO, permitted=False)


def published(aws: Aws, function: Function) -> Function:
    """The function behind an alias, as an integration names it."""
    version = aws.functions.publish_version(FunctionName=function.name)["Version"]
    alias = aws.functions.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    return Function(alias["AliasArn"], function.name, function.recorded)


def answer(url: str, text: str = '{"n": 1}') -> str:
    """What comes back for one message."""
    with connect(url) as client:
        client.send(text)
        return str(client.recv(timeout=20))


def test_without_a_permission_the_message_is_answered_internal_server_error(aws: Aws) -> None:
    """The function does not run; the permission takes effect at once."""
    function = guarded(aws)
    socket = aws.web_socket({"$default": function})
    assert REFUSED in answer(socket.url)
    assert function.events() == []
    aws.permit(function.arn, SourceArn=source(socket.api_id))
    assert answer(socket.url) == '{"n": 1}'


def test_without_a_permission_connect_is_refused_with_500(aws: Aws) -> None:
    """The handshake ends with API Gateway's own status."""
    socket = aws.web_socket({"$connect": guarded(aws)})
    with pytest.raises(InvalidStatus) as caught, connect(socket.url):
        pass
    assert caught.value.response.status_code == 500


def test_permission_taken_back_counts_at_once(aws: Aws) -> None:
    """A permission that has just served is not remembered beyond its end."""
    function = guarded(aws)
    aws.functions.add_permission(
        FunctionName=function.name, StatementId="api", Action="lambda:InvokeFunction", Principal="*"
    )
    socket = aws.web_socket({"$default": function})
    assert answer(socket.url) == '{"n": 1}'
    aws.functions.remove_permission(FunctionName=function.name, StatementId="api")
    assert REFUSED in answer(socket.url)


def test_permission_on_the_function_does_not_cover_an_alias(aws: Aws) -> None:
    """An integration that names the alias needs the alias's own permission."""
    function = guarded(aws)
    alias = published(aws, function)
    socket = aws.web_socket({"$default": alias})
    aws.permit(function.arn)
    assert REFUSED in answer(socket.url)
    aws.permit(alias.arn)
    assert answer(socket.url) == '{"n": 1}'


def test_permission_on_an_alias_does_not_cover_the_function(aws: Aws) -> None:
    """And the other way round."""
    function = guarded(aws)
    aws.permit(published(aws, function).arn)
    assert REFUSED in answer(aws.web_socket({"$default": function}).url)


@pytest.mark.parametrize(
    "limits",
    [
        {"SourceArn": source("other")},
        {"SourceArn": source("{api}", "$connect")},
        {"SourceArn": source("{api}").replace("/test/", "/live/")},
        {"SourceAccount": "111111111111"},
    ],
    ids=["another API", "another route", "another stage", "another account"],
)
def test_permission_for_another_source_does_not_count(aws: Aws, limits: dict[str, str]) -> None:
    """Source ARN and source account narrow a permission to what they name."""
    function = guarded(aws)
    socket = aws.web_socket({"$default": function})
    aws.permit(function.arn, **{name: value.format(api=socket.api_id) for name, value in limits.items()})
    assert REFUSED in answer(socket.url)


def test_permission_for_one_route_serves_that_route_only(aws: Aws) -> None:
    """Two routes lead to one function; one of them is permitted."""
    function = guarded(aws)
    socket = aws.web_socket({"$default": function, "add": function})
    aws.permit(function.arn, SourceArn=source(socket.api_id, "add"), SourceAccount=ACCOUNT)
    assert answer(socket.url, '{"action": "add"}') == '{"action": "add"}'
    assert REFUSED in answer(socket.url)


def test_permission_for_another_service_or_action_does_not_count(aws: Aws) -> None:
    """Principal and action must be API Gateway's and InvokeFunction."""
    function = guarded(aws)
    for number, (principal, action) in enumerate(
        [("events.amazonaws.com", "lambda:InvokeFunction"), ("apigateway.amazonaws.com", "lambda:GetFunction")]
    ):
        aws.functions.add_permission(
            FunctionName=function.name, StatementId=str(number), Action=action, Principal=principal
        )
    assert REFUSED in answer(aws.web_socket({"$default": function}).url)


def test_reason_is_told_once_with_its_mending(
    sandbox: RunningSandbox, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client learns nothing; the developer reads what is missing, and the command that mends it."""

    async def main() -> Json:
        async with turnable_front(sandbox.record.emulator_endpoint) as front:
            aws = Aws(front.endpoint, tmp_path)
            function = await asyncio.to_thread(guarded, aws)
            alias = await asyncio.to_thread(published, aws, function)
            socket = await asyncio.to_thread(aws.web_socket, {"$default": alias})
            async with connect_async(socket.url) as client:
                for _ in range(2):
                    await client.send("{}")
                    assert REFUSED in str(await client.recv())
            return {"function": function.name, "source": source(socket.api_id, "$default")}

    made = asyncio.run(main())
    lines = [line for line in capfd.readouterr().err.splitlines() if made["function"] in line]
    assert len(lines) == 1
    assert f"apigateway.amazonaws.com may not invoke arn:aws:lambda:{REGION}:{ACCOUNT}" in lines[0]
    assert f"--function-name {made['function']} --qualifier live" in lines[0]
    assert f"--source-arn '{made['source']}'" in lines[0]
