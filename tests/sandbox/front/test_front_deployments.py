"""What a stage serves: the API as it was when its deployment was created."""

from websockets.sync.client import connect

from tests.support.sandbox import Aws, Socket

OLD = 'print(1)\nreturn {"statusCode": 200, "body": "old"}'
NEW = 'print(1)\nreturn {"statusCode": 200, "body": "new"}'
ASK = '{"action": "new"}'


def ask(socket: Socket) -> str:
    """The answer of a fresh socket."""
    with connect(socket.url) as client:
        client.send(ASK)
        return str(client.recv(timeout=20))


def test_new_route_is_invisible_until_it_is_deployed(aws: Aws) -> None:
    """A route that was added later is served only once a deployment that saw it is on the stage."""
    socket = aws.web_socket({"$default": aws.function(OLD)})
    aws.route(socket.api_id, "new", aws.function(NEW), replies=True)
    assert ask(socket) == "old"
    deployment = aws.gateway.create_deployment(ApiId=socket.api_id)["DeploymentId"]
    assert ask(socket) == "old"
    aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, DeploymentId=deployment)
    assert ask(socket) == "new"


def test_stage_goes_back_with_its_deployment(aws: Aws) -> None:
    """An earlier deployment still serves what it saw, after the API has changed."""
    socket = aws.web_socket({"$default": aws.function(OLD)})
    first = aws.gateway.get_stage(ApiId=socket.api_id, StageName=socket.stage)["DeploymentId"]
    aws.route(socket.api_id, "new", aws.function(NEW), replies=True)
    aws.gateway.create_deployment(ApiId=socket.api_id, StageName=socket.stage)
    assert ask(socket) == "new"
    aws.gateway.update_stage(ApiId=socket.api_id, StageName=socket.stage, DeploymentId=first)
    assert ask(socket) == "old"


def test_auto_deploy_serves_every_change(aws: Aws) -> None:
    """A stage with autoDeploy needs no deployment."""
    socket = aws.web_socket({"$default": aws.function(OLD)}, auto_deploy=True)
    assert ask(socket) == "old"
    aws.route(socket.api_id, "new", aws.function(NEW), replies=True)
    assert ask(socket) == "new"


def test_control_plane_names_an_address_that_can_be_dialled(aws: Aws) -> None:
    """Create, get and list show the sandbox's own address; APIs of other kinds keep theirs."""
    made = aws.gateway.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    http = aws.gateway.create_api(Name="h", ProtocolType="HTTP")
    wanted = f"{aws.endpoint.replace('http:', 'ws:')}/_aws/execute-api/{made['ApiId']}"
    listed = {api["ApiId"]: api["ApiEndpoint"] for api in aws.gateway.get_apis()["Items"]}
    assert made["ApiEndpoint"] == wanted
    assert aws.gateway.get_api(ApiId=made["ApiId"])["ApiEndpoint"] == wanted
    assert listed[made["ApiId"]] == wanted
    assert not listed[http["ApiId"]].startswith("ws://")


def test_api_in_another_region_is_served(aws: Aws) -> None:
    """Region is the caller's choice; the socket finds its API all the same."""
    elsewhere = aws.client("apigatewayv2", region_name="eu-central-1")
    api = elsewhere.create_api(Name="a", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    elsewhere.create_stage(ApiId=api["ApiId"], StageName="s", AutoDeploy=True)
    with connect(f"{api['ApiEndpoint']}/s") as client:
        assert client.ping().wait(timeout=20)
