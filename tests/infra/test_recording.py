"""The harness of these tests, which must not let a failure pass."""

import pytest
from pulumi_aws import sqs

from tests.infra.recording import Recording, deploy


def _fails(_value: object) -> None:
    raise AssertionError("seen")


def test_deploy_raises_what_the_program_raises() -> None:
    """A program that fails does not leave a recording that looks fine."""

    def program() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        deploy(program)


def test_deploy_raises_what_an_apply_raises() -> None:
    """An assertion inside an apply runs, and its failure comes out."""
    with pytest.raises(AssertionError, match="seen"):
        deploy(lambda: sqs.Queue("q").arn.apply(_fails))


def test_deploy_records_children_of_components() -> None:
    """A recording is complete: it waits for resources that wait for others."""

    def program() -> None:
        first = sqs.Queue("first")
        sqs.Queue("second", name=first.arn.apply(lambda arn: f"after-{arn}"))

    assert [one["name"] for one in deploy(program).inputs("aws:sqs/queue:Queue") if one] == ["after-arn:first"]


def test_inputs_fail_for_a_type_that_is_not_there() -> None:
    """Looking for a type that nobody made is a failure, not an empty loop."""
    with pytest.raises(AssertionError, match="no aws:sqs/queue:Queue"):
        Recording().inputs("aws:sqs/queue:Queue")


def test_one_fails_for_two_of_a_name() -> None:
    """A second resource of the same name cannot hide behind the first."""

    def program() -> None:
        sqs.Queue("q")
        sqs.Queue("q", name="other")

    with pytest.raises(ValueError, match="too many values"):
        deploy(program).one("q")


def test_a_recording_holds_what_came_before_a_failure() -> None:
    """Whether a failing program had made something can be seen."""
    recording = Recording()

    def program() -> None:
        sqs.Queue("q").arn.apply(_fails)

    with pytest.raises(AssertionError, match="seen"):
        deploy(program, into=recording)

    assert [one.name for one in recording.resources] == ["q"]
