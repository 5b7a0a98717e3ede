"""A sample of what a stack's actors have stored: states, and the entries of their journals."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.account import CLIENT_CONFIG, speaking_to_aws
from cli.target import Target
from trebuche.contract import ACTOR_ID, ENTRY, SCHEMA, STATE, VERSION
from trebuche.received import exposed_name

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

STATES_PER_TYPE: Final = 200
JOURNALS_PER_TYPE: Final = 10
ENTRIES_PER_JOURNAL: Final = 5
_PAGES: Final = 20
"""Of 1 MB each at the most: a sample, not a copy."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored state, or one that a journal holds."""

    actor_id: str
    version: int
    schema: int
    state: str
    where: str
    """``state`` or ``journal``."""

    def __str__(self) -> str:
        return f"{self.where} of {self.actor_id}, version {self.version} (schema {self.schema})"

    def request(self) -> dict[str, Any]:
        """As ``trebuche.rehearsal`` takes it."""
        return {"actorId": self.actor_id, "state": self.state, "schema": self.schema}


@dataclass(frozen=True, slots=True)
class Samples:
    """What was taken.

    Args:
        by_type: Exposed name to its samples.
        damaged: Items that are no states, each with its key and what is wrong: no release can read them.
    """

    by_type: dict[str, list[Sample]]
    damaged: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.by_type.values()))


class DamagedItemError(Exception):
    """An item that is none of a table's own; the text names it."""


def take_samples(target: Target) -> Samples:
    """Samples of what a stack's actors have stored.

    Raises:
        CommandError: AWS refuses or cannot be reached.
    """
    outputs, found, damaged = target.deployment.outputs, dict[str, list[Sample]](), list[str]()
    with speaking_to_aws():
        client = target.session.client("dynamodb", config=CLIENT_CONFIG)
        for item in _states(client, outputs["state_table"]):
            try:
                sample = read_state(item)
            except DamagedItemError as error:
                damaged.append(f"{outputs['state_table']}: {error}")
            else:
                found.setdefault(exposed_name(sample.actor_id), []).append(sample)
        for samples in found.values():
            actors = [one.actor_id for one in samples[:JOURNALS_PER_TYPE]]
            samples += [entry for actor in actors for entry in _entries(client, outputs["journal_table"], actor)]
    return Samples(found, tuple(damaged))


def read_state(item: dict[str, Any]) -> Sample:
    """The sample in an item of the state table.

    Raises:
        DamagedItemError: It has no state, or no version.
    """
    return _sample(item, _member(item, VERSION, "N"), "state")


def _states(client: "DynamoDBClient", table: str) -> Iterator[dict[str, Any]]:
    counts: Counter[str] = Counter()
    pages = client.get_paginator("scan").paginate(TableName=table, PaginationConfig={"MaxItems": _PAGES * 1000})
    for number, page in enumerate(pages):
        for item in page["Items"]:
            kind = exposed_name(item[ACTOR_ID]["S"])
            counts[kind] += 1
            if counts[kind] <= STATES_PER_TYPE:
                yield item
        if number + 1 == _PAGES:
            return


def _entries(client: "DynamoDBClient", table: str, actor: str) -> Iterator[Sample]:
    found = client.query(
        TableName=table,
        KeyConditionExpression="#actor = :actor AND begins_with(#entry, :versions)",
        ExpressionAttributeNames={"#actor": ACTOR_ID, "#entry": ENTRY},
        ExpressionAttributeValues={":actor": {"S": actor}, ":versions": {"S": "v#"}},
        ScanIndexForward=False,
        Limit=ENTRIES_PER_JOURNAL,
    )
    for item in found["Items"]:
        if STATE in item:
            yield _sample(item, item[ENTRY]["S"].removeprefix("v#"), "journal")


def _sample(item: dict[str, Any], version: str, where: str) -> Sample:
    schema = int(_member(item, SCHEMA, "N")) if SCHEMA in item else 1
    state = bytes(_member(item, STATE, "B")).decode("utf-8", "replace")
    return Sample(item[ACTOR_ID]["S"], int(version), schema, state, where)


def _member(item: dict[str, Any], name: str, kind: str) -> Any:
    """An attribute of an item; somebody else's hand may have written it."""
    found = item.get(name)
    if found is None or kind not in found:
        key = item[ACTOR_ID]["S"]
        what = "it has none" if found is None else f"it is of type {next(iter(found))}"
        raise DamagedItemError(f"the item {key!r} is no state: {name} must be of type {kind}, and {what}")
    return found[kind]
