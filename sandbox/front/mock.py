"""Mock integrations: API Gateway answers by itself, from templates. Pure."""

import json
from collections.abc import Mapping

from sandbox.aws import Json
from sandbox.front.api_model import Integration, MockResponse
from sandbox.front.events import flatten
from sandbox.front.outcome import BROKEN, Outcome, read_status
from sandbox.front.selection import DEFAULT_ROUTE, STATUS, body_value, evaluate, read_body
from sandbox.front.templates import Values, render


def answer_mock(integration: Integration, event: Json, variables: Mapping[str, str]) -> Outcome:
    """What a mock answers to an event.

    Its request template must come to an object with an integer ``statusCode``; that chooses the response.

    Args:
        integration: The mock.
        event: Whose context and body the templates may name.
        variables: The stage's.
    """
    message, context = event.get("body", ""), flatten("", event["requestContext"])
    status = _status_of(_request(integration, Values(context, variables, message)))
    if status is None:
        return BROKEN
    response = _response_for(integration, status)
    # Without an expression the status chooses (as seen at AWS, not documented).
    expression = (response.selection if response else "") or f"${STATUS}"
    template = None if response is None else _choose(response.templates, expression, message, status=status)
    if template is None:
        return Outcome(status, integration_status=status)
    # The payload of a response is what the integration answered, and a mock answers nothing but a status.
    answer = Values({**context, "status": status}, variables, "")
    return Outcome(status, render(template, answer), integration_status=status)


def _request(integration: Integration, values: Values) -> str:
    """The rendered request; without a template that fits, the message itself (``passthroughBehavior``)."""
    template = _choose(integration.templates, integration.selection, values.body)
    if template is not None:
        return render(template, values)
    passes = {"NEVER": False, "WHEN_NO_TEMPLATES": not integration.templates}
    return values.body if passes.get(integration.passthrough, True) else ""


def _response_for(integration: Integration, status: int) -> MockResponse | None:
    """A response whose pattern fits goes before ``$default``, wherever that was declared."""
    fitting = [response for response in integration.responses if response.matches(status)]
    fitting += [response for response in integration.responses if response.key == DEFAULT_ROUTE]
    return fitting[0] if fitting else None


def _choose(templates: Mapping[str, str], expression: str, message: str, *, status: int | None = None) -> str | None:
    """The template that a selection expression names, else ``$default``'s."""

    def value_of(name: str) -> str:
        return str(status) if name == STATUS else body_value(name, read_body(message))

    return templates.get(evaluate(expression, value_of), templates.get(DEFAULT_ROUTE))


def _status_of(request: str) -> int | None:
    try:
        document = json.loads(request)
    except ValueError:
        return None
    return read_status(document.get("statusCode")) if isinstance(document, dict) else None
