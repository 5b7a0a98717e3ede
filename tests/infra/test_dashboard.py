"""The dashboard."""

import json
from typing import Any

from tests.infra.conftest import Deploy
from tests.infra.recording import Recording
from tests.infra.test_alarms import is_emitted
from trebuche import contract

PAGE = {
    ("AWS/ApiGateway", "ConnectCount"),
    ("AWS/ApiGateway", "MessageCount"),
    ("AWS/ApiGateway", "IntegrationLatency"),
    ("AWS/Lambda", "Invocations"),
    ("AWS/Lambda", "Duration"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "ConcurrentExecutions"),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"),
    ("AWS/DynamoDB", "UserErrors"),
}
OURS = {
    (contract.METRIC_NAMESPACE, metric)
    for metric in (
        contract.METRIC_DELIVERY_LAG,
        contract.METRIC_PUSH_LATENCY,
        contract.METRIC_PUSH_GONE,
        contract.METRIC_PUSH_THROTTLED,
        contract.METRIC_BAD_FRAMES,
        contract.METRIC_CONFLICTS,
        contract.METRIC_TURNS,
    )
}


def widgets(recording: Recording) -> list[dict[str, Any]]:
    """The graphs of the one dashboard."""
    [dashboard] = recording.inputs("aws:cloudwatch/dashboard:Dashboard")
    found: list[dict[str, Any]] = json.loads(dashboard["dashboardBody"])["widgets"]
    return found


def shown(recording: Recording) -> list[list[str]]:
    """Every series: namespace, metric, dimensions."""
    return [series for widget in widgets(recording) for series in widget["properties"]["metrics"]]


def test_page_and_own_metrics_are_shown(deployed: Deploy) -> None:
    """The ten metrics of the page, and what only the functions know."""
    recording, _outputs = deployed()

    assert {(namespace, metric) for namespace, metric, *_ in shown(recording)} >= PAGE | OURS
    assert recording.one("app-dashboard-dashboard").inputs["dashboardName"] == "my-app-dev"


def test_shown_metrics_are_emitted(deployed: Deploy) -> None:
    """Under exactly these dimensions."""
    found = shown(deployed()[0])

    assert not [series for series in found if not is_emitted(series[0], series[1], series[2::2])]


def test_series_name_what_is_deployed(deployed: Deploy) -> None:
    """Every function and every table, and each actor's own lag."""
    recording, _outputs = deployed()
    values = {tuple(rest) for _namespace, _metric, *rest in shown(recording)}

    assert {("TableName", one["name"]) for one in recording.inputs("aws:dynamodb/table:Table")} <= values
    assert {("FunctionName", one["name"]) for one in recording.inputs("aws:lambda/function:Function")} <= values
    assert {("Stage", "dev", "ActorType", actor) for actor in ("todos", "game")} <= values
    assert ("ApiId", "app-api-api-id", "Stage", "dev") in values


def test_graphs_stand_beside_each_other(deployed: Deploy) -> None:
    """In the stack's region, within the 24 columns, none on top of another."""
    found = widgets(deployed()[0])

    assert {widget["properties"]["region"] for widget in found} == {"eu-west-1"}
    places = [(widget["x"], widget["y"]) for widget in found]
    assert len(set(places)) == len(places) > 10
    assert all(x % 8 == 0 and x + 8 <= 24 and y % 6 == 0 for x, y in places)


def test_without_websocket_there_is_less_to_show(deployed: Deploy) -> None:
    """Functions and tables remain."""
    config = 'name: my-app\nversion: "1"\nactors: {TodoList: {}, GameRoom: {}}\nwebsocket: {enabled: false}\n'

    namespaces = {namespace for namespace, *_ in shown(deployed(config=config)[0])}

    assert namespaces == {"AWS/Lambda", "AWS/DynamoDB", contract.METRIC_NAMESPACE}
