"""Messages to integrations and what the client reads back."""

import json
import re
import time

from websockets.sync.client import connect

from tests.support.sandbox import Aws, eventually

ECHO = 'record(event)\nreturn {"statusCode": 200, "body": event.get("body")}'


def test_reply_reaches_the_client_of_a_two_way_route(aws: Aws) -> None:
    """With a route response, the function's body is the answer."""
    socket = aws.web_socket({"$default": aws.function(ECHO)})
    with connect(socket.url) as client:
        client.send('{"hello": 1}')
        assert client.recv(timeout=20) == '{"hello": 1}'
