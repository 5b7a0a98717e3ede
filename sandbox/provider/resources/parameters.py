"""SSM parameters."""

# ruff: noqa: ARG002 (a handler's signature is the table's)
from collections.abc import Mapping
from typing import Any

from sandbox.provider.checking import exactly_one
from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import (
    BOOLEAN,
    REGION,
    STRING,
    TAGS,
    Props,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed

_REPLACES = STRING.but(replaces=True)


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
            # Without tags: PutParameter takes none together with Overwrite.
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


ROWS = (
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
        rules=lambda inputs: exactly_one(inputs, "value", "insecureValue"),
    ),
)
