"""KMS keys and their names."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    POLICY,
    REGION,
    STRING,
    TAGS,
    Props,
    between,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed

_REPLACES = STRING.but(replaces=True)


class KeyHandler(Handler):
    """A KMS key; deleting it schedules its deletion."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateKey."""
        optional = {
            "Policy": inputs.get("policy"),
            "Description": inputs.get("description"),
            "KeySpec": inputs.get("customerMasterKeySpec"),
            "KeyUsage": inputs.get("keyUsage"),
            "MultiRegion": inputs.get("multiRegion"),
        }
        request = {key: value for key, value in optional.items() if value}
        answer = scope.client("kms").create_key(**request, Tags=named(inputs.get("tags"), "TagKey", "TagValue"))
        return str(answer["KeyMetadata"]["KeyId"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Rotation, and whether it is enabled."""
        if inputs.get("enableKeyRotation"):
            self._rotate(scope, ident, inputs)
        if inputs.get("isEnabled") is False:
            scope.client("kms").disable_key(KeyId=ident)

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """DescribeKey, its policy and its rotation; one that is pending deletion is gone."""
        client = scope.client("kms")
        answer = existing(lambda: client.describe_key(KeyId=ident))
        if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        key, rotation = answer["KeyMetadata"], client.get_key_rotation_status(KeyId=ident)
        return {
            "arn": key["Arn"],
            "keyId": key["KeyId"],
            "description": key.get("Description", ""),
            "customerMasterKeySpec": key.get("KeySpec") or key.get("CustomerMasterKeySpec"),
            "keyUsage": key.get("KeyUsage"),
            "multiRegion": bool(key.get("MultiRegion")),
            "isEnabled": bool(key["Enabled"]),
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
            "policy": client.get_key_policy(KeyId=ident, PolicyName="default")["Policy"],
            "tags": unnamed(client.list_resource_tags(KeyId=ident).get("Tags"), "TagKey", "TagValue"),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One call per kind of change."""
        client, new = scope.client("kms"), edit.new
        if edit.touches("isEnabled"):
            (client.disable_key if new.get("isEnabled") is False else client.enable_key)(KeyId=ident)
        if edit.touches("enableKeyRotation", "rotationPeriodInDays"):
            self._rotate(scope, ident, new)
        if edit.touches("description"):
            client.update_key_description(KeyId=ident, Description=new.get("description") or "")
        if edit.touches("policy"):
            client.put_key_policy(KeyId=ident, PolicyName="default", Policy=new["policy"])
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_resource(KeyId=ident, TagKeys=removed)
            if added:
                client.tag_resource(KeyId=ident, Tags=named(added, "TagKey", "TagValue"))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """ScheduleKeyDeletion."""
        days = state.get("deletionWindowInDays", 30)
        scope.client("kms").schedule_key_deletion(KeyId=ident, PendingWindowInDays=days)

    def _rotate(self, scope: Scope, ident: str, inputs: Props) -> None:
        if inputs.get("enableKeyRotation"):
            period = inputs.get("rotationPeriodInDays")
            days = {"RotationPeriodInDays": period} if period else {}
            scope.client("kms").enable_key_rotation(KeyId=ident, **days)
        else:
            scope.client("kms").disable_key_rotation(KeyId=ident)


class KeyAliasHandler(Handler):
    """A name for a key; id is the name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateAlias."""
        scope.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Out of the list of aliases."""
        # KMS has no call that describes one alias.
        pages = scope.client("kms").get_paginator("list_aliases").paginate()
        found = next((a for page in pages for a in page["Aliases"] if a["AliasName"] == ident), None)
        if found is None:
            return None
        target = found["TargetKeyId"]
        return {
            "name": ident,
            "arn": found["AliasArn"],
            "targetKeyId": target,
            "targetKeyArn": scope.arn("kms", f"key/{target}"),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateAlias."""
        if edit.changed:
            scope.client("kms").update_alias(AliasName=ident, TargetKeyId=edit.new["targetKeyId"])

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteAlias."""
        scope.client("kms").delete_alias(AliasName=ident)


def _alias_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    if str(inputs.get("name", "")).startswith("alias/aws/"):
        yield Failure("name", "names that begin with alias/aws/ are AWS's own")


ROWS = (
    ResourceType(
        token="aws:kms/key:Key",
        fields={
            "description": STRING.but(computed=True, longest=8192),
            "policy": POLICY.but(computed=True),
            "enableKeyRotation": BOOLEAN,
            "rotationPeriodInDays": between(90, 2560).but(computed=True),
            "deletionWindowInDays": between(7, 30).but(local=True),
            "isEnabled": BOOLEAN.but(default=True),
            "multiRegion": BOOLEAN.but(replaces=True),
            "keyUsage": one_of("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT").but(
                default="ENCRYPT_DECRYPT", replaces=True
            ),
            "customerMasterKeySpec": STRING.but(default="SYMMETRIC_DEFAULT", replaces=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "keyId", "tagsAll"),
        handler=KeyHandler(),
    ),
    ResourceType(
        token="aws:kms/alias:Alias",
        fields={
            "name": _REPLACES.but(pattern=r"alias/[A-Za-z0-9/_-]{1,250}"),
            "targetKeyId": STRING.but(required=True, canonical=lambda key: str(key).rsplit("/", 1)[-1]),
            "region": REGION,
        },
        outputs=("arn", "targetKeyArn"),
        handler=KeyAliasHandler(),
        autoname=Autoname(longest=256, prefix="alias/"),
        rules=_alias_rules,
    ),
)
