"""Dashboards are held to their form when they are put."""

import json
from typing import Any

import pytest

from tests.support.sandbox import Aws, Json

METRICS: Json = {"region": "us-east-1", "metrics": [["Mine", "Size", "Stage", "a", {"label": "x"}]]}
GRAPH: Json = {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": METRICS}
GOOD = [
    GRAPH,
    {"type": "metric", "properties": METRICS | {"metrics": [["Mine", "Size"], ["..."], [{"expression": "m1/60"}]]}},
    {"type": "metric", "properties": {"region": "us-east-1", "annotations": {"alarms": ["arn"]}}},
    {"type": "text", "properties": {"markdown": "# Mine"}},
    {"type": "log", "properties": {"query": "fields @message", "region": "us-east-1"}},
]


def put(aws: Aws, body: Any, name: str = "mine") -> str:
    """Put a dashboard; the text of AWS's refusal, or nothing."""
    watch: Any = aws.client("cloudwatch")
    try:
        watch.put_dashboard(DashboardName=name, DashboardBody=body if isinstance(body, str) else json.dumps(body))
    except watch.exceptions.DashboardInvalidInputError as error:
        return str(error.response["Error"]["Message"])
    return ""


def test_a_dashboard_is_read_as_it_was_put(aws: Aws) -> None:
    """With widgets of every kind."""
    assert put(aws, {"widgets": GOOD}) == ""
    assert json.loads(aws.client("cloudwatch").get_dashboard(DashboardName="mine")["DashboardBody"]) == {
        "widgets": GOOD
    }


@pytest.mark.parametrize(
    ("widget", "place", "text"),
    [
        (1, "/widgets/0", "Should be object"),
        (GRAPH | {"type": "graph"}, "/widgets/0/type", "allowed values"),
        (GRAPH | {"width": 25}, "/widgets/0/width", "Should be <= 24"),
        (GRAPH | {"x": -1}, "/widgets/0/x", "Should be >= 0"),
        (GRAPH | {"height": "6"}, "/widgets/0/height", "Should be integer"),
        ({"type": "text"}, "/widgets/0", "required property 'properties'"),
        ({"type": "text", "properties": {}}, "/widgets/0/properties", "required property 'markdown'"),
        ({"type": "log", "properties": {"query": 1, "region": "r"}}, "/widgets/0/properties/query", "Should be string"),
        (GRAPH | {"properties": {"metrics": [["Mine", "Size"]]}}, "/widgets/0/properties", "specified a region"),
        (GRAPH | {"properties": METRICS | {"view": "cake"}}, "/widgets/0/properties/view", "allowed values"),
        (GRAPH | {"properties": METRICS | {"metrics": "all"}}, "/widgets/0/properties/metrics", "Should be array"),
        (GRAPH | {"properties": METRICS | {"metrics": ["m"]}}, "/widgets/0/properties/metrics/0", "Should be array"),
        (GRAPH | {"properties": METRICS | {"metrics": [["a", 1]]}}, "/widgets/0/properties/metrics/0", "of strings"),
        (
            GRAPH | {"properties": METRICS | {"metrics": [["a", "b", "c"]]}},
            "/widgets/0/properties/metrics/0",
            "a value",
        ),
    ],
)
def test_a_malformed_dashboard_is_refused(aws: Aws, widget: Any, place: str, text: str) -> None:
    """The text lists what is wrong, and where."""
    told, _, listed = put(aws, {"widgets": [widget, *GOOD]}).partition("\n")
    assert told == "The dashboard body is invalid, there are 1 validation errors:"
    [problem] = json.loads(listed)
    assert problem["dataPath"] == place
    assert text in problem["message"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("no JSON", "must be a valid JSON object"),
        ([], "must be a valid JSON object"),
        ({}, "required property 'widgets'"),
        ({"widgets": 1}, "Should be array"),
        ({"widgets": [GRAPH] * 501}, "more than 500"),
    ],
)
def test_a_body_that_is_none_is_refused(aws: Aws, body: Any, text: str) -> None:
    """Before any widget is looked at."""
    assert text in put(aws, body)


def test_a_dashboard_has_a_name_of_few_characters(aws: Aws) -> None:
    """Letters, digits, hyphens and underscores."""
    assert "contains invalid characters" in put(aws, {"widgets": []}, "my dashboard")
    assert put(aws, {"widgets": []}, "My-dashboard_1") == ""
