"""Secrets, keys and parameters."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import base64
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider.checking import Failure
from sandbox.provider.cloud import Scope, existing, patiently
from sandbox.provider.properties import (
    BOOLEAN,
    INTEGER,
    POLICY,
    REGION,
    STRING,
    STRING_SET,
    TAGS,
    Props,
    between,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed

_NAME_SECONDS = 20
_REPLACES = STRING.but(replaces=True)


class SecretHandler(Handler):
    """A secret without its value; id is its ARN."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateSecret, repeated while the name is being given free."""
        optional = {"KmsKeyId": inputs.get("kmsKeyId"), "Description": inputs.get("description")}
        request = {key: value for key, value in optional.items() if value}
        client = scope.client("secretsmanager")
        answer = patiently(
            lambda: client.create_secret(Name=inputs["name"], Tags=named(inputs.get("tags")), **request),
            codes=("InvalidRequestException",),
            saying="scheduled for deletion",
            seconds=_NAME_SECONDS,
        )
        return str(answer["ARN"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Attach the resource policy."""
        if inputs.get("policy"):
            scope.client("secretsmanager").put_resource_policy(SecretId=ident, ResourcePolicy=inputs["policy"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """DescribeSecret; one that is scheduled for deletion is gone."""
        client = scope.client("secretsmanager")
        answer = existing(lambda: client.describe_secret(SecretId=ident))
        if answer is None or answer.get("DeletedDate"):
            return None
        return {
            "name": answer["Name"],
            "arn": answer["ARN"],
            "description": answer.get("Description", ""),
            "kmsKeyId": answer.get("KmsKeyId", ""),
            "policy": client.get_resource_policy(SecretId=ident).get("ResourcePolicy", ""),
            "tags": unnamed(answer.get("Tags")),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """UpdateSecret, the policy, tags."""
        client, new = scope.client("secretsmanager"), edit.new
        if edit.touches("description", "kmsKeyId"):
            key = {"KmsKeyId": new["kmsKeyId"]} if new.get("kmsKeyId") else {}
            client.update_secret(SecretId=ident, Description=new.get("description") or "", **key)
        if edit.touches("policy"):
            if new.get("policy"):
                client.put_resource_policy(SecretId=ident, ResourcePolicy=new["policy"])
            else:
                client.delete_resource_policy(SecretId=ident)
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_resource(SecretId=ident, TagKeys=removed)
            if added:
                client.tag_resource(SecretId=ident, Tags=named(added))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteSecret at once (``recoveryWindowInDays`` 0) or after the window."""
        days = state.get("recoveryWindowInDays", 30)
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        scope.client("secretsmanager").delete_secret(SecretId=ident, **how)


class SecretVersionHandler(Handler):
    """A value of a secret; id ``secret|version``."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """PutSecretValue."""
        binary = inputs.get("secretBinary")
        text = inputs.get("secretStringWo") or inputs.get("secretString") or ""
        value = {"SecretBinary": base64.b64decode(binary)} if binary else {"SecretString": text}
        stages = {"VersionStages": inputs["versionStages"]} if inputs.get("versionStages") else {}
        answer = scope.client("secretsmanager").put_secret_value(
            SecretId=inputs["secretId"], ClientRequestToken=str(uuid.uuid4()), **value, **stages
        )
        return f"{inputs['secretId']}|{answer['VersionId']}"

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetSecretValue of this version; write-only values stay out."""
        secret, _, version = ident.rpartition("|")
        client = scope.client("secretsmanager")
        answer = existing(lambda: client.get_secret_value(SecretId=secret, VersionId=version))
        if answer is None:
            return None
        hidden = state.get("secretStringWoVersion") is not None
        binary = answer.get("SecretBinary")
        return {
            "secretId": secret,
            "arn": answer["ARN"],
            "secretArn": answer["ARN"],
            "versionId": version,
            "versionStages": answer.get("VersionStages", []),
            "hasSecretStringWo": hidden,
            "secretString": None if hidden else answer.get("SecretString"),
            "secretBinary": base64.b64encode(binary).decode() if binary else None,
            "secretStringWo": None,
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Stages move in place."""
        secret, _, version = ident.rpartition("|")
        client = scope.client("secretsmanager")
        if edit.touches("versionStages"):
            old, new = set(edit.old.get("versionStages") or []), set(edit.new.get("versionStages") or [])
            for stage in sorted(new - old):
                client.update_secret_version_stage(SecretId=secret, VersionStage=stage, MoveToVersionId=version)
            for stage in sorted(old - new - {"AWSCURRENT"}):
                client.update_secret_version_stage(SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """Take the version's stages away; AWSCURRENT cannot be taken."""
        secret, _, version = ident.rpartition("|")
        for stage in state.get("versionStages") or []:
            if stage != "AWSCURRENT":
                scope.client("secretsmanager").update_secret_version_stage(
                    SecretId=secret, VersionStage=stage, RemoveFromVersionId=version
                )


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


class ParameterHandler(Handler):
    """A parameter; id is its name."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """PutParameter."""
        scope.client("ssm").put_parameter(**_parameter(inputs), Tags=named(inputs.get("tags")))
        return str(inputs["name"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """GetParameter and what only DescribeParameters tells."""
        client = scope.client("ssm")
        answer = existing(lambda: client.get_parameter(Name=ident, WithDecryption=True))
        if answer is None:
            return None
        filters = [{"Key": "Name", "Option": "Equals", "Values": [ident]}]
        described = client.describe_parameters(ParameterFilters=filters)["Parameters"]
        about, parameter = (described or [{}])[0], answer["Parameter"]
        plain = "insecureValue" if state.get("insecureValue") is not None else "value"
        tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=ident).get("TagList")
        return {
            "name": parameter["Name"],
            "type": parameter["Type"],
            plain: parameter["Value"],
            "arn": parameter["ARN"],
            "version": parameter["Version"],
            "dataType": parameter.get("DataType", "text"),
            "description": about.get("Description", ""),
            "tier": about.get("Tier", "Standard"),
            "keyId": about.get("KeyId", ""),
            "allowedPattern": about.get("AllowedPattern", ""),
            "tags": unnamed(tags),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """PutParameter over it; tags on their own."""
        client = scope.client("ssm")
        if edit.changed - {"tags", "overwrite"}:
            client.put_parameter(**{**_parameter(edit.new), "Overwrite": True})
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=ident, TagKeys=removed)
            if added:
                client.add_tags_to_resource(ResourceType="Parameter", ResourceId=ident, Tags=named(added))

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteParameter."""
        scope.client("ssm").delete_parameter(Name=ident)

    def moves(self, changed: frozenset[str], wanted: Mapping[str, Any]) -> frozenset[str]:
        """Every put counts the version up."""
        return frozenset({"version"} if changed - {"tags", "overwrite"} else ())


def _parameter(inputs: Props) -> Props:
    optional = {
        "Description": inputs.get("description"),
        "KeyId": inputs.get("keyId"),
        "AllowedPattern": inputs.get("allowedPattern"),
        "Tier": inputs.get("tier"),
        "DataType": inputs.get("dataType"),
    }
    given = {key: value for key, value in optional.items() if value}
    value = inputs.get("value") if inputs.get("value") is not None else inputs.get("insecureValue")
    return {"Name": inputs["name"], "Type": inputs["type"], "Value": value, **given}


def _one_value(inputs: Mapping[str, Any], *names: str) -> Iterator[Failure]:
    given = [name for name in names if inputs.get(name) is not None]
    if len(given) != 1:
        yield Failure(names[0], f"exactly one of {', '.join(names)} is needed, not {' and '.join(given) or 'none'}")


def _alias_rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    if str(inputs.get("name", "")).startswith("alias/aws/"):
        yield Failure("name", "names that begin with alias/aws/ are AWS's own")


ROWS = (
    ResourceType(
        token="aws:secretsmanager/secret:Secret",
        fields={
            "name": _REPLACES.but(pattern=r"[A-Za-z0-9/_+=.@-]{1,512}"),
            "description": STRING.but(longest=2048),
            "kmsKeyId": STRING,
            "policy": POLICY.but(computed=True),
            "recoveryWindowInDays": INTEGER.but(local=True, choices=(0, *range(7, 31)), default=30),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "tagsAll"),
        handler=SecretHandler(),
        autoname=Autoname(longest=512),
    ),
    ResourceType(
        token="aws:secretsmanager/secretVersion:SecretVersion",
        fields={
            "secretId": _REPLACES.but(required=True),
            "secretString": _REPLACES.but(longest=65536),
            "secretBinary": _REPLACES,
            "secretStringWo": STRING.but(local=True, computed=True),
            "secretStringWoVersion": INTEGER.but(local=True, replaces=True),
            "versionStages": STRING_SET.but(computed=True),
            "region": REGION,
        },
        outputs=("arn", "secretArn", "versionId", "hasSecretStringWo"),
        handler=SecretVersionHandler(),
        rules=lambda inputs: _one_value(inputs, "secretString", "secretBinary", "secretStringWo"),
    ),
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
    ResourceType(
        token="aws:ssm/parameter:Parameter",
        fields={
            "name": _REPLACES.but(pattern=r"[A-Za-z0-9_.\-/]{1,2048}"),
            "type": one_of("String", "StringList", "SecureString").but(required=True),
            "value": STRING,
            "insecureValue": STRING,
            "description": STRING.but(longest=1024),
            "keyId": STRING.but(computed=True),
            "allowedPattern": STRING.but(longest=1024),
            "tier": one_of("Standard", "Advanced", "Intelligent-Tiering").but(computed=True),
            "dataType": one_of("text", "aws:ec2:image").but(computed=True, replaces=True),
            "overwrite": BOOLEAN.but(local=True),
            "tags": TAGS,
            "region": REGION,
        },
        outputs=("arn", "version", "tagsAll"),
        handler=ParameterHandler(),
        autoname=Autoname(longest=2048),
        rules=lambda inputs: _one_value(inputs, "value", "insecureValue"),
    ),
)
