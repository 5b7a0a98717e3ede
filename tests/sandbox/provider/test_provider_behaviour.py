"""Drift, foretold outputs, half-made resources, imports and settings, call by call on the real sandbox."""

# ruff: noqa: ARG002 (a handler's signature is the table's)

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.client import RunningSandbox
from sandbox.provider import wire
from sandbox.provider.archives import zip_bytes
from sandbox.provider.cloud import Scope
from sandbox.provider.errors import RejectedValueError
from sandbox.provider.properties import INTEGER
from sandbox.provider.table import Edit, Handler, ResourceType
from tests.sandbox.provider.test_provider_rows import TRUST, World, code, function, policy, stage, table
from tests.support.provider import DIFF_NONE, Engine, Json, running_provider
from tests.support.sandbox import Aws

TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
ROLE = "aws:iam/role:Role"


@pytest.fixture
def world(engine: Engine) -> World:
    """Prerequisites."""
    return World(engine)


@pytest.fixture
def other(sandbox: RunningSandbox) -> Iterator[Engine]:
    """A second provider instance, not yet configured."""
    with running_provider(sandbox.record.aws_endpoint) as engine:
        yield engine


def message(error: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    """What the user reads."""
    return str(error.value.details())


def test_drift_shows_after_a_refresh_and_is_mended(engine: Engine, world: World, aws: Aws) -> None:
    """What somebody changed by hand is a difference in what the program set, and in defaults it never named."""
    inputs = {**table(world), "deletionProtectionEnabled": None}
    inputs = {key: value for key, value in inputs.items() if value is not None}
    resource = engine.create(TABLE, "subject", inputs)
    aws.dynamodb.update_table(TableName=resource.ident, DeletionProtectionEnabled=True)
    aws.dynamodb.tag_resource(ResourceArn=resource.state["arn"], Tags=[{"Key": "a", "Value": "changed"}])

    assert engine.refresh(resource)
    assert engine.changed(resource, inputs) == ["deletionProtectionEnabled", "tags.a"]
    engine.update(resource, inputs)
    assert engine.diff(resource, inputs).changes == DIFF_NONE
    assert not aws.dynamodb.describe_table(TableName=resource.ident)["Table"]["DeletionProtectionEnabled"]


def test_code_that_was_changed_by_hand_is_deployed_again(engine: Engine, world: World, aws: Aws) -> None:
    """The code itself is not read back, but its hash is."""
    inputs = function(world)
    resource = engine.create(FUNCTION, "subject", inputs)
    deployed = resource.state["codeSha256"]
    aws.functions.update_function_code(FunctionName=resource.ident, ZipFile=zip_bytes(code("changed = True\n")))

    assert engine.refresh(resource)
    assert "code" in engine.changed(resource, inputs)
    engine.update(resource, inputs)
    assert resource.state["codeSha256"] == deployed


def test_a_table_deleted_by_hand_is_gone(engine: Engine, world: World, aws: Aws) -> None:
    """Reading it answers nothing, and changing it says what to do."""
    resource = engine.create(TABLE, "subject", table(world))
    aws.dynamodb.delete_table(TableName=resource.ident)
    with pytest.raises(grpc.RpcError) as error:
        engine.update(resource, {**table(world), "tags": {}})
    assert "pulumi refresh" in message(error)
    assert not engine.refresh(resource)


def test_a_published_function_foretells_what_will_move(engine: Engine, world: World) -> None:
    """New code or configuration makes a version; tags and reserved concurrency do not."""
    inputs = function(world)
    resource = engine.create(FUNCTION, "subject", inputs)
    assert resource.state["qualifiedArn"].endswith(":1")

    foretold = engine.update(resource, {**inputs, "memorySize": 512}, preview=True)
    assert {"version", "qualifiedArn"}.isdisjoint(foretold)
    assert foretold["memorySize"] == 512
    assert foretold["arn"] == resource.state["arn"]
    assert "codeSha256" in foretold
    assert "codeSha256" not in engine.update(resource, {**inputs, "code": code("# other")}, preview=True)
    assert engine.update(resource, {**inputs, "tags": {"x": "y"}}, preview=True)["version"] == "1"

    engine.update(resource, {**inputs, "tags": {"x": "y"}, "reservedConcurrentExecutions": 7})
    assert resource.state["version"] == "1"
    engine.update(resource, {**inputs, "memorySize": 512})
    assert resource.state["version"] == "2"
    assert resource.state["qualifiedArn"] == f"{resource.state['arn']}:2"


def test_another_stream_view_foretells_another_stream(engine: Engine, world: World) -> None:
    """The stream's ARN is unknown in the preview and another afterwards; the table stays."""
    inputs = table(world)
    resource = engine.create(TABLE, "subject", inputs)
    before = resource.state["streamArn"]
    wanted = {**inputs, "streamViewType": "KEYS_ONLY"}

    assert "streamArn" not in engine.update(resource, wanted, preview=True)
    assert engine.update(resource, {**inputs, "tags": {}}, preview=True)["streamArn"] == before
    engine.update(resource, wanted)
    assert resource.state["streamArn"] != before
    assert engine.diff(resource, wanted).changes == DIFF_NONE


def test_a_billing_switch_keeps_the_indexes(engine: Engine, world: World, aws: Aws) -> None:
    """On demand to provisioned and back, with a capacity that grows in between: the table and its index stay."""
    index = {"name": "by-index", "projectionType": "ALL", "hashKey": "by"}
    plain = {**table(world), "globalSecondaryIndexes": [index]}
    del plain["onDemandThroughput"]
    resource = engine.create(TABLE, "subject", plain)
    made = aws.dynamodb.describe_table(TableName=resource.ident)["Table"]["CreationDateTime"]
    for units in (2, 3):
        capacity = {"readCapacity": units, "writeCapacity": units}
        wanted = {**plain, "billingMode": "PROVISIONED", **capacity, "globalSecondaryIndexes": [{**index, **capacity}]}
        engine.update(resource, wanted)
        assert engine.diff(resource, wanted).changes == DIFF_NONE, engine.changed(resource, wanted)
    engine.update(resource, plain)
    assert engine.diff(resource, plain).changes == DIFF_NONE, engine.changed(resource, plain)
    assert aws.dynamodb.describe_table(TableName=resource.ident)["Table"]["CreationDateTime"] == made


def test_a_preview_echoes_what_is_known_and_leaves_the_rest_unknown(engine: Engine) -> None:
    """Dependants see the name at once; outputs stay out, hence unknown; unknown inputs stay unknown."""
    inputs = {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}
    foretold = engine.foretell("aws:apigatewayv2/api:Api", "subject", {**inputs, "description": wire.UNKNOWN})
    assert foretold["name"].startswith("subject-")
    assert foretold["description"] == wire.UNKNOWN
    assert foretold["tagsAll"] == {"stage": "dev"}
    assert foretold["region"] == "us-east-1"
    assert {"apiEndpoint", "executionArn", "arn", "id"}.isdisjoint(foretold)


def test_an_id_is_among_the_outputs(engine: Engine) -> None:
    """As in bridged providers: a policy pack is given outputs, and has nothing else to know a resource by."""
    inputs = {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}
    made = engine.create("aws:apigatewayv2/api:Api", "subject", inputs)

    assert made.state["id"] == made.ident
    assert engine.update(made, {**inputs, "description": "new"}, preview=True)["id"] == made.ident


class Shelf(Handler):
    """A type whose set-up fails until its ``load`` is light enough; it notes what it was asked."""

    def __init__(self) -> None:
        self.there: Json | None = None
        self.asked: list[str] = []

    def create(self, scope: Scope, inputs: Json) -> str:
        """Put it up."""
        self.asked.append("create")
        self.there = {"load": 0}
        return "shelf-1"

    def settle(self, scope: Scope, ident: str, inputs: Json) -> None:
        """Load it."""
        self.asked.append("settle")
        if inputs["load"] > 10:
            raise RejectedValueError("too heavy")
        self.there = {"load": inputs["load"]}

    def read(self, scope: Scope, ident: str, state: Json) -> Json | None:
        """What it holds."""
        return self.there

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Load it again."""
        self.asked.append(f"update {sorted(edit.changed)}")
        self.settle(scope, ident, edit.new)

    def delete(self, scope: Scope, ident: str, state: Json) -> None:
        """Take it down."""
        self.there = None


def test_a_set_up_that_fails_leaves_a_resource_that_the_next_update_mends() -> None:
    """The engine gets the id and the reason; the update finds out by itself what is still to be done."""
    token, shelf = "aws:test/shelf:Shelf", Shelf()
    row = ResourceType(token=token, fields={"load": INTEGER.but(required=True)}, outputs=(), handler=shelf)
    with running_provider("http://127.0.0.1:9", {token: row}) as engine:
        engine.configure(region="us-east-1")
        with pytest.raises(grpc.RpcError) as error:
            engine.create(token, "subject", {"load": 20})
        detail = half_made(error.value)
        assert message(error) == "cannot set up aws:test/shelf:Shelf 'subject': too heavy"
        assert detail.id == "shelf-1"
        assert list(detail.reasons) == [message(error)]

        made = engine.adopt(token, "subject", detail.id, wire.decode(detail.inputs), wire.decode(detail.properties))
        engine.update(made, {"load": 5})
        assert made.state == {"load": 5, "id": "shelf-1"}
        assert shelf.asked == ["create", "settle", "update ['load']", "settle"]


def half_made(error: grpc.RpcError) -> Any:
    """The ErrorResourceInitFailed that travels with an error."""
    trailing = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail


def test_a_refusal_is_one_line_with_type_name_code_and_message(engine: Engine) -> None:
    """The user reads what failed, where, and AWS's own words."""
    queue = "arn:aws:lambda:us-east-1:000000000000:function:none"
    with pytest.raises(grpc.RpcError) as error:
        engine.create(
            "aws:lambda/alias:Alias", "subject", {"functionName": queue, "functionVersion": "1", "name": "live"}
        )
    said = message(error)
    assert said.startswith("cannot create aws:lambda/alias:Alias 'subject': ResourceNotFoundException: ")
    assert "\n" not in said


def test_a_role_takes_foreign_policies_along_when_told_to(engine: Engine, aws: Aws) -> None:
    """Policies that the stack did not make keep a role, unless it is told to take them along."""
    role = engine.create(ROLE, "subject", {"assumeRolePolicy": TRUST, "forceDetachPolicies": True})
    aws.iam.put_role_policy(RoleName=role.ident, PolicyName="foreign", PolicyDocument=policy("s3:GetObject"))
    engine.delete(role)
    assert not engine.refresh(role)


IMPORTS: dict[str, Callable[[World], tuple[Json, str]]] = {
    TABLE: lambda world: (table(world), "{id}"),
    ROLE: lambda _: ({"assumeRolePolicy": TRUST, "description": "first"}, "{id}"),
    "aws:apigatewayv2/stage:Stage": lambda world: (stage(world), "{apiId}/{id}"),
    "aws:apigatewayv2/api:Api": lambda _: (
        {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"},
        "{id}",
    ),
    "aws:lambda/permission:Permission": lambda world: (
        {
            "function": world.function.ident,
            "qualifier": world.alias.state["name"],
            "action": "lambda:InvokeFunction",
            "principal": "apigateway.amazonaws.com",
        },
        "{function}:{qualifier}/{id}",
    ),
    "aws:sqs/queue:Queue": lambda _: ({"visibilityTimeoutSeconds": 60}, "{id}"),
}


@pytest.mark.parametrize("token", sorted(IMPORTS))
def test_an_import_finds_what_the_program_would_say(engine: Engine, world: World, token: str) -> None:
    """With nothing but an id the inputs are read, and they differ in nothing from what is there."""
    inputs, form = IMPORTS[token](world)
    made = engine.create(token, "subject", inputs)
    found = engine.imported(token, form.format(**{**made.inputs, "id": made.ident}))

    assert found.ident == made.ident
    assert engine.diff(found, found.inputs).changes == DIFF_NONE, engine.changed(found, found.inputs)
    assert found.inputs.keys() >= inputs.keys() - {"functionName"}


def test_default_tags_reach_resources_and_stay_out_of_the_programs_own(engine: Engine, aws: Aws) -> None:
    """AWS holds both; the state keeps them apart; the hidden tag that steadies an API's id shows nowhere."""
    inputs = {
        "protocolType": "WEBSOCKET",
        "routeSelectionExpression": "$request.body.action",
        "tags": {"own": "1"},
    }
    api = engine.create("aws:apigatewayv2/api:Api", "subject", inputs)
    assert api.state["tags"] == {"own": "1"}
    assert api.state["tagsAll"] == {"own": "1", "stage": "dev"}
    held = aws.gateway.get_tags(ResourceArn=api.state["arn"])["Tags"]
    assert {"own": "1", "stage": "dev"}.items() <= held.items()


def test_an_api_keeps_its_id_when_it_is_made_again(engine: Engine) -> None:
    """A redeployed sandbox has the same endpoint; a second API of the same name gets another id."""
    token = "aws:apigatewayv2/api:Api"
    inputs = {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"}
    first = engine.create(token, "subject", inputs)
    beside = engine.create(token, "subject", inputs)
    engine.delete(first)
    again = engine.create(token, "subject", inputs)
    assert beside.ident != first.ident
    assert again.ident == first.ident


def test_endpoints_are_the_fronts(engine: Engine, world: World, sandbox: RunningSandbox) -> None:
    """A client can dial what the stack says."""
    address = sandbox.record.aws_endpoint.replace("http://", "ws://")
    api = f"{address}/_aws/execute-api/{world.api.ident}"
    made = engine.create("aws:apigatewayv2/stage:Stage", "subject", stage(world))
    assert world.api.state["apiEndpoint"] == api
    assert made.state["invokeUrl"] == f"{api}/test-stage"
    assert made.state["executionArn"] == f"{world.api.state['executionArn']}/test-stage"


def test_throttles_left_out_beside_other_settings_travel_as_zero(engine: Engine, world: World, aws: Aws) -> None:
    """AWS's provider sends 0 for both, of the stage and of a route, which then answer 429: so it bites here too."""
    logged = {"detailedMetricsEnabled": True}
    inputs = {**stage(world), "defaultRouteSettings": logged, "routeSettings": [{"routeKey": "ping", **logged}]}
    engine.create("aws:apigatewayv2/stage:Stage", "subject", inputs)
    [held] = [
        item for item in aws.gateway.get_stages(ApiId=world.api.ident)["Items"] if item["StageName"] == "test-stage"
    ]
    for settings in (held["DefaultRouteSettings"], held["RouteSettings"]["ping"]):
        assert settings["ThrottlingBurstLimit"] == 0
        assert settings["ThrottlingRateLimit"] == 0


def test_another_region_holds_its_own(other: Engine) -> None:
    """An explicit provider for a second region makes things there."""
    other.configure(region="eu-west-1")
    queue = other.create("aws:sqs/queue:Queue", "subject", {})
    assert queue.state["region"] == "eu-west-1"
    assert ":eu-west-1:" in queue.state["arn"]
    assert other.invoke("aws:index/getRegion:getRegion", {})["region"] == "eu-west-1"
    other.delete_all()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"allowedAccountIds": '["111111111111"]'}, "account 000000000000 is not in aws:allowedAccountIds"),
        ({"forbiddenAccountIds": '["000000000000"]'}, "aws:forbiddenAccountIds"),
        ({"regoin": "us-east-1"}, "no setting 'regoin'; did you mean 'region'?"),
        ({"assumeRoles": '[{"roleArn": "x"}]'}, "no setting 'assumeRoles'"),
        ({"endpoints": '[{"dynamodb": "https://dynamodb.us-east-1.amazonaws.com"}]'}, "aws:endpoints.dynamodb"),
        ({"defaultTags": "{tags"}, "aws:defaultTags is not JSON"),
    ],
)
def test_settings_that_cannot_be_honoured_are_refused(other: Engine, settings: Json, text: str) -> None:
    """Nothing is made in the wrong account or away from loopback."""
    with pytest.raises(grpc.RpcError) as error:
        other.configure(**settings)
    assert text in message(error)


