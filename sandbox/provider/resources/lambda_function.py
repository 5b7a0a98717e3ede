"""Lambda functions: code, configuration, versions and concurrency."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.functions.limits import ENVIRONMENT_BYTES, MEMORY_MB, RESERVED_VARIABLES, TIMEOUT_SECONDS
from sandbox.provider.archives import zip_bytes
from sandbox.provider.checking import Failure, mapping_of
from sandbox.provider.cloud import Scope, existing, patiently, until
from sandbox.provider.properties import (
    ARCHIVE,
    BOOLEAN,
    INTEGER,
    REGION,
    STRING,
    STRING_MAP,
    STRINGS,
    TAGS,
    Props,
    between,
    fields,
    list_of,
    one_of,
)
from sandbox.provider.table import Autoname, Edit, Handler, ResourceType
from sandbox.provider.translate import from_api, to_api
from sandbox.provider.wire import has_unknown

_READY_SECONDS = 60
_ROLE_SECONDS = 20  # on AWS a new role can take about ten seconds to be assumable
_CODE = frozenset({"code", "codeSha256", "sourceCodeHash", "s3Bucket", "s3Key", "s3ObjectVersion", "architectures"})
_NOT_CONFIGURATION = frozenset({*_CODE, "tags", "publish", "reservedConcurrentExecutions", "skipDestroy"})

_FIELDS = {
    "name": STRING.but(replaces=True, api="FunctionName", pattern=r"[A-Za-z0-9_-]{1,64}"),
    "role": STRING.but(required=True, pattern=r"arn:aws[a-zA-Z-]*:iam::\d{12}:role/.+"),
    "handler": STRING.but(longest=128),
    "runtime": one_of(
        "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "nodejs20.x", "nodejs22.x", "nodejs24.x",
        "provided.al2", "provided.al2023",
    ),
    "packageType": one_of("Zip").but(default="Zip", replaces=True),
    "code": ARCHIVE,
    "codeSha256": STRING.but(computed=True),
    "sourceCodeHash": STRING.but(local=True, computed=True),
    "s3Bucket": STRING.but(local=True),
    "s3Key": STRING.but(local=True),
    "s3ObjectVersion": STRING.but(local=True),
    "architectures": list_of(one_of("x86_64", "arm64")).but(computed=True),
    "description": STRING.but(longest=256),
    "memorySize": between(*MEMORY_MB).but(default=128),
    "timeout": between(*TIMEOUT_SECONDS).but(default=3),
    "environment": fields(variables=STRING_MAP),
    "layers": STRINGS,
    "ephemeralStorage": fields(size=between(512, 10240).but(computed=True)).but(computed=True),
    "tracingConfig": fields(mode=one_of("Active", "PassThrough").but(required=True)).but(computed=True),
    "loggingConfig": fields(
        logFormat=one_of("JSON", "Text").but(required=True),
        applicationLogLevel=one_of("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL").but(computed=True),
        systemLogLevel=one_of("DEBUG", "INFO", "WARN").but(computed=True),
        logGroup=STRING.but(computed=True),
    ).but(computed=True),
    "deadLetterConfig": fields(targetArn=STRING.but(required=True)),
    "snapStart": fields(applyOn=one_of("PublishedVersions").but(required=True)),
    "kmsKeyArn": STRING.but(api="KMSKeyArn"),
    "reservedConcurrentExecutions": INTEGER.but(default=-1, low=-1, local=True),
    "publish": BOOLEAN.but(local=True),
    "skipDestroy": BOOLEAN.but(local=True),
    "tags": TAGS,
    "region": REGION,
}  # fmt: skip
_CONFIGURATION = {name: member for name, member in _FIELDS.items() if name not in _NOT_CONFIGURATION}


def function_name(reference: object) -> object:
    """A function by name: an ARN of it is the same reference; a qualifier stays."""
    return reference.split(":function:", 1)[-1] if isinstance(reference, str) else reference


FUNCTION_REFERENCE = STRING.but(required=True, canonical=function_name)
"""A property that names a function, by name or by ARN."""


def invoke_arn(scope: Scope, arn: str) -> str:
    """What an API Gateway integration calls a function by."""
    # `lambda` stands where other ARNs have the account.
    return scope.arn("apigateway", f"lambda:path/2015-03-31/functions/{arn}/invocations", account=False).replace(
        "::lambda", ":lambda"
    )


def _rules(inputs: Mapping[str, Any]) -> Iterator[Failure]:
    """What CreateFunction refuses across properties."""
    if not inputs.get("code") and not inputs.get("s3Bucket"):
        yield Failure("code", "'code' (or 's3Bucket' and 's3Key') is required")
    if inputs.get("code") and inputs.get("s3Bucket"):
        yield Failure("code", "'code' and 's3Bucket' exclude each other")
    for name in ("handler", "runtime"):
        if not inputs.get(name):
            yield Failure(name, f"'{name}' is required for a zip package")
    yield from _variable_rules(mapping_of(mapping_of(inputs.get("environment")).get("variables")))
    logging = mapping_of(inputs.get("loggingConfig"))
    if logging.get("logFormat") == "Text" and (logging.get("applicationLogLevel") or logging.get("systemLogLevel")):
        yield Failure("loggingConfig", "log levels need 'logFormat' JSON")


def _variable_rules(variables: Mapping[str, Any]) -> Iterator[Failure]:
    for name in sorted(RESERVED_VARIABLES.intersection(variables)):
        yield Failure(f"environment.variables.{name}", f"'{name}' is reserved by Lambda and cannot be set")
    if not has_unknown(variables):
        size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
        if size > ENVIRONMENT_BYTES:
            limit = f"{size} bytes; Lambda allows {ENVIRONMENT_BYTES}"
            yield Failure("environment.variables", f"names and values of the environment have {limit}")


class FunctionHandler(Handler):
    """A function; with ``publish`` every change of code or configuration makes a version."""

    def create(self, scope: Scope, inputs: Props) -> str:
        """CreateFunction, repeated while a new role is not yet assumable."""
        request = {
            **to_api(_CONFIGURATION, inputs),
            "Code": _code(inputs),
            "Publish": bool(inputs.get("publish")),
            "Architectures": inputs.get("architectures") or ["x86_64"],
            "Tags": inputs.get("tags") or {},
        }
        patiently(
            lambda: scope.client("lambda").create_function(**request),
            codes=("InvalidParameterValueException",),
            saying=("assumed by Lambda",),
            seconds=_ROLE_SECONDS,
        )
        return str(inputs["name"])

    def settle(self, scope: Scope, ident: str, inputs: Props) -> None:
        """Wait until it is active, then reserve concurrency."""
        _ready(scope, ident)
        if inputs.get("reservedConcurrentExecutions", -1) >= 0:
            _reserve(scope, ident, inputs)

    def read(self, scope: Scope, ident: str, state: Props) -> Props | None:
        """Configuration, concurrency, tags and the latest version; code that was changed elsewhere is forgotten."""
        client = scope.client("lambda")
        answer = existing(lambda: client.get_function(FunctionName=ident))
        if answer is None:
            return None
        configuration = answer["Configuration"]
        return {
            **_configured(configuration),
            **_identities(scope, configuration["FunctionArn"], _latest(scope, ident)),
            **_code_drift(configuration, state),
            "reservedConcurrentExecutions": answer.get("Concurrency", {}).get("ReservedConcurrentExecutions", -1),
            "tags": answer.get("Tags", {}),
        }

    def update(self, scope: Scope, ident: str, edit: Edit) -> None:
        """Configuration, then code, then a version; each waited for, because Lambda takes one at a time."""
        client, changed = scope.client("lambda"), edit.changed
        configured, coded = bool(changed - _NOT_CONFIGURATION), bool(changed & _CODE)
        if configured:
            client.update_function_configuration(**{**_blanks(edit), **to_api(_CONFIGURATION, edit.new, _updatable())})
            _ready(scope, ident)
        if coded:
            architectures = edit.new.get("architectures") or edit.old.get("architectures") or ["x86_64"]
            client.update_function_code(FunctionName=ident, Architectures=architectures, **_code(edit.new))
            _ready(scope, ident)
        if edit.touches("reservedConcurrentExecutions"):
            _reserve(scope, ident, edit.new)
        if edit.touches("tags"):
            _retag(scope, str(edit.old["arn"]), edit)
        # Last: a version freezes code and configuration as they are by then.
        if edit.new.get("publish") and (configured or coded or edit.touches("publish")):
            client.publish_version(FunctionName=ident)

    def delete(self, scope: Scope, ident: str, state: Props) -> None:
        """DeleteFunction, with all versions."""
        if not state.get("skipDestroy"):
            scope.client("lambda").delete_function(FunctionName=ident)

    def moves(self, changed: frozenset[str], wanted: Mapping[str, Any]) -> frozenset[str]:
        """New code has a new hash; a new version has a new number and ARN."""
        coded, configured = bool(changed & _CODE), bool(changed - _NOT_CONFIGURATION)
        moving = {"codeSha256", "sourceCodeSize"} if coded else set()
        if coded or configured:
            moving.add("lastModified")
        if wanted.get("publish") and (coded or configured or "publish" in changed):
            moving |= {"version", "qualifiedArn", "qualifiedInvokeArn"}
        return frozenset(moving)


def _updatable() -> frozenset[str]:
    return frozenset(_CONFIGURATION) - {"packageType"}


def _blanks(edit: Edit) -> Props:
    """What clears a setting that the program dropped."""
    cleared: Props = {
        "memorySize": {"MemorySize": 128},
        "timeout": {"Timeout": 3},
        "description": {"Description": ""},
        "environment": {"Environment": {"Variables": {}}},
        "layers": {"Layers": []},
        "deadLetterConfig": {"DeadLetterConfig": {"TargetArn": ""}},
        "snapStart": {"SnapStart": {"ApplyOn": "None"}},
        "kmsKeyArn": {"KMSKeyArn": ""},
    }
    dropped = [name for name in cleared if name in edit.changed and not edit.new.get(name)]
    return {key: value for name in dropped for key, value in cleared[name].items()}


def _code(inputs: Props) -> Props:
    if inputs.get("s3Bucket"):
        names = {"s3Bucket": "S3Bucket", "s3Key": "S3Key", "s3ObjectVersion": "S3ObjectVersion"}
        return {api: inputs[name] for name, api in names.items() if inputs.get(name)}
    return {"ZipFile": zip_bytes(inputs["code"])}


def _configured(configuration: Props) -> Props:
    found = from_api(_CONFIGURATION, configuration)
    found["layers"] = [layer["Arn"] for layer in configuration.get("Layers", [])]
    found["architectures"] = configuration.get("Architectures", ["x86_64"])
    found["codeSha256"] = configuration["CodeSha256"]
    found["sourceCodeSize"] = configuration["CodeSize"]
    found["lastModified"] = configuration["LastModified"]
    # Where nobody asked for SnapStart AWS answers with the word None.
    if configuration.get("SnapStart", {}).get("ApplyOn", "None") == "None":
        found.pop("snapStart", None)
    return found


def _identities(scope: Scope, arn: str, version: str) -> Props:
    return {
        "arn": arn,
        "invokeArn": invoke_arn(scope, arn),
        "version": version,
        "qualifiedArn": f"{arn}:{version}",
        "qualifiedInvokeArn": invoke_arn(scope, f"{arn}:{version}"),
    }


def _latest(scope: Scope, ident: str) -> str:
    pages = scope.client("lambda").get_paginator("list_versions_by_function").paginate(FunctionName=ident)
    versions = [version["Version"] for page in pages for version in page["Versions"]]
    # As numbers: 10 comes after 9, and `$LATEST` before the first version.
    latest: str = max(versions, key=lambda version: int(version) if version.isdigit() else 0)
    return latest


def _code_drift(configuration: Props, state: Props) -> Props:
    """Code is not read back: where its hash is not the remembered one, the remembered code counts as gone."""
    remembered = state.get("codeSha256")
    drifted = remembered is not None and "lastModified" in state and remembered != configuration["CodeSha256"]
    return {"code": None} if drifted else {}


def _reserve(scope: Scope, ident: str, inputs: Props) -> None:
    reserved = inputs.get("reservedConcurrentExecutions", -1)
    client = scope.client("lambda")
    if reserved < 0:
        client.delete_function_concurrency(FunctionName=ident)
    else:
        client.put_function_concurrency(FunctionName=ident, ReservedConcurrentExecutions=reserved)


def _retag(scope: Scope, arn: str, edit: Edit) -> None:
    added, removed = edit.tag_changes()
    if removed:
        scope.client("lambda").untag_resource(Resource=arn, TagKeys=removed)
    if added:
        scope.client("lambda").tag_resource(Resource=arn, Tags=added)


def _ready(scope: Scope, ident: str) -> None:
    def settled() -> bool:
        now = scope.client("lambda").get_function_configuration(FunctionName=ident)
        states = (now.get("State", "Active"), now.get("LastUpdateStatus", "Successful"))
        return states == ("Active", "Successful")

    until(settled, seconds=_READY_SECONDS, waiting_for=f"function {ident} to be ready")


ROWS = (
    ResourceType(
        token="aws:lambda/function:Function",
        fields=_FIELDS,
        outputs=(
            "arn", "invokeArn", "version", "qualifiedArn", "qualifiedInvokeArn", "lastModified", "sourceCodeSize",
            "tagsAll",
        ),
        handler=FunctionHandler(),
        autoname=Autoname(longest=64),
        rules=_rules,
    ),
)  # fmt: skip
