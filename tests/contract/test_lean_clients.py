"""Our clients of AWS ask what botocore's ask, and give what they give."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.lean import FUNCTION, client
from tests.support.scripted_api import ScriptedApi, scripted_api
from trebuche.adapters.dynamodb_client import with_bytes

KEY = {"actorId": {"S": "todos/é"}, "n": {"N": "7"}}
ITEM = {**KEY, "state": {"B": b"\x00\xff{}"}, "all": {"M": {"B": {"B": b"b"}, "L": {"L": [{"NULL": True}]}}}}
DOCUMENT = '{"actorId":{"S":"todos"},"B":{"B":"AP8="},"BS":{"BS":["AQ==","Ag=="]},"on":{"BOOL":true}}'
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:my-app-dev-actor-todo-list:live"
QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/queue"
REQUESTS: list[tuple[str, str, dict[str, Any], str]] = [
    ("dynamodb", "get_item", {"TableName": "t", "Key": KEY, "ConsistentRead": True}, f'{{"Item":{DOCUMENT}}}'),
    ("dynamodb", "get_item", {"TableName": "t", "Key": KEY}, "{}"),
    ("dynamodb", "put_item", {"TableName": "t", "Item": ITEM}, "{}"),
    ("dynamodb", "delete_item", {"TableName": "t", "Key": KEY, "ConditionExpression": "a = :b"}, "{}"),
    ("dynamodb", "update_item", {"TableName": "t", "Key": KEY}, f'{{"Attributes":{DOCUMENT}}}'),
    ("dynamodb", "query", {"TableName": "t", "Limit": 1}, f'{{"Items":[{DOCUMENT}],"Count":1,"ScannedCount":1}}'),
    ("dynamodb", "scan", {"TableName": "t"}, f'{{"Items":[{DOCUMENT}],"LastEvaluatedKey":{DOCUMENT}}}'),
    ("dynamodb", "batch_get_item", {"RequestItems": {"t": {"Keys": [KEY]}}}, f'{{"Responses":{{"t":[{DOCUMENT}]}}}}'),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}]}, "{}"),
    ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": "é", "DelaySeconds": 9}, '{"MessageId":"m"}'),
    ("servicediscovery", "discover_instances", {"NamespaceName": "n", "ServiceName": "s"}, '{"Instances":[]}'),
    ("secretsmanager", "get_secret_value", {"SecretId": "arn"}, '{"SecretString":"{}"}'),
    ("lambda", "invoke", {"FunctionName": FUNCTION_ARN, "Payload": b'{"a":1}'}, '{"statusCode":200}'),
]


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A server that answers what it is told to."""
    with scripted_api() as serving:
        yield serving


