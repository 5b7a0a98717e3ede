"""``trebuche deploy`` and ``trebuche undeploy`` with a fake Pulumi and moto's AWS."""

import json
from pathlib import Path

import pytest

from cli.asking import Asker
from cli.deploy import DeployRequest, deploy_and_print, result_lines
from cli.deployment import Deployment
from cli.errors import CommandError
from cli.main import main
from cli.undeploy import undeploy_and_print
from tests.cli.stack_workshop import (
    ACCOUNT,
    REGION,
    StackWorkshop,
    TerminalInput,
    functions,
    outputs,
    resource,
    state,
)
from trebuche.errors import ConfigError

TABLE = "aws:dynamodb/table:Table"


def _deploy(
    workshop: StackWorkshop, request: DeployRequest | None = None, *, answer: str = "", yes: bool = True
) -> int:
    asker = Asker(yes=yes, stdin=TerminalInput(answer))
    return deploy_and_print(workshop.output(), workshop.stack, request or DeployRequest(), asker)


def test_the_pages_five_lines(workshop: StackWorkshop) -> None:
    """A deploy of ``name: my-app`` prints what the page shows, and nothing else, on standard output."""
    assert _deploy(workshop) == 0
    assert workshop.printed.splitlines() == [
        f"✓ Lambda: arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-app-websocket",
        f"✓ API Gateway: wss://abc123.execute-api.{REGION}.amazonaws.com/production",
        "✓ DynamoDB: my-app-actor-state",
        "✓ DynamoDB: my-app-connections",
        "✓ DynamoDB Streams: Enabled",
    ]


def test_without_websocket_the_actors_functions_are_named() -> None:
    """There is no API and no connections table to tell of then."""
    exported = {"functions": {"actor-todo-list": functions()["actor-todo-list"]}, "state_table": "my-app-actor-state"}
    lines = result_lines(Deployment.of(state(exported={**exported, "stream_enabled": False})))
    assert lines == [
        f"Lambda: arn:aws:lambda:{REGION}:{ACCOUNT}:function:my-app-actor-todo-list",
        "DynamoDB: my-app-actor-state",
        "DynamoDB Streams: Disabled",
    ]


def test_account_region_and_changes_are_shown_before_the_question(workshop: StackWorkshop) -> None:
    """Whoever answers has read where it goes and what it does."""
    (workshop.root / "Pulumi.production.yaml").write_text(
        f'config:\n  aws:allowedAccountIds: ["{ACCOUNT}", "999999999999"]\n'
    )
    assert _deploy(workshop, answer="yes\n", yes=False) == 0
    before = workshop.told.split("Type 'yes'")[0]
    for text in ("production", ACCOUNT, "allowed: 123456789012, 999999999999", REGION, "3 to create"):
        assert text in before


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n", ""])
def test_any_answer_but_yes_deploys_nothing(workshop: StackWorkshop, answer: str) -> None:
    """Neither AWS, nor the backend, nor the stack file is any different afterwards."""
    assert _deploy(workshop, DeployRequest(region="us-west-2"), answer=answer, yes=False) == 1
    assert workshop.calls("up") == []
    assert not (workshop.folder / "exists").exists()
    assert not (workshop.root / "Pulumi.production.yaml").exists()
    assert workshop.printed == ""


def test_dry_run_shows_the_tree_and_leaves_no_trace(workshop: StackWorkshop) -> None:
    """Components and what is below them, and a stack that is as new as before."""
    file = workshop.root / "Pulumi.production.yaml"
    file.write_text("config:\n  trebuche:logRetentionDays: 90\n")
    assert _deploy(workshop, DeployRequest(dry_run=True, verbose=True, region="us-west-2"), yes=False) == 0
    lines = workshop.printed.splitlines()
    assert "Region:   us-west-2" in lines
    assert lines[-3:] == [
        "+ trebuche-production  pulumi:pulumi:Stack",
        "+    app-state  trebuche:aws:StateTable",
        "+       app-state-table  aws:dynamodb/table:Table",
    ]
    assert file.read_text() == "config:\n  trebuche:logRetentionDays: 90\n"
    assert not (workshop.folder / "exists").exists()


@pytest.mark.parametrize("verbose", [True, False])
def test_verbose_tells_each_step_as_it_ends(workshop: StackWorkshop, *, verbose: bool) -> None:
    """On standard error, so that the page's five lines are still all there is on standard output."""
    assert _deploy(workshop, DeployRequest(verbose=verbose)) == 0
    assert ("  z  aws:sqs/queue:Queue  created (0.0 s)" in workshop.told.splitlines()) is verbose
    assert len(workshop.printed.splitlines()) == 5


def test_region_is_written_to_the_stack_file(workshop: StackWorkshop) -> None:
    """--region sets the stack's ``aws:region``, where Pulumi finds it the next time."""
    workshop.holds(state(), deployed=False)
    assert _deploy(workshop, DeployRequest(region="us-west-2")) == 0
    assert "aws:region: us-west-2" in (workshop.root / "Pulumi.production.yaml").read_text()


def test_region_of_a_deployed_stack_stays(workshop: StackWorkshop) -> None:
    """Moving would make every table anew, empty."""
    workshop.holds(state(resource(TABLE, "my-app-actor-state")))
    with pytest.raises(CommandError, match="is deployed in eu-west-1 and cannot move to us-west-2"):
        _deploy(workshop, DeployRequest(region="us-west-2"))
    assert workshop.calls("up") == []


def test_region_that_is_none_is_refused(workshop: StackWorkshop) -> None:
    """The message names the key and an example; nothing was written."""
    with pytest.raises(ConfigError, match=r"aws:region.*us-east-1"):
        _deploy(workshop, DeployRequest(region="virginia"))
    assert not (workshop.root / "Pulumi.production.yaml").exists()


