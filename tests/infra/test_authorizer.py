"""``auth:`` of trebuche.yaml: what it may say, and what it deploys."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.config import AppConfig, load_config
from infra.plan import make_plan
from tests.infra.conftest import Deploy
from tests.infra.project import CONFIG, make_project
from tests.infra.recording import Recording
from trebuche.auth.rules import Rule, read_rules
from trebuche.auth.settings import read_settings
from trebuche.errors import ConfigError

JWT = "jwt: {issuer: https://login.example.com/, audience: my-app, jwks_url: https://login.example.com/jwks}"
KEYS = CONFIG + "auth: {api_keys: true}\n"
EVERYTHING = (
    CONFIG
    + f"""\
auth:
  api_keys: true
  {JWT}
  tickets: {{}}
  rules:
    - {{actors: "todos/{{sub}}"}}
    - {{actors: "*", methods: [observe*], claims: {{role: [admin, support], beta: true}}}}
    - {{methods: clear, allow: false}}
"""
)


def load(folder: Path, auth: str) -> AppConfig:
    """Read a configuration with this ``auth``."""
    file = folder / "trebuche.yaml"
    file.write_text(f'name: my-app\nversion: "1"\nactors: {{}}\nauth: {auth}\n', encoding="utf-8")
    return load_config(file)


@pytest.mark.parametrize("auth", ["none", "null", ""])
def test_none_asks_for_nothing(tmp_path: Path, auth: str) -> None:
    """Said or not said."""
    assert load(tmp_path, auth).auth is None


@pytest.mark.parametrize(
    ("auth", "mistake"),
    [
        ("{}", "auth: nobody could come in; it must have at least one of api_keys, jwt and tickets, or be none"),
        ("{api_keys: false}", "auth: nobody could come in"),
        ("jwt", 'auth: "jwt" is not allowed; it must be a mapping with the keys api_keys, jwt, places, rules, tickets'),
        ("{api_key: true}", 'auth.api_key: unknown key; did you mean "api_keys"?'),
        ("{api_keys: sometimes}", 'auth.api_keys: "sometimes" is not allowed; it must be true or false'),
        ("{jwt: {}}", "auth.jwt.issuer: missing; for example issuer: https://login.example.com/"),
        ("{jwt: {jwks_url: 'http://x.example.com/jwks'}}", "it must be an address that starts with https://"),
        ("{jwt: {jwks_url: 'http://127.0.0.1.example.com/'}}", "it must be an address that starts with https://"),
        ("{jwt: {audience: []}}", "auth.jwt.audience: it must list at least one, and each once"),
        ("{jwt: {audience: '*'}}", "it must be the aud of its tokens: a text, or a list of texts, without stars"),
        ("{jwt: {algorithms: [none]}}", 'auth.jwt.algorithms[0]: "none" is not allowed; it must be one of RS256'),
        ("{jwt: {algorithms: [HS256]}}", 'auth.jwt.algorithms[0]: "HS256" is not allowed; it must be one of RS256'),
        ("{jwt: {clock_skew: 301}}", "it must be a whole number of seconds from 0 to 300"),
        ("{tickets: {seconds: 301}}", "it must be a whole number of seconds from 5 to 300"),
        ("{tickets: {session: 59}}", "it must be a whole number of seconds from 60 to 7200"),
        ("{api_keys: true, places: [cookie]}", 'auth.places[0]: "cookie" is not allowed; it must be one of header'),
        ("{api_keys: true, places: []}", "auth.places: it must list at least one, and each once"),
        ("{api_keys: true, rules: [{actors: 'todos/{}'}]}", "braces must hold the name of a claim"),
        ("{api_keys: true, rules: [{actors: 'todos/{sub'}]}", "braces must hold the name of a claim"),
        ("{api_keys: true, rules: [{methods: ['add Todo']}]}", "it must be the name of a method or a stream"),
        ("{api_keys: true, rules: [{claims: [admin]}]}", "it must be a mapping of claims to a value"),
        ("{api_keys: true, rules: [{claims: {role: []}}]}", "each claim must have at least one value"),
        ("{api_keys: true, rules: [{claims: {role: null}}]}", "the values of claims must be texts, numbers"),
        ("{api_keys: true, rules: [{actor: '*'}]}", 'auth.rules[0].actor: unknown key; did you mean "actors"?'),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(tmp_path: Path, auth: str, mistake: str) -> None:
    """File, key and rule, as everywhere."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, auth)

    assert str(refused.value).startswith("trebuche.yaml:4: ")
    assert mistake in str(refused.value)


def test_rules_that_fit_no_environment_are_refused(tmp_path: Path) -> None:
    """Lambda would refuse the function after half a deployment."""
    rules = ", ".join(f"{{actors: 'todos/{number:040}'}}" for number in range(60))

    with pytest.raises(ConfigError, match=r"its rules take \d+ bytes as JSON; they must not take more than 2500"):
        load(tmp_path, f"{{api_keys: true, rules: [{rules}]}}")


