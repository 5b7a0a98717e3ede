"""Whether a dashboard is one: its name, and its body ("Dashboard body structure and syntax", CloudWatch API reference).

The texts are AWS's as far as reports show them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.aws import Json
from sandbox.telemetry.refusal import RefusedError

INVALID: Final = "InvalidParameterInput"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_MOST_WIDGETS: Final = 500
_RANGES: Final = {"x": (0, 23), "y": (0, 1_000_000), "width": (1, 24), "height": (1, 1000)}
_NEEDS: Final[Mapping[str, Mapping[str, type]]] = {
    "metric": {},
    "text": {"markdown": str},
    "log": {"query": str, "region": str},
    "alarm": {"alarms": list},
    "explorer": {"metrics": list},
}
"""The types of widgets, and what each must have."""
_NAMES: Final[Mapping[type, str]] = {str: "string", list: "array", dict: "object"}
_VIEWS: Final = ("timeSeries", "singleValue", "gauge", "bar", "pie", "table")
Problem = tuple[str, str]
"""Where it is, and what."""


def check_dashboard(request: Json) -> None:
    """Hold a PutDashboard against its rules.

    Raises:
        RefusedError: The text lists every problem of the body with its place, as AWS does.
    """
    if not _NAME.fullmatch(request.get("DashboardName", "")):
        raise RefusedError(
            INVALID,
            "The field DashboardName contains invalid characters. "
            "It can only contain alphanumerics, dash (-) and underscore (_).",
        )
    try:
        body = json.loads(request.get("DashboardBody", ""))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(INVALID, "The field DashboardBody must be a valid JSON object")
    if problems := list(_of_body(body)):
        listed = json.dumps([{"dataPath": place, "message": text} for place, text in problems], indent=2)
        text = f"The dashboard body is invalid, there are {len(problems)} validation errors:\n{listed}"
        raise RefusedError(INVALID, text)


def _of_body(body: Json) -> Iterator[Problem]:
    widgets = body.get("widgets")
    if "widgets" not in body:
        yield "", "Should have required property 'widgets'"
    elif not isinstance(widgets, list):
        yield "/widgets", "Should be array"
    elif len(widgets) > _MOST_WIDGETS:
        yield "/widgets", f"Should NOT have more than {_MOST_WIDGETS} items"
    else:
        for number, widget in enumerate(widgets):
            yield from _of_widget(widget, f"/widgets/{number}")


def _of_widget(widget: Any, place: str) -> Iterator[Problem]:
    if not isinstance(widget, dict):
        yield place, "Should be object"
        return
    for name, (least, most) in _RANGES.items():
        value = widget.get(name, least)
        if not isinstance(value, int):
            yield f"{place}/{name}", "Should be integer"
        elif not least <= value <= most:
            yield f"{place}/{name}", f"Should be {f'>= {least}' if value < least else f'<= {most}'}"
    kind, properties = str(widget.get("type")), widget.get("properties")
    if kind not in _NEEDS:
        yield f"{place}/type", "Should be equal to one of the allowed values"
    elif not isinstance(properties, dict):
        yield place, "Should have required property 'properties'"
    else:
        yield from _of_properties(kind, properties, f"{place}/properties")


def _of_properties(kind: str, properties: Json, place: str) -> Iterator[Problem]:
    for name, form in _NEEDS[kind].items():
        if name not in properties:
            yield place, f"Should have required property '{name}'"
        elif not isinstance(properties[name], form):
            yield f"{place}/{name}", f"Should be {_NAMES[form]}"
    if kind != "metric":
        return
    annotations = properties.get("annotations")
    alarms = isinstance(annotations, dict) and annotations.get("alarms")
    if not properties.get("region") or not (properties.get("metrics") or alarms):
        yield place, "The metric widget should have specified a region and a data source or an alarm annotation"
    if properties.get("view", _VIEWS[0]) not in _VIEWS:
        yield f"{place}/view", "Should be equal to one of the allowed values"
    metrics = properties.get("metrics", [])
    if not isinstance(metrics, list):
        yield f"{place}/metrics", "Should be array"
        return
    for number, metric in enumerate(metrics):
        yield from _of_metric(metric, f"{place}/metrics/{number}")


def _of_metric(metric: Any, place: str) -> Iterator[Problem]:
    if not isinstance(metric, list):
        yield place, "Should be array"
        return
    names = metric[:-1] if metric and isinstance(metric[-1], dict) else metric
    if not all(isinstance(name, str) for name in names) or not metric:
        what = "an array of array of strings, with an optional metricRenderer object as last element"
        yield place, f'Field "metrics" has to be {what}'
    # Namespace and name, then a name and a value for each dimension; an expression has neither, "..." stands for many.
    elif "..." not in names and len(names) % 2:
        yield place, "Should have a value for each dimension"
