"""Properties as the engine sends them: unknowns, secrets, numbers.

The engine marks special values in a ``google.protobuf.Struct`` by signature keys and one sentinel string.
Assets and archives keep their wire form here; :mod:`sandbox.provider.archives` turns them into bytes.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2

from sandbox.provider.properties import Props

# The engine's own constants, as the SDK has them (pulumi.runtime.rpc).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
ASSET = "c44067f5952c0a294b673a41bacd8c17"


def decode(struct: struct_pb2.Struct) -> Props:
    """A Struct as plain data: secrets unwrapped, whole numbers as ints, nulls dropped, assets and unknowns kept."""
    return _plain_mapping(json_format.MessageToDict(struct))


def encode(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain data as a Struct; nothing that is None travels."""
    struct = struct_pb2.Struct()
    struct.update(_plain_mapping(props))
    return struct


def _plain_mapping(props: Mapping[str, Any]) -> Props:
    return {key: plain(value) for key, value in props.items() if value is not None}


def plain(value: Any) -> Any:
    """One wire value as plain data (see :func:`decode`)."""
    if isinstance(value, Mapping):
        signature = value.get(SIGNATURE)
        if signature == SECRET:
            return plain(value.get("value"))
        return dict(value) if signature in (ARCHIVE, ASSET) else _plain_mapping(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    # A Struct knows floats only.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_archive(value: object) -> bool:
    """Whether a value is an asset or an archive."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) in (ARCHIVE, ASSET)


def has_unknown(value: object) -> bool:
    """Whether a value, or anything inside it, is known only after the operation."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value == UNKNOWN