def test_functions_read_what_the_program_writes(tmp_path: Path) -> None:
    """Defaults filled in, claims that rules speak of named."""
    (tmp_path / "trebuche.yaml").write_text(EVERYTHING, encoding="utf-8")
    auth = load_config(tmp_path / "trebuche.yaml").auth
    assert auth is not None

    found = read_settings(auth.settings_json)
    assert found.jwt is not None
    assert (found.jwt.expectation.issuer, found.jwt.expectation.clock_skew) == ("https://login.example.com/", 60)
    assert found.jwt.expectation.audiences == {"my-app"}
    assert (found.jwt.key_set_url, found.jwt.principal_claim) == ("https://login.example.com/jwks", "sub")
    assert found.jwt.algorithms == {"RS256", "ES256", "EdDSA"}
    assert found.tickets is not None
    assert (found.tickets.longest, found.tickets.session) == (60, 3600)
    assert (found.api_keys, found.places, found.claims) == (True, ("header", "query", "protocol"), ("beta", "role"))
    assert read_rules(auth.rules_json).rules == (
        Rule("todos/{sub}"),
        Rule("*", ("observe*",), {"role": ("admin", "support"), "beta": (True,)}),
        Rule("*", ("clear",), {}, allow=False),
    )


def environment_of(found: Any, role: str) -> dict[str, str]:
    """What a function is told."""
    variables: dict[str, str] = found.one(f"app-{role}-function").inputs["environment"]["variables"]
    return variables


def test_without_auth_nothing_of_it_is_deployed(deployed: Deploy) -> None:
    """No function, no table, no secret, no authorizer: nothing to pay for."""
    found, outputs = deployed()

    assert not [one.name for one in found.resources if "auth" in one.name.lower() or "access" in one.name]
    assert not {"access_table", "auth_secret"} & outputs.keys()
    assert "authorizationType" not in found.one("app-stage-connect-route").inputs
    assert "TREBUCHE_ACCESS_RULES" not in environment_of(found, "actor-todo-list")


def test_the_authorizer_stands_before_connect_and_nowhere_else(deployed: Deploy) -> None:
    """API Gateway takes one on that route only; it may be asked by the API and for nothing else."""
    found, _ = deployed(config=KEYS)

    guarded = [one for one in found.resources if one.inputs.get("authorizerId")]
    assert [(one.inputs["routeKey"], one.inputs["authorizationType"]) for one in guarded] == [("$connect", "CUSTOM")]
    assert found.one("app-gate-authorizer").inputs == {
        "apiId": "app-api-api-id",
        "name": "my-app-dev-connect",
        "authorizerType": "REQUEST",
        "authorizerUri": "invoke:my-app-dev-authorizer:live",
        "identitySources": [],
    }
    assert found.one("app-gate-permission").inputs == {
        "action": "lambda:InvokeFunction",
        "principal": "apigateway.amazonaws.com",
        "function": "my-app-dev-authorizer",
        "qualifier": "live",
        "sourceArn": "execute:abc/authorizers/app-gate-authorizer-id",
    }
    assert "app-gate-permission" in found.one("app-stage-stage").depends_on


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("header", "route.request.header.Authorization"),
        ("query", "route.request.querystring.token"),
        ("protocol", "route.request.header.Sec-WebSocket-Protocol"),
    ],
)
def test_a_single_place_is_asked_for_by_api_gateway_itself(deployed: Deploy, place: str, source: str) -> None:
    """Whoever brings nothing then costs no invocation; of several places it would ask for all."""
    found, _ = deployed(config=CONFIG + f"auth: {{api_keys: true, places: {place}}}\n")

    assert found.one("app-gate-authorizer").inputs["identitySources"] == [source]


def test_a_change_of_the_authorizer_takes_a_new_deployment(deployed: Deploy) -> None:
    """Until then API Gateway would go on to serve the one before."""
    digests = set()
    for config in (CONFIG, KEYS, CONFIG + "auth: {api_keys: true, places: header}\n"):
        found, _ = deployed(config=config)
        digests.add(found.one("app-stage-deployment").inputs["triggers"]["routes"])

    assert len(digests) == 3


def test_the_authorizer_may_do_what_it_does_and_nothing_else(deployed: Deploy) -> None:
    """Its logs, one secret to read, one table to look into and to cross out tickets in."""
    found, outputs = deployed(config=EVERYTHING)
    policy = json.loads(found.one("app-authorizer-execution-policy").inputs["policy"])

    assert {one["Sid"]: (one["Action"], one["Resource"]) for one in policy["Statement"] if one["Sid"] != "Logs"} == {
        "Access": (["dynamodb:BatchGetItem", "dynamodb:PutItem"], ["arn:my-app-dev-access"]),
        "Secret": (["secretsmanager:GetSecretValue"], ["arn:my-app-dev-auth"]),
    }
    assert (outputs["access_table"], outputs["auth_secret"]) == ("my-app-dev-access", "my-app-dev-auth")
    assert environment_of(found, "authorizer").keys() == {
        "TREBUCHE_AUTH",
        "TREBUCHE_AUTH_SECRET",
        "TREBUCHE_ACCESS_TABLE",
    }


