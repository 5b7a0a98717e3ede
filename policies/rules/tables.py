"""Rules about tables: keys, index, expiry, protection."""

from collections.abc import Iterator
from typing import Any, Final

from infra.naming import PRODUCTION
from policies.model import TABLE, UNKNOWN, WARNING, Node, Problem, Rule, Stack
from policies.program import tables
from policies.sources import BROADCASTING, DYNAMODB_GUIDE, page
from policies.traps import Trap, sprung
from trebuche.contract import (
    ACCESS_ID,
    ACTOR_ID,
    ACTOR_INDEX,
    CONNECTION_ID,
    ENTRY,
    ENV_ACCESS_TABLE,
    ENV_CONNECTION_TABLE,
    ENV_JOURNAL_TABLE,
    ENV_STATE_TABLE,
    ENV_SUBSCRIPTION_TABLE,
    STREAM_ID,
    STREAM_VIEW,
    TTL,
)

_KEYS: Final = {
    ENV_STATE_TABLE: (ACTOR_ID, ""),
    ENV_ACCESS_TABLE: (ACCESS_ID, ""),
    ENV_CONNECTION_TABLE: (CONNECTION_ID, ""),
    ENV_SUBSCRIPTION_TABLE: (ACTOR_ID, STREAM_ID),
    ENV_JOURNAL_TABLE: (ACTOR_ID, ENTRY),
}
_EXPIRING: Final = (ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE, ENV_JOURNAL_TABLE, ENV_ACCESS_TABLE)


def _keys(stack: Stack) -> Iterator[Problem]:
    for name, (hash_key, range_key) in _KEYS.items():
        for table in tables(stack, name):
            found = (table.text("hashKey"), table.text("rangeKey"))
            wanted = " and ".join(filter(None, (hash_key, range_key)))
            mend = f"key it by {wanted}, or name another table in {name}; a table's keys cannot be changed in place"
            if found != (hash_key, range_key):
                has = " and ".join(filter(None, found)) or "nothing"
                yield Problem(table, f"it is what {name} names, and is keyed by {has} instead of {wanted}", mend)
            yield from _attributes(table)


def _attributes(table: Node) -> Iterator[Problem]:
    """Keys of a table and its indexes are texts; DynamoDB takes those that are declared, and no others."""
    declared = {one.get("name"): one.get("type") for one in table.get("attributes") or ()}
    keys = {table.text("hashKey"), table.text("rangeKey")} - {""}
    for index in table.get("globalSecondaryIndexes") or ():
        keys |= set(_keys_of(index)) - {None, ""}
    for name in sorted(keys & declared.keys()):
        if declared[name] != "S":
            yield Problem(table, f"its key {name} is of type {declared[name]}, and functions write texts", "use S")
    if declared and (other := sorted(keys ^ declared.keys())):
        what = f"its attributes and its keys differ by {', '.join(other)}: DynamoDB refuses it"
        yield Problem(table, what, "declare the keys of the table and its indexes, and nothing else")


def _keys_of(index: Any) -> tuple[Any, Any]:
    """Hash and range key of an index; the SDK has two spellings, of which `hashKey` and `rangeKey` are the older."""
    keys = {one.get("keyType"): one.get("attributeName") for one in index.get("keySchemas") or ()}
    return index.get("hashKey") or keys.get("HASH"), index.get("rangeKey") or keys.get("RANGE")


def _index(stack: Stack) -> Iterator[Problem]:
    mend = f"give it the index {ACTOR_INDEX} with hash key {ACTOR_ID}, range key {STREAM_ID} and projection ALL"
    for table in tables(stack, ENV_CONNECTION_TABLE):
        indexes = {one.get("name"): one for one in table.get("globalSecondaryIndexes") or ()}
        index = indexes.get(ACTOR_INDEX)
        if index is None:
            yield Problem(table, f"it has no index {ACTOR_INDEX}: an actor's connections cannot be found", mend)
            continue
        hash_key, range_key = _keys_of(index)
        if (hash_key, range_key) != (ACTOR_ID, STREAM_ID):
            yield Problem(table, f"its index {ACTOR_INDEX} is keyed by {hash_key} and {range_key}", mend)
        if index.get("projectionType") != "ALL":
            yield Problem(table, f"its index {ACTOR_INDEX} projects {index.get('projectionType')}, not ALL", mend)


