"""IAM roles and their policies. IAM is global: no row has a region."""
# ruff: noqa: ARG002 (a handler's signature is the table's)

import json
from typing import Any

from sandbox.provider.cloud import Scope, existing
from sandbox.provider.properties import BOOLEAN, POLICY, STRING, TAGS, Props, between
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import named, unnamed

_NAME = STRING.but(replaces=True, pattern=r"[\w+=,.@-]{1,128}")


class RoleHandler(Handler):
    """A role; deleting it takes policies along only with ``forceDetachPolicies``."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateRole with all there is."""
        optional = {
            "Description": inputs.get("description"),
            "MaxSessionDuration": inputs.get("maxSessionDuration"),
            "PermissionsBoundary": inputs.get("permissionsBoundary"),
        }
        scope.client("iam").create_role(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Path=inputs.get("path") or "/",
            Tags=named(inputs.get("tags")),
            **{key: value for key, value in optional.items() if value is not None},
        )
        return str(inputs["name"])

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """The role with its trust policy as text."""
        answer = existing(lambda: scope.client("iam").get_role(RoleName=ident))
        if answer is None:
            return None
        role = answer["Role"]
        tags = scope.client("iam").list_role_tags(RoleName=ident)["Tags"]
        return {
            "name": role["RoleName"],
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
            "path": role["Path"],
            "description": role.get("Description", ""),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            "tags": unnamed(tags),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """One call per kind of change."""
        client, new = scope.client("iam"), edit.new
        if edit.touches("assumeRolePolicy"):
            client.update_assume_role_policy(RoleName=ident, PolicyDocument=new["assumeRolePolicy"])
        if edit.touches("description"):
            client.update_role_description(RoleName=ident, Description=new.get("description") or "")
        if edit.touches("maxSessionDuration"):
            client.update_role(RoleName=ident, MaxSessionDuration=new.get("maxSessionDuration") or 3600)
        if edit.touches("permissionsBoundary"):
            self._bound(scope, ident, new.get("permissionsBoundary"))
        if edit.touches("tags"):
            added, removed = edit.tag_changes()
            if removed:
                client.untag_role(RoleName=ident, TagKeys=removed)
            if added:
                client.tag_role(RoleName=ident, Tags=named(added))

    def _bound(self, scope: Scope, ident: str, boundary: str | None) -> None:
        if boundary:
            scope.client("iam").put_role_permissions_boundary(RoleName=ident, PermissionsBoundary=boundary)
        else:
            scope.client("iam").delete_role_permissions_boundary(RoleName=ident)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteRole, after its policies when the program says so."""
        client = scope.client("iam")
        if state.get("forceDetachPolicies"):
            for policy in client.list_attached_role_policies(RoleName=ident)["AttachedPolicies"]:
                client.detach_role_policy(RoleName=ident, PolicyArn=policy["PolicyArn"])
            for name in client.list_role_policies(RoleName=ident)["PolicyNames"]:
                client.delete_role_policy(RoleName=ident, PolicyName=name)
        client.delete_role(RoleName=ident)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document, sort_keys=True)


class RolePolicyHandler(Handler):
    """A policy inside a role; id ``role:name``."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """PutRolePolicy."""
        self._put(scope, inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """The policy as it is in the role."""
        role, _, name = ident.partition(":")
        answer = existing(lambda: scope.client("iam").get_role_policy(RoleName=role, PolicyName=name))
        return answer and {"role": role, "name": name, "policy": _text(answer["PolicyDocument"])}

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """PutRolePolicy again."""
        if edit.changed:
            self._put(scope, edit.new)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteRolePolicy."""
        role, _, name = ident.partition(":")
        scope.client("iam").delete_role_policy(RoleName=role, PolicyName=name)

    def _put(self, scope: Scope, inputs: Props) -> None:
        scope.client("iam").put_role_policy(
            RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
        )


class AttachmentHandler(Handler):
    """A managed policy attached to a role; id ``role/policyArn``."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """AttachRolePolicy."""
        scope.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Whether it is attached."""
        role, _, arn = ident.partition("/")
        answer = existing(lambda: scope.client("iam").list_attached_role_policies(RoleName=role))
        attached = [policy["PolicyArn"] for policy in (answer or {}).get("AttachedPolicies", [])]
        return {"role": role, "policyArn": arn} if arn in attached else None

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DetachRolePolicy."""
        role, _, arn = ident.partition("/")
        scope.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


ROWS = (
    ResourceType(
        token="aws:iam/role:Role",
        fields={
            # A role's name is shorter than a policy's (IAM quotas).
            "name": _NAME.but(longest=64),
            "assumeRolePolicy": POLICY.but(required=True),
            "path": STRING.but(default="/", replaces=True),
            "description": STRING.but(longest=1000),
            "maxSessionDuration": between(3600, 43200).but(default=3600),
            "permissionsBoundary": STRING,
            "forceDetachPolicies": BOOLEAN.but(local=True),
            "tags": TAGS,
        },
        outputs=("arn", "uniqueId", "createDate", "tagsAll"),
        handler=RoleHandler(),
        autoname=Autoname(longest=64),
    ),
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        fields={
            "name": _NAME,
            "role": STRING.but(required=True, replaces=True),
            "policy": POLICY.but(required=True),
        },
        outputs=(),
        handler=RolePolicyHandler(),
        autoname=Autoname(longest=128),
    ),
    ResourceType(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        fields={
            "role": STRING.but(required=True, replaces=True),
            "policyArn": STRING.but(required=True, replaces=True),
        },
        outputs=(),
        handler=AttachmentHandler(),
    ),
)
