"""Secrets and their values."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
import base64
import uuid

from sandbox.provider.checking import exactly_one
from sandbox.provider.cloud import Scope, existing, patiently
from sandbox.provider.properties import (
    INTEGER,
    POLICY,
    REGION,
    STRING,
    STRING_SET,
    TAGS,
    Props,
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
            saying=("scheduled for deletion",),
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
        # The token becomes the version's id (Secrets Manager API, PutSecretValue).
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
            # AWSCURRENT only moves to another version; it cannot be taken away.
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
        rules=lambda inputs: exactly_one(inputs, "secretString", "secretBinary", "secretStringWo"),
    ),
)
