"""trebuche.yaml: what it may say, and what it is told when it says something else."""

from pathlib import Path

import pytest

from infra.config import AppConfig, load_config
from trebuche.errors import ConfigError

ROOT = Path(__file__).parents[2]
HEAD = 'name: my-app\nversion: "1"\n'
MINIMAL = HEAD + "actors: {}\n"


def load(folder: Path, text: str) -> AppConfig:
    """Read a configuration of this text."""
    file = folder / "trebuche.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def refusal(folder: Path, text: str) -> list[str]:
    """The mistakes that a text is refused with."""
    with pytest.raises(ConfigError) as refused:
        load(folder, text)
    return str(refused.value).splitlines()


def test_shipped_file_is_read() -> None:
    """The file in this repository gives the settings that it shows."""
    config = load_config(ROOT / "trebuche.yaml")

    assert config.name == "my-streaming-app"
    assert (config.state_table, config.connections_table) == ("my-app-actor-state", "my-app-connections")
    assert config.websocket.stage == "production"
    assert [(name, config.actor(name).memory, config.actor(name).stateful) for name in config.actors] == [
        ("TodoList", 1024, True),
        ("GameRoom", 2048, True),
    ]


def test_defaults_fill_in_what_is_not_there(tmp_path: Path) -> None:
    """Three keys are enough."""
    config = load(tmp_path, HEAD + "actors: {Counter: null}\n")

    settings = config.actor("Counter")
    assert (settings.memory, settings.timeout, settings.stateful) == (512, 30, False)
    assert (config.defaults.provider, config.defaults.region) == ("aws", "us-east-1")
    assert (config.state_table, config.connections_table) == ("my-app-actor-state", "my-app-connections")
    assert (config.websocket.enabled, config.websocket.stage) == (True, "production")
    assert config.websocket.routes == ("$connect", "$disconnect", "$default")


@pytest.mark.parametrize(
    ("text", "hours"),
    [("", 24), ("retention: {}\n", 24), ("retention: {hours: 1}\n", 1), ("retention: {hours: 168}\n", 168)],
)
def test_retention_is_a_day_unless_the_file_says_it(tmp_path: Path, text: str, hours: int) -> None:
    """It says whole hours, from one to a week."""
    assert load(tmp_path, MINIMAL + text).retention.hours == hours


