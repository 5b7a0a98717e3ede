"""The services' models, whatever AWS settings the sandbox is started with."""

from pathlib import Path

import pytest

from sandbox.aws_models import service_model


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Models are read anew."""
    service_model.cache_clear()


def test_models_need_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that there is not is nothing to the sandbox, which asks nobody for keys."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "PutItem" in service_model("dynamodb").operation_names


def test_models_are_the_shipped_ones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not those of a folder that somebody's SDK is told to look into."""
    model = tmp_path / "dynamodb" / "2099-01-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text('{"metadata": {}, "operations": {}, "shapes": {}}')
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert "PutItem" in service_model("dynamodb").operation_names