def answer(body: str, status: int = 200, **headers: str) -> bytes:
    """An answer of AWS's."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nx-amzn-RequestId: r-1\r\n{lines}Content-Length: {len(body.encode())}\r\n\r\n"
    return f"{head}{body}".encode()


def ours(api: ScriptedApi, service: str, *, attempts: int = 1) -> Any:
    """Our client of a service that the server plays."""
    made = client(service, attempts=attempts, AWS_ENDPOINT_URL=endpoint(api), AWS_DISABLE_HOST_PREFIX_INJECTION="true")
    made._http._rest = lambda _: None
    return made


def theirs(api: ScriptedApi, service: str) -> Any:
    """Botocore's."""
    make: Any = boto3.client
    return make(
        service,
        region_name="us-east-1",
        endpoint_url=endpoint(api),
        aws_access_key_id=FUNCTION["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=FUNCTION["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=FUNCTION["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )


def endpoint(api: ScriptedApi) -> str:
    """Where services are."""
    return api.endpoint.removesuffix("/production")


def shown(result: Any) -> Any:
    """A result without what only botocore tells of the exchange, with what a stream holds."""
    kept = {name: value for name, value in result.items() if name != "ResponseMetadata"}
    return kept | {"Payload": kept["Payload"].read()} if "Payload" in kept else kept


def refusal(error: ClientError) -> Any:
    """What anybody looks at, and not how often botocore tried."""
    return (
        str(error).replace(" (reached max retries: 0)", ""),
        error.operation_name,
        error.response["Error"],
        error.response["ResponseMetadata"]["RequestId"],
    )


@pytest.mark.parametrize(("service", "operation", "request_", "document"), REQUESTS)
def test_requests_and_answers_are_botocore_s(
    api: ScriptedApi,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    operation: str,
    request_: dict[str, Any],
    document: str,
) -> None:
    """Same path, same headers that say what is asked, same document; same result."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", FUNCTION["AWS_LAMBDA_FUNCTION_NAME"])
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1;Lineage=a:1|b:0")
    api.answers = [answer(document), answer(document)]
    results = [getattr(made, operation)(**request_) for made in (theirs(api, service), ours(api, service))]
    assert shown(results[0]) == shown(results[1])
    (first, body), (our_first, our_body) = api.requests
    assert first == our_first
    documents = [json.loads(text) for text in (body, our_body)]
    tokens = [found.pop("ClientRequestToken", "") for found in documents]
    assert documents[0] == documents[1]
    assert [len(token) for token in tokens] in ([0, 0], [36, 36])
    head, our_head = api.heads
    assert "Root=1-5759e988" in our_head["x-amzn-trace-id"]
    told = ("host", "content-length", "x-amz-target", "x-amz-security-token", "x-amzn-trace-id")
    assert [head.get(name) for name in told] == [our_head.get(name) for name in told]
    if "x-amz-target" in head:
        assert head["content-type"] == our_head["content-type"]
    credential = [text["authorization"].split(",")[0] for text in (head, our_head)]
    assert credential[0] == credential[1]


@pytest.mark.parametrize(
    ("service", "operation", "request_", "failure"),
    [
        (
            "dynamodb",
            "put_item",
            {"TableName": "t", "Item": ITEM},
            answer(
                f'{{"__type":"com.amazonaws#ConditionalCheckFailedException","message":"no","Item":{DOCUMENT}}}', 400
            ),
        ),
        (
            "dynamodb",
            "transact_write_items",
            {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}]},
            answer(
                '{"__type":"x#TransactionCanceledException","Message":"no","CancellationReasons":[{"Code":"None"},'
                f'{{"Code":"ConditionalCheckFailed","Message":"m","Item":{DOCUMENT}}}]}}',
                400,
            ),
        ),
        ("dynamodb", "scan", {"TableName": "t"}, answer('{"__type":"ValidationException:http://i/"}', 400)),
        ("dynamodb", "scan", {"TableName": "t"}, answer("busy", 503)),
        (
            "lambda",
            "invoke",
            {"FunctionName": "f", "Payload": b"{}"},
            answer('{"Type":"User","Message":"no"}', 404, x_amzn_ErrorType="ResourceNotFoundException:http://i/"),
        ),
        ("sqs", "send_message", {"QueueUrl": QUEUE, "MessageBody": "m"}, answer('{"__type":"x#AccessDenied"}', 403)),
    ],
)
def test_refusals_are_botocore_s(
    api: ScriptedApi, service: str, operation: str, request_: dict[str, Any], failure: bytes
) -> None:
    """Same text, code and request id, and what DynamoDB says of an item that was in the way."""
    api.answers = [failure, failure]
    errors: list[ClientError] = []
    for made in (theirs(api, service), ours(api, service)):
        with pytest.raises(ClientError) as caught:
            getattr(made, operation)(**request_)
        errors.append(caught.value)
    assert refusal(errors[0]) == refusal(errors[1])
    for beside in ("Item", "CancellationReasons"):
        assert errors[0].response.get(beside) == errors[1].response.get(beside)


def test_a_function_that_raised_is_told_apart(api: ScriptedApi) -> None:
    """Its answer has status 200."""
    api.answers = [answer('{"errorMessage":"no"}', X_Amz_Function_Error="Unhandled")]
    found = ours(api, "lambda").invoke(FunctionName="f", Payload=b"{}")
    assert (found["FunctionError"], found["Payload"].read()) == ("Unhandled", b'{"errorMessage":"no"}')


def test_all_pages_are_read(api: ScriptedApi) -> None:
    """Each from where the last one ended."""
    ends = '{"Items":[{"a":{"S":"1"}}],"LastEvaluatedKey":{"a":{"B":"%s"}}}'
    pages = [answer(ends % "AP8="), answer(ends % "AQ=="), answer('{"Items":[]}')]
    api.answers = [*pages, *pages]
    found = [
        [page["Items"] for page in made.get_paginator("query").paginate(TableName="t")]
        for made in (theirs(api, "dynamodb"), ours(api, "dynamodb"))
    ]
    assert found[0] == found[1]
    bodies = [json.loads(body) for _, body in api.requests]
    assert bodies[:3] == bodies[3:]


BUSY = answer('{"__type":"x#ProvisionedThroughputExceededException"}', 400)


@pytest.mark.parametrize("passing", [BUSY, answer("{}", 500), answer("{}", 503), b""])
def test_what_fails_in_passing_is_sent_again(api: ScriptedApi, passing: bytes) -> None:
    """Throttling, failures of the service and broken connections; the same write each time."""
    api.answers = [passing, passing, answer("{}")]
    ours(api, "dynamodb", attempts=4).transact_write_items(TransactItems=[])
    bodies = {body for _, body in api.requests}
    assert (len(api.requests), len(bodies)) == (3, 1)


def test_attempts_have_an_end(api: ScriptedApi) -> None:
    """The last failure is what is raised."""
    api.answers = [BUSY] * 4
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        ours(api, "dynamodb", attempts=3).scan(TableName="t")
    assert len(api.requests) == 3


@pytest.mark.parametrize("failure", [answer('{"__type":"x#ValidationException"}', 400), answer("{}", 403)])
def test_what_would_fail_again_is_not_sent_again(api: ScriptedApi, failure: bytes) -> None:
    """Whoever asks wrongly is told at once."""
    api.answers = [failure]
    with pytest.raises(ClientError):
        ours(api, "dynamodb", attempts=4).scan(TableName="t")
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "broken", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"]
)
def test_no_answer_is_an_error_of_botocore_s(api: ScriptedApi, broken: bytes) -> None:
    """Once where there is one attempt: a function may have been called."""
    api.answers = [broken]
    with pytest.raises(BotoCoreError, match=endpoint(api)):
        ours(api, "lambda").invoke(FunctionName="f", Payload=b"{}")
    assert len(api.requests) == 1


MODEL = ServiceModel(Loader().load_service_model("dynamodb", "service-2"), "dynamodb")
SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, st.text()),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.builds(lambda data: {"B": data}, st.binary()),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.builds(lambda data: {"BS": data}, st.lists(st.binary(), min_size=1)),
    st.builds(lambda texts: {"SS": texts}, st.lists(st.text(), min_size=1)),
)
NAMES = st.sampled_from(["B", "BS", "S", "M", "Item", "a"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.builds(lambda parts: {"L": parts}, st.lists(inner))
        | st.builds(lambda parts: {"M": parts}, st.dictionaries(NAMES, inner))
    ),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, VALUES))
def test_every_item_is_written_and_read_as_by_botocore(item: dict[str, Any]) -> None:
    """Bytes at any depth, and attributes that are called as their types are."""
    put = {"TableName": "t", "Item": item}
    expected = create_serializer("json").serialize_to_request(put, MODEL.operation_model("PutItem"))["body"]
    sent: list[bytes] = []
    made = client("dynamodb")
    made._http.post = lambda _operation, _path, body, _headers: sent.append(body)
    made._http.read = lambda _answer: {}
    made.put_item(**put)
    assert json.loads(sent[0]) == json.loads(expected)
    body = json.dumps({"Item": json.loads(expected)["Item"]}).encode()
    shape = MODEL.operation_model("GetItem").output_shape
    assert shape is not None
    parsed = create_parser("json").parse({"status_code": 200, "headers": {}, "body": body}, shape)
    assert json.loads(body, object_hook=with_bytes)["Item"] == parsed["Item"] == item
