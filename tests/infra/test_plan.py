"""What is checked before the first resource."""

from pathlib import Path

import pytest

from infra.plan import make_plan
from tests.infra.project import CONFIG, make_project, write
from trebuche.errors import ConfigError


def refusal(root: Path, stack: str = "dev", **config: str) -> list[str]:
    """The mistakes that a project is refused with."""
    with pytest.raises(ConfigError) as refused:
        make_plan(root, stack, {key.replace("__", ":"): value for key, value in config.items()})
    return str(refused.value).splitlines()


def test_stage_is_the_stack(tmp_path: Path) -> None:
    """Production alone has the stage of the file."""
    root = make_project(tmp_path, CONFIG + "websocket: {stage: live}\n")

    assert make_plan(root, "dev", {}).stage == "dev"
    assert make_plan(root, "production", {}).stage == "live"


def test_mistakes_of_all_files_come_at_once(tmp_path: Path) -> None:
    """Stack file, trebuche.yaml and actors are all read before anything is refused."""
    root = make_project(tmp_path, CONFIG.replace("1024", "1"))
    write(root, {"lambda_src/actors/todo_list.py": "class ("})

    found = refusal(root, trebuche__protect="maybe")

    assert [line.split(":")[0] for line in found] == [
        "Pulumi.dev.yaml",
        "trebuche.yaml",
        "lambda_src/actors/todo_list.py",
    ]


def test_refused_project_leaves_nothing(tmp_path: Path) -> None:
    """Nothing is built for what cannot be deployed."""
    root = make_project(tmp_path, CONFIG.replace("GameRoom", "Gameroom"))

    assert len(refusal(root)) == 2
    assert not (root / ".trebuche").exists()


def test_stack_name_is_checked_first(tmp_path: Path) -> None:
    """The name of a stack is part of every name."""
    assert refusal(make_project(tmp_path), "a.b") == [
        'stack "a.b": the name becomes the API\'s stage; it must be 1 to 64 letters, digits, hyphens and underscores'
    ]


def test_what_a_stack_refers_to_is_in_its_region(tmp_path: Path) -> None:
    """AWS would say so for each when half of the stack is made."""
    root = make_project(tmp_path)
    elsewhere = {
        "trebuche__encryptionKeyArn": "arn:aws:kms:ap-south-1:111122223333:key/0a",
        "trebuche__alarmTopicArn": "arn:aws:sns:ap-south-1:111122223333:alarms",
        "trebuche__domain": '{"name": "a.example.com", "certificateArn": '
        '"arn:aws:acm:ap-south-1:111122223333:certificate/0a"}',
    }

    assert refusal(root, **elsewhere, aws__region="us-west-2") == [
        f"Pulumi.dev.yaml: trebuche:{key}: it is in ap-south-1; it must be in the stack's region, us-west-2"
        for key in ("encryptionKeyArn", "alarmTopicArn", "domain.certificateArn")
    ]
    given = {key.replace("__", ":"): value for key, value in elsewhere.items()}
    assert make_plan(root, "dev", {**given, "aws:region": "ap-south-1"}).region == "ap-south-1"