def test_actor_overrides_defaults(tmp_path: Path) -> None:
    """An actor's own memory and timeout win over the defaults."""
    text = HEAD + "defaults: {memory: 256, timeout: 5}\nactors:\n  A: {memory: 128}\n  B: {timeout: 900}\n"

    config = load(tmp_path, text)

    assert [(config.actor(name).memory, config.actor(name).timeout) for name in "AB"] == [(128, 5), (256, 900)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            MINIMAL + "defaults:\n  memroy: 512\n",
            'trebuche.yaml:5: defaults.memroy: unknown key; did you mean "memory"? '
            "allowed here: memory, provider, region, timeout",
            id="unknown key with a near one",
        ),
        pytest.param(
            MINIMAL + "quotas: {}\n",
            "trebuche.yaml:4: quotas: unknown key; allowed here: actors, auth, connections, defaults, delivery, "
            "discovery, limits, name, retention, state, version, websocket",
            id="unknown section",
        ),
        pytest.param(
            MINIMAL + "state:\n  tableName: x-y\n",
            'trebuche.yaml:5: state.tableName: unknown key; did you mean "table"? allowed here: table, type',
            id="another tool's key",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {isolated: true}\n",
            "trebuche.yaml:4: actors.Todo.isolated: unknown key; allowed here: "
            "delivery, memory, stateful, timeout, window",
            id="unknown key of an actor",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: 7\n",
            "trebuche.yaml:4: actors.Todo: 7 is not allowed; it must be a mapping with the keys "
            "delivery, memory, stateful, timeout, window",
            id="actor that is no mapping",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {delivery: lastest}\n",
            'trebuche.yaml:4: actors.Todo.delivery: "lastest" is not allowed; it must be every or latest; '
            'did you mean "latest"?',
            id="delivery that there is not",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {delivery: latest, window: 2s}\n",
            'trebuche.yaml:4: actors.Todo.window: "2s" is not allowed; it must be milliseconds from 50ms to 1000ms, '
            "such as 250ms",
            id="window in seconds",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {delivery: latest, window: 49ms}\n",
            'trebuche.yaml:4: actors.Todo.window: "49ms" is not allowed; it must be milliseconds from 50ms to 1000ms, '
            "such as 250ms",
            id="window that is too short",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {window: 250ms}\n",
            "trebuche.yaml:4: actors.Todo.window: a window goes with delivery: latest; with delivery: every, each "
            "value is delivered",
            id="window without latest",
        ),
        pytest.param(
            HEAD + "actors: [Todo]\n",
            'trebuche.yaml:3: actors: ["Todo"] is not allowed; it must be a mapping',
            id="actors that are no mapping",
        ),
        pytest.param(
            MINIMAL + "websocket: true\n",
            "trebuche.yaml:4: websocket: true is not allowed; it must be a mapping with the keys "
            "enabled, routes, stage",
            id="section that is no mapping",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {memory: 127}\n",
            "trebuche.yaml:4: actors.Todo.memory: 127 is not allowed; it must be a whole number of MB from 128 to "
            "10240",
            id="memory below",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {memory: 10241}\n",
            "trebuche.yaml:4: actors.Todo.memory: 10241 is not allowed; it must be a whole number of MB from 128 to "
            "10240",
            id="memory above",
        ),
        pytest.param(
            MINIMAL + 'defaults: {memory: "512"}\n',
            'trebuche.yaml:4: defaults.memory: "512" is not allowed; it must be a whole number of MB from 128 to 10240',
            id="memory as text",
        ),
        pytest.param(
            MINIMAL + "defaults: {memory: 512.5}\n",
            "trebuche.yaml:4: defaults.memory: 512.5 is not allowed; it must be a whole number of MB from 128 to 10240",
            id="memory with a fraction",
        ),
        pytest.param(
            MINIMAL + "defaults: {memory: true}\n",
            "trebuche.yaml:4: defaults.memory: true is not allowed; it must be a whole number of MB from 128 to 10240",
            id="memory as a flag",
        ),
        pytest.param(
            MINIMAL + "defaults: {timeout: 0}\n",
            "trebuche.yaml:4: defaults.timeout: 0 is not allowed; it must be a whole number of seconds from 1 to 900",
            id="timeout below",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo: {timeout: 901}\n",
            "trebuche.yaml:4: actors.Todo.timeout: 901 is not allowed; it must be a whole number of seconds from 1 to "
            "900",
            id="timeout above",
        ),
        pytest.param(
            HEAD + 'actors:\n  Todo: {stateful: "yes"}\n',
            'trebuche.yaml:4: actors.Todo.stateful: "yes" is not allowed; it must be true or false',
            id="flag as text",
        ),
        pytest.param(
            "name: my-app\nversion: 1\nactors: {}\n",
            'trebuche.yaml:2: version: 1 is not allowed; it must be "1", in quotes',
            id="version as a number",
        ),
        pytest.param(
            'name: my-app\nversion: "2"\nactors: {}\n',
            'trebuche.yaml:2: version: "2" is not allowed; it must be "1", in quotes',
            id="another version",
        ),
        pytest.param(
            MINIMAL + "defaults: {provider: awz}\n",
            'trebuche.yaml:4: defaults.provider: "awz" is not allowed; it must be "aws"; did you mean "aws"?',
            id="unknown provider",
        ),
        pytest.param(
            MINIMAL + "retention: {hours: 0}\n",
            "trebuche.yaml:4: retention.hours: 0 is not allowed; it must be a whole number of hours from 1 to 168",
            id="retention below",
        ),
        pytest.param(
            MINIMAL + "retention: {hours: 169}\n",
            "trebuche.yaml:4: retention.hours: 169 is not allowed; it must be a whole number of hours from 1 to 168",
            id="retention above",
        ),
        pytest.param(
            MINIMAL + "retention: {hours: 1.5}\n",
            "trebuche.yaml:4: retention.hours: 1.5 is not allowed; it must be a whole number of hours from 1 to 168",
            id="retention with a fraction",
        ),
        pytest.param(
            MINIMAL + 'retention: {hours: "24"}\n',
            'trebuche.yaml:4: retention.hours: "24" is not allowed; it must be a whole number of hours from 1 to 168',
            id="retention as text",
        ),
        pytest.param(
            MINIMAL + "retention: {hours: null}\n",
            "trebuche.yaml:4: retention.hours: null is not allowed; it must be a whole number of hours from 1 to 168",
            id="retention left empty",
        ),
        pytest.param(
            MINIMAL + "retention: {days: 7}\n",
            "trebuche.yaml:4: retention.days: unknown key; allowed here: hours",
            id="retention in days",
        ),
        pytest.param(
            MINIMAL + "defaults: {region: Frankfurt}\n",
            'trebuche.yaml:4: defaults.region: "Frankfurt" is not allowed; it must be the name of an AWS region, '
            "such as us-east-1",
            id="region's shape",
        ),
        pytest.param(
            MINIMAL + "websocket:\n  stage: $default\n",
            'trebuche.yaml:5: websocket.stage: "$default" is not allowed; it must be 1 to 128 letters, digits, hyphens '
            "and underscores ($default is for HTTP APIs)",
            id="stage $default",
        ),
        pytest.param(
            MINIMAL + "websocket: {routes: [$connect, $default]}\n",
            "trebuche.yaml:4: websocket.routes: $disconnect missing; it must list $connect, $disconnect, $default",
            id="route missing",
        ),
        pytest.param(
            MINIMAL + "websocket: {routes: [$connect, $disconnect, $default, $default]}\n",
            "trebuche.yaml:4: websocket.routes: a route is there twice; it must list $connect, $disconnect, $default "
            "once each",
            id="route twice",
        ),
        pytest.param(
            MINIMAL + "websocket: {routes: [$connect, $disconect, $default]}\n",
            'trebuche.yaml:4: websocket.routes[1]: "$disconect" is not allowed; it must be one of $connect, '
            '$disconnect, $default; did you mean "$disconnect"?',
            id="unknown route",
        ),
        pytest.param(
            MINIMAL + "websocket: {routes: $default}\n",
            'trebuche.yaml:4: websocket.routes: "$default" is not allowed; it must be a list',
            id="routes that are no list",
        ),
        pytest.param(
            MINIMAL + "state: {type: redis}\n",
            'trebuche.yaml:4: state.type: "redis" is not allowed; it must be "dynamodb"',
            id="another store",
        ),
        pytest.param(
            MINIMAL + "connections: {table: a b}\n",
            'trebuche.yaml:4: connections.table: "a b" is not allowed; it must be 3 to 255 letters, digits, hyphens, '
            "underscores and dots",
            id="table name",
        ),
        pytest.param(
            MINIMAL + "discovery: {type: consul}\n",
            'trebuche.yaml:4: discovery.type: "consul" is not allowed; it must be "cloudmap"',
            id="another registry",
        ),
        pytest.param(
            MINIMAL + "discovery: {namespace: a b}\n",
            'trebuche.yaml:4: discovery.namespace: "a b" is not allowed; it must be 1 to 255 letters, digits, hyphens, '
            "underscores and dots",
            id="namespace",
        ),
        pytest.param(
            MINIMAL + "state: {table: same}\nconnections: {table: same}\n",
            "trebuche.yaml:5: connections.table: same is already the name of state.table",
            id="one table for two uses",
        ),
        pytest.param(
            MINIMAL + "state: {table: my-app-journal}\n",
            "trebuche.yaml:4: state.table: my-app-journal is already the name of the journal's table",
            id="table name that is taken",
        ),
        pytest.param(
            'name: 9lives\nversion: "1"\nactors: {}\n',
            'trebuche.yaml:1: name: "9lives" is not allowed; it must be 1 to 40 letters, digits, hyphens and '
            "underscores, a letter first",
            id="name",
        ),
        pytest.param(
            f'name: {"a" * 41}\nversion: "1"\nactors: {{}}\n',
            f'trebuche.yaml:1: name: "{"a" * 41}" is not allowed; it must be 1 to 40 letters, digits, hyphens and '
            "underscores, a letter first",
            id="long name",
        ),
        pytest.param(
            HEAD + "actors: {todo-list: {}}\n",
            'trebuche.yaml:3: actors.todo-list: "todo-list" is not allowed; it must be the name of a Python class: '
            "up to 40 letters, digits and underscores, a letter first",
            id="actor's name",
        ),
        pytest.param(
            HEAD + "actors:\n  TodoList:\n  Todo_List:\n",
            "trebuche.yaml:5: actors.Todo_List: its function would have the name of TodoList's (…-actor-todo-list); "
            "rename one of them",
            id="two actors with one function name",
        ),
        pytest.param(
            'version: "1"\nactors: {}\n',
            "trebuche.yaml: name: missing; for example name: my-streaming-app",
            id="name missing",
        ),
        pytest.param(
            "name: my-app\nactors: {}\n",
            'trebuche.yaml: version: missing; for example version: "1"',
            id="version missing",
        ),
        pytest.param(
            HEAD,
            "trebuche.yaml: actors: missing; for example actors: {TodoList: {stateful: true}}",
            id="actors missing",
        ),
        pytest.param(
            "- a\n",
            "trebuche.yaml: it must be a mapping with the keys name, version, defaults, actors, websocket, state, "
            "connections, discovery, retention, auth, delivery, limits",
            id="a list",
        ),
        pytest.param(
            "",
            "trebuche.yaml: it must be a mapping with the keys name, version, defaults, actors, websocket, state, "
            "connections, discovery, retention, auth, delivery, limits",
            id="nothing",
        ),
        pytest.param(
            "name: [my-app\nversion: 1\n",
            "trebuche.yaml:2:8: not valid YAML: expected ',' or ']', but got ':'",
            id="not YAML",
        ),
        pytest.param(
            "name: a\n\tversion: 1\n",
            "trebuche.yaml:2:1: not valid YAML: found character '\\t' that cannot start any token",
            id="tab",
        ),
        pytest.param(
            "name: a\n---\nname: b\n",
            "trebuche.yaml:2:1: not valid YAML: but found another document",
            id="two documents",
        ),
        pytest.param(
            "name: a\x00\n",
            "trebuche.yaml: not valid YAML: unacceptable character #x0000: special characters are not allowed in "
            '"<unicode string>", position 7',
            id="zero byte",
        ),
        pytest.param(
            HEAD + "actors:\n  Todo:\n  Todo:\n",
            "trebuche.yaml:5:3: Todo is there twice (first on line 4)",
            id="key twice",
        ),
        pytest.param(
            HEAD + "actors: {on: {}}\n",
            "trebuche.yaml:3:10: on is not a text key; put it in quotes",
            id="key that YAML reads as a flag",
        ),
        pytest.param(
            HEAD + "actors: &all {Todo: *all}\n",
            "trebuche.yaml:3:9: anchors and aliases are not supported; write the value out",
            id="alias",
        ),
    ],
)
def test_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    """A mistake gives one line: file and line, key, what was given, what is allowed."""
    assert refusal(tmp_path, text) == [message]


