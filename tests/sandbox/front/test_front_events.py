"""The events that functions get."""

import re
from collections.abc import Mapping

import pytest
from websockets.sync.client import connect

from tests.support.sandbox import Aws, Function, eventually

TAKE = 'record(event)\nreturn {"statusCode": 200, "body": "taken"}'
ALWAYS = {
    "apiId", "connectedAt", "connectionId", "domainName", "eventType", "extendedRequestId", "identity",
    "messageDirection", "requestId", "requestTime", "requestTimeEpoch", "routeKey", "stage",
}  # fmt: skip


def life(aws: Aws, variables: Mapping[str, str] | None = None) -> tuple[Function, str]:
    """One connection with one message, closed by its client with 4001."""
    function = aws.function(TAKE)
    routes = dict.fromkeys(("$connect", "$default", "$disconnect"), function)
    socket = aws.web_socket(routes, variables=variables)
    with connect(f"{socket.url}?ticket=a%20b&ticket=c", user_agent_header="tester") as client:
        client.send('{"n": 1}')
        assert client.recv(timeout=20) == "taken"
        client.close(4001, "enough")
    eventually(function.events, lambda events: len(events) == 3)
    return function, socket.api_id


def test_connect_event_has_headers_and_query(aws: Aws) -> None:
    """$connect is the only event that shows the handshake."""
    event = life(aws)[0].events()[0]
    assert event["queryStringParameters"] == {"ticket": "c"}
    assert event["multiValueQueryStringParameters"] == {"ticket": ["a b", "c"]}
    assert event["headers"]["Sec-WebSocket-Version"] == "13"
    assert event["multiValueHeaders"]["User-Agent"] == ["tester"]
    assert "Upgrade" not in event["headers"]
    assert event["requestContext"]["identity"] == {"userAgent": "tester", "sourceIp": "127.0.0.1"}
    assert "body" not in event


def test_message_event_is_body_and_context_only(aws: Aws) -> None:
    """A message shows neither headers nor query."""
    event = life(aws)[0].events()[1]
    assert sorted(event) == ["body", "isBase64Encoded", "requestContext"]
    assert event["body"] == '{"n": 1}'
    assert set(event["requestContext"]) == ALWAYS | {"messageId"}


def test_disconnect_event_has_code_and_reason_of_the_client(aws: Aws) -> None:
    """Whoever closed first gave the code; here the client did."""
    context = life(aws)[0].events()[2]["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4001, "enough")
    assert set(context) == ALWAYS | {"disconnectStatusCode", "disconnectReason"}


def test_context_names_the_connection_the_same_in_all_events(aws: Aws) -> None:
    """Id and connectedAt (milliseconds) are constant; route and type are each event's own."""
    function, api_id = life(aws)
    contexts = [event["requestContext"] for event in function.events()]
    assert len({(c["connectionId"], c["connectedAt"], c["apiId"], c["stage"], c["domainName"]) for c in contexts}) == 1
    assert [(c["routeKey"], c["eventType"], c["messageDirection"]) for c in contexts] == [
        ("$connect", "CONNECT", "IN"),
        ("$default", "MESSAGE", "IN"),
        ("$disconnect", "DISCONNECT", "IN"),
    ]
    first = contexts[0]
    assert first["apiId"] == api_id
    assert re.fullmatch(r"[A-Za-z0-9]{15}=", first["connectionId"])
    assert 0 <= first["requestTimeEpoch"] - first["connectedAt"] < 60_000
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", first["requestTime"])


def test_domain_name_is_the_host_that_was_called(aws: Aws) -> None:
    """With its port here: who builds the address to post to of it gets there."""
    function, _ = life(aws)
    assert {f"http://{event['requestContext']['domainName']}" for event in function.events()} == {aws.endpoint}


def test_stage_variables_are_in_every_event(aws: Aws) -> None:
    """What the stage sets reaches every function."""
    function, _ = life(aws, {"colour": "blue"})
    assert [event["stageVariables"] for event in function.events()] == [{"colour": "blue"}] * 3


@pytest.mark.parametrize(("abrupt", "code"), [(True, 1006), (False, 1005)])
def test_disconnect_without_a_code(aws: Aws, *, abrupt: bool, code: int) -> None:
    """1006 when the connection broke, 1005 when the client's close frame had no status."""
    function = aws.function(TAKE)
    socket = aws.web_socket({"$disconnect": function})
    client = connect(socket.url)
    if abrupt:
        client.socket.close()
    else:
        client.socket.sendall(bytes([0x88, 0x80, 0, 0, 0, 0]))
    context = eventually(function.events)[0]["requestContext"]
    client.close_socket()
    assert context["disconnectStatusCode"] == code
