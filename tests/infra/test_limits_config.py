"""``limits:`` of trebuche.yaml."""

from pathlib import Path

import pytest

from infra.config import AppConfig, load_config
from tests.infra.conftest import Deploy
from tests.infra.project import CONFIG
from trebuche.auth.limits import Limits, Rate, read_limits
from trebuche.errors import ConfigError


def load(folder: Path, limits: str) -> AppConfig:
    """Read a configuration with these limits."""
    file = folder / "trebuche.yaml"
    file.write_text(f'name: my-app\nversion: "1"\nactors: {{}}\nlimits: {limits}\n', encoding="utf-8")
    return load_config(file)


def test_functions_read_what_the_program_writes(tmp_path: Path) -> None:
    """A burst that is not given is what two seconds of the rate are."""
    found = load(tmp_path, "{connection: {rate: 20}, principal: {rate: 50, burst: 60}, streams: 9}").limits

    assert read_limits(found.as_json) == Limits(connection=Rate(20.0, 40), principal=Rate(50.0, 60), streams=9)
    assert load(tmp_path, "{}").limits.as_json == ""


@pytest.mark.parametrize(
    ("limits", "mistake"),
    [
        ("{connection: 20}", "limits.connection: 20 is not allowed; it must be a mapping with the keys burst, rate"),
        ("{connection: {}}", "limits.connection.rate: missing; for example rate: 20"),
        ("{connection: {rate: 0}}", "it must be a whole number from 1 to 1000 (frames per second)"),
        (
            "{connection: {rate: 1001}}",
            "limits.connection.rate: 1001 is not allowed; it must be a whole number from 1 to 1000",
        ),
        (
            "{principal: {rate: 1001}}",
            "limits.principal.rate: 1001 is not allowed; it must be a whole number from 1 to 1000",
        ),
        ("{streams: 0}", "limits.streams: 0 is not allowed; it must be a whole number from 1 to 5000"),
        ("{argument_bytes: 10}", "it must be a whole number of bytes from 64 to 131072"),
        ("{stream: 5}", 'limits.stream: unknown key; did you mean "streams"?'),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(tmp_path: Path, limits: str, mistake: str) -> None:
    """File, key and rule, as everywhere."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, limits)

    assert str(refused.value).startswith("trebuche.yaml:4: ")
    assert mistake in str(refused.value)


def test_the_highest_rate_is_what_one_item_can_be_written(tmp_path: Path) -> None:
    """And twice that at once, if nothing else is said."""
    found = load(tmp_path, "{principal: {rate: 1000}}").limits

    assert read_limits(found.as_json) == Limits(principal=Rate(1000.0, 2000))


def test_whoever_takes_frames_is_told_the_limits(deployed: Deploy) -> None:
    """The websocket function too: it answers frames that no actor's function sees."""
    recording, _ = deployed(config=CONFIG + "limits: {streams: 9}\n")

    told = {
        one["name"]
        for one in recording.inputs("aws:lambda/function:Function")
        if one["environment"]["variables"].get("TREBUCHE_LIMITS") == '{"streams":9}'
    }
    assert told == {"my-app-dev-actor-todo-list", "my-app-dev-actor-game-room", "my-app-dev-websocket"}