def test_settings_as_the_program_sends_them(other: Engine) -> None:
    """Lists and maps travel as JSON text; what only concerns the real AWS is accepted without effect."""
    other.configure(
        region="us-east-1",
        accessKey="test",
        secretKey="test",
        allowedAccountIds='["000000000000"]',
        defaultTags='{"tags": {"project": "p"}}',
        skipCredentialsValidation="true",
        s3UsePathStyle="true",
        profile="somebody",
    )
    assert other.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "000000000000"


def test_functions_answer(engine: Engine) -> None:
    """Identity and partition; a policy document with AWS's rules for lists of one, in one spelling."""
    assert engine.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    statement = {
        "sid": "One",
        "actions": ["s3:GetObject"],
        "resources": ["a", "b"],
        "principals": [{"type": "AWS", "identifiers": ["*"]}],
        "conditions": [{"test": "StringEquals", "variable": "aws:x", "values": ["y"]}],
    }
    answer = engine.invoke("aws:iam/getPolicyDocument:getPolicyDocument", {"statements": [statement]})
    assert json.loads(answer["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "One",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": ["b", "a"],
                "Principal": {"AWS": "*"},
                "Condition": {"StringEquals": {"aws:x": "y"}},
            }
        ],
    }


def test_an_unknown_function_is_refused_by_name(engine: Engine) -> None:
    """The message names it and those that there are."""
    with pytest.raises(grpc.RpcError) as error:
        engine.invoke("aws:ec2/getAmi:getAmi", {})
    assert "does not answer aws:ec2/getAmi:getAmi" in message(error)
    assert "aws:index/getRegion:getRegion" in message(error)