def test_account_that_the_stack_file_does_not_allow_is_refused(workshop: StackWorkshop) -> None:
    """Production's credentials are not those at hand: nothing is even previewed."""
    (workshop.root / "Pulumi.production.yaml").write_text('config:\n  aws:allowedAccountIds: ["999999999999"]\n')
    with pytest.raises(CommandError, match=r"123456789012.*999999999999 only"):
        _deploy(workshop)
    assert workshop.calls("up", "preview") == []


def test_failed_deploy_tells_the_engines_words(workshop: StackWorkshop) -> None:
    """What Pulumi says is passed on, with what to do next."""
    workshop.refuses("up", "quota exceeded")
    with pytest.raises(CommandError, match=r"quota exceeded\nWhat was made stays.*deploy again"):
        _deploy(workshop)
    assert workshop.printed == ""


def test_program_that_refuses_leaves_no_stack_behind(workshop: StackWorkshop) -> None:
    """A mistake that only the program sees comes up in the preview, before anything is made."""
    workshop.refuses("preview", "trebuche.yaml:3: wrong")
    with pytest.raises(CommandError, match=r"^trebuche\.yaml:3: wrong$"):
        _deploy(workshop)
    assert workshop.calls("up") == []
    assert not (workshop.folder / "exists").exists()


def test_missing_trebuche_yaml_names_the_command_that_writes_one(workshop: StackWorkshop) -> None:
    """Nothing is asked of Pulumi or AWS before."""
    (workshop.root / "trebuche.yaml").unlink()
    with pytest.raises(CommandError, match="trebuche init"):
        _deploy(workshop)
    assert not (workshop.folder / "calls.jsonl").exists()


def test_document_for_programs(workshop: StackWorkshop) -> None:
    """One document with where, what changed and the outputs."""
    output = workshop.output(as_json=True)
    assert deploy_and_print(output, workshop.stack, DeployRequest(), Asker(yes=True)) == 0
    assert json.loads(workshop.printed) == {
        "stack": "production",
        "account": ACCOUNT,
        "region": REGION,
        "changes": {"create": 3},
        "outputs": outputs(),
    }


@pytest.mark.parametrize("command", ["deploy", "undeploy"])
def test_without_a_terminal_and_without_yes_it_is_wrong_usage(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that names the option, exit code 2."""
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115, PTH123 - closed with the process's own
    assert main([command]) == 2
    printed = capsys.readouterr().err.strip()
    assert len(printed.splitlines()) == 1
    assert "--yes" in printed


def test_examples_of_a_help_text_stand_on_lines_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """They can be copied."""
    assert main(["deploy", "--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "trebuche deploy --dry-run --verbose" in lines
    assert r"\b" not in " ".join(lines)


def test_other_provider_is_refused_with_what_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    """There is one."""
    assert main(["deploy", "--provider", "fly"]) == 2
    assert "'aws'" in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["no\n", "YES\n", "y\n", ""])
def test_undeploy_really_stops_on_any_other_answer(workshop: StackWorkshop, answer: str) -> None:
    """The list is shown, and nothing is touched."""
    workshop.holds(state(resource(TABLE, "my-app-actor-state")))
    assert undeploy_and_print(workshop.output(), workshop.stack, Asker(yes=False, stdin=TerminalInput(answer))) == 1
    assert "Table my-app-actor-state and everything stored in it" in workshop.told
    assert "Cancelled. Nothing was touched." in workshop.told
    assert workshop.calls("destroy") == []


def test_undeploy_destroys_after_yes(workshop: StackWorkshop) -> None:
    """The engine's destroy, and nothing else."""
    workshop.holds(state(resource(TABLE, "my-app-actor-state")))
    asker = Asker(yes=False, stdin=TerminalInput("yes\n"))
    assert undeploy_and_print(workshop.output(), workshop.stack, asker) == 0
    assert len(workshop.calls("destroy")) == 1
    assert workshop.printed == "✓ Removed: 1 resources of stack production\n"


def test_undeploy_of_a_protected_stack_says_the_step(workshop: StackWorkshop) -> None:
    """--yes does not unlock it."""
    workshop.holds(state(resource(TABLE, "my-app-actor-state", protect=True)))
    with pytest.raises(CommandError, match="pulumi config set trebuche:protect never --stack production"):
        undeploy_and_print(workshop.output(), workshop.stack, Asker(yes=True))
    assert workshop.calls("destroy") == []


def test_undeploy_of_another_account_is_refused(workshop: StackWorkshop) -> None:
    """Credentials of the wrong account touch nothing."""
    document = json.dumps(state(resource(TABLE, "my-app-actor-state"))).replace(ACCOUNT, "999999999999")
    workshop.holds(json.loads(document))
    with pytest.raises(CommandError, match="deployed in account 999999999999"):
        undeploy_and_print(workshop.output(), workshop.stack, Asker(yes=True))


def test_undeploy_of_what_is_not_there_says_so(workshop: StackWorkshop) -> None:
    """No stack, no question."""
    with pytest.raises(CommandError, match="is not deployed"):
        undeploy_and_print(workshop.output(), workshop.stack, Asker(yes=True))


def test_no_pulumi_on_path_names_two_ways_to_one(tmp_path: Path) -> None:
    """Installing it, or the sandbox's."""
    from cli.pulumi_stack import PulumiStack

    with pytest.raises(CommandError, match=r"docs/aws\.md.*trebuche sandbox env"):
        PulumiStack(tmp_path, "production", {"PATH": str(tmp_path)}).state()