def test_all_mistakes_are_listed(tmp_path: Path) -> None:
    """Several mistakes come at once, in the order of the file."""
    text = "name: 1\nversion: 1\ndefaults:\n  memory: 1\n  timeout: 1000\nactors: {}\nstate: {typ: dynamodb}\n"

    found = refusal(tmp_path, text)

    assert [line.split(": ")[:2] for line in found] == [
        ["trebuche.yaml:1", "name"],
        ["trebuche.yaml:2", "version"],
        ["trebuche.yaml:4", "defaults.memory"],
        ["trebuche.yaml:5", "defaults.timeout"],
        ["trebuche.yaml:7", "state.typ"],
    ]


def test_long_value_is_cut(tmp_path: Path) -> None:
    """A message stays readable whatever was given."""
    [line] = refusal(tmp_path, MINIMAL + f"state: {{type: {'x' * 500}}}\n")

    assert len(line) < 150


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is said with its path."""
    with pytest.raises(ConfigError, match=r"trebuche\.yaml: cannot be read \(No such file or directory: .*\)"):
        load_config(tmp_path / "trebuche.yaml")


def test_other_encoding_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named with their position."""
    file = tmp_path / "trebuche.yaml"
    file.write_bytes(b"name: caf\xe9\n")

    with pytest.raises(ConfigError, match=r"^trebuche\.yaml: not UTF-8 text \(byte 9\)$"):
        load_config(file)


def test_timeout_above_the_gateways_is_a_warning(tmp_path: Path) -> None:
    """More than 29 s deploys, and says what happens to a longer call."""
    config = load(tmp_path, HEAD + "actors:\n  A: {timeout: 29}\n  B: {timeout: 31}\ndefaults: {timeout: 30}\n")

    assert config.warnings == (
        "trebuche.yaml:6: defaults.timeout: 30 s is more than the 29 s that API Gateway waits; "
        "a longer call fails at the client while its function runs on",
        "trebuche.yaml:5: actors.B.timeout: 31 s is more than the 29 s that API Gateway waits; "
        "a longer call fails at the client while its function runs on",
    )


def test_no_gateway_no_warning(tmp_path: Path) -> None:
    """Without a WebSocket nobody waits for an answer."""
    assert load(tmp_path, MINIMAL + "websocket: {enabled: false}\n").warnings == ()