def test_tokens_alone_need_no_secret(deployed: Deploy) -> None:
    """A secret costs 40 cents a month."""
    found, outputs = deployed(config=CONFIG + f"auth: {{{JWT}}}\n")

    assert not [one for one in found.resources if one.type == "aws:secretsmanager/secret:Secret"]
    assert "auth_secret" not in outputs
    assert "TREBUCHE_AUTH_SECRET" not in environment_of(found, "authorizer")


def test_the_program_writes_no_value_of_the_secret(deployed: Deploy) -> None:
    """What it writes would be in the stack's state; the command line writes it."""
    found, _ = deployed(config=KEYS)

    assert not [one for one in found.resources if "secretVersion" in one.type]
    assert found.one("app-auth-secret").inputs["recoveryWindowInDays"] == 0


def test_actors_functions_know_the_rules_and_may_close_connections(deployed: Deploy) -> None:
    """Also where there are none: then an authorizer's word is all that is asked for."""
    found, _ = deployed(config=KEYS)

    assert environment_of(found, "actor-todo-list")["TREBUCHE_ACCESS_RULES"] == "[]"
    for role in ("actor-todo-list", "stream-processor"):
        policy = json.loads(found.one(f"app-{role}-execution-policy").inputs["policy"])
        posts = [one["Resource"] for one in policy["Statement"] if one["Action"] == ["execute-api:ManageConnections"]]
        assert posts == [["execute:abc/dev/POST/@connections/*"], ["execute:abc/dev/DELETE/@connections/*"]]


@pytest.mark.parametrize(
    ("stack", "config", "settings", "warned"),
    [
        ("production", CONFIG, {}, True),
        ("production", CONFIG, {"trebuche:allowAnonymous": "true"}, False),
        ("production", KEYS, {}, False),
        ("production", CONFIG + "websocket: {enabled: false}\n", {}, False),
        ("dev", CONFIG, {}, False),
    ],
)
def test_production_without_credentials_is_told(
    tmp_path: Path, stack: str, config: str, settings: dict[str, str], warned: bool
) -> None:
    """At every preview and deployment, until the stack file says that it is meant."""
    plan = make_plan(make_project(tmp_path, config), stack, settings)

    told = [text for text in plan.warnings if "asks nobody for credentials" in text]
    assert bool(told) is warned
    assert all("pulumi config set trebuche:allowAnonymous true --stack production" in text for text in told)


def departures(found: Recording) -> set[str]:
    """What is made for connections that may have to go."""
    return {one.type.rsplit(":", 1)[-1] for one in found.resources if "departures" in one.name and one.custom}


def test_connections_that_have_to_go_are_looked_at(deployed: Deploy) -> None:
    """A queue and its way to the websocket function, only where rights end or silence has a limit."""
    assert departures(deployed()[0]) == set()
    found, _ = deployed(config=KEYS)
    assert departures(found) == {"Queue", "EventSourceMapping"}
    assert environment_of(found, "websocket")["TREBUCHE_DEPARTURE_QUEUE"] == "https://sqs/my-app-dev-departures"
    assert "TREBUCHE_IDLE_SECONDS" not in environment_of(found, "websocket")


def test_silence_has_the_limit_of_the_configuration(deployed: Deploy) -> None:
    """Without auth as well; only then the function may ask API Gateway for it."""
    found, _ = deployed(config=CONFIG + "delivery: {idle_timeout: 120}\n")

    assert environment_of(found, "websocket")["TREBUCHE_IDLE_SECONDS"] == "120"
    policy = json.loads(found.one("app-websocket-execution-policy").inputs["policy"])
    asking = [one["Resource"] for one in policy["Statement"] if one["Sid"] == "Ask"]
    assert asking == [["execute:abc/dev/GET/@connections/*"]]
    found, _ = deployed(config=KEYS)
    policy = json.loads(found.one("app-websocket-execution-policy").inputs["policy"])
    assert not [one for one in policy["Statement"] if one["Sid"] == "Ask"]


@pytest.mark.parametrize("seconds", [9, 601])
def test_a_limit_of_silence_that_makes_no_sense_is_refused(tmp_path: Path, seconds: int) -> None:
    """API Gateway's own is 600."""
    (tmp_path / "trebuche.yaml").write_text(CONFIG + f"delivery: {{idle_timeout: {seconds}}}\n")

    with pytest.raises(ConfigError, match=r"delivery\.idle_timeout: .* from 10 to 600"):
        load_config(tmp_path / "trebuche.yaml")