def _expiry(stack: Stack) -> Iterator[Problem]:
    for table in tables(stack, *_EXPIRING):
        if table.get("ttl", "enabled") is not True or table.get("ttl", "attributeName") != TTL:
            what = "its items never expire: what a lost $disconnect leaves behind stays, and is paid for"
            yield Problem(table, what, f"enable time to live on attribute {TTL} (seconds since 1970)")
    for table in tables(stack, ENV_STATE_TABLE):
        # States have no such attribute, so that time to live on it deletes nothing.
        if table.get("ttl", "enabled") is True and table.get("ttl", "attributeName") not in (TTL, UNKNOWN):
            what = f"DynamoDB deletes states by their attribute {table.get('ttl', 'attributeName')}, which is no time"
            yield Problem(table, what, f"turn time to live off, or name {TTL}")


def _state_stream(stack: Stack) -> Iterator[Problem]:
    mend = f"enable its stream with view type {STREAM_VIEW}"
    for table in tables(stack, ENV_STATE_TABLE):
        if table.get("streamEnabled") is not True:
            yield Problem(table, "its stream is off: changes of state reach no client", mend)
        elif table.get("streamViewType") != STREAM_VIEW:
            what = f"its stream shows {table.get('streamViewType')}: a change cannot be told from what was before"
            yield Problem(table, what, mend)


def _protection(stack: Stack) -> Iterator[Problem]:
    if stack.name != PRODUCTION:
        return
    for table in tables(stack, ENV_STATE_TABLE, ENV_JOURNAL_TABLE, ENV_CONNECTION_TABLE, ENV_SUBSCRIPTION_TABLE):
        if table.get("deletionProtectionEnabled") is not True:
            what = "production's table can be deleted by one call"
            yield Problem(table, what, "set deletionProtectionEnabled (trebuche:protect)")
        if not table.protect:
            what = "a renamed resource would have Pulumi delete production's table first and make it anew, empty"
            yield Problem(table, what, "set the resource option protect (trebuche:protect)")


def _restore(stack: Stack) -> Iterator[Problem]:
    if stack.name != PRODUCTION:
        return
    for table in tables(stack, ENV_STATE_TABLE, ENV_JOURNAL_TABLE):
        if table.get("pointInTimeRecovery", "enabled") is not True:
            what = "what a bug or a person deletes in production cannot be brought back"
            yield Problem(table, what, "enable pointInTimeRecovery (trebuche:pointInTimeRecovery)")


RULES: Final = (
    Rule(
        id="table-keys",
        title="Each table is keyed as the functions read it",
        sources=("docs/architecture.md: the tables", f"{DYNAMODB_GUIDE}: a key schema cannot be changed"),
        check=_keys,
    ),
    Rule(
        id="connection-index",
        title="The connections table has the index by actor",
        sources=(page(BROADCASTING, 4),),
        check=_index,
    ),
    Rule(
        id="time-to-live",
        title="Connections, subscriptions, the journal and used tickets expire",
        sources=(f"{DYNAMODB_GUIDE}: TTL; $disconnect is best effort",),
        check=_expiry,
    ),
    Rule(
        id="state-stream",
        title="The state table has a stream with both images",
        sources=(page(BROADCASTING, 1),),
        check=_state_stream,
    ),
    Rule(
        id="production-protection",
        title="Production's tables cannot be deleted by mistake",
        sources=(f"{DYNAMODB_GUIDE}: deletion protection", "docs/aws.md: Deploy"),
        check=_protection,
    ),
    Rule(
        id="point-in-time-recovery",
        title="Production's state and journal can be restored",
        sources=(f"{DYNAMODB_GUIDE}: point-in-time recovery",),
        severity=WARNING,
        check=_restore,
    ),
    Rule(
        id="table-class",
        title="Tables are of the class that is cheap to use",
        sources=(f"{DYNAMODB_GUIDE}: table classes",),
        severity=WARNING,
        check=sprung(
            Trap(
                type=TABLE,
                path=("tableClass",),
                bites=lambda value: value not in (None, "", "STANDARD"),
                what="its class is {value}: reads and writes cost a quarter more, and what is stored here is little",
                mend="set tableClass to STANDARD",
            )
        ),
        types=(TABLE,),
    ),
)
