"""What Lambda refuses when a function is made or changed."""

import io
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, Json, eventually

INVALID = "InvalidParameterValueException"
SILENT = 'print("x")'


def refused(aws: Aws, **changes: Any) -> tuple[int, str, str]:
    """Status, name and text of the error that a configuration meets."""
    function = aws.function(SILENT)
    with pytest.raises(ClientError) as caught:
        aws.client("lambda").update_function_configuration(FunctionName=function.name, **changes)
    response: Json = dict(caught.value.response)
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def accepted(aws: Aws, **changes: Any) -> None:
    """A configuration that is within the limits."""
    aws.client("lambda").update_function_configuration(FunctionName=aws.function(SILENT).name, **changes)


def refused_creation(aws: Aws, **changes: Any) -> tuple[str, str]:
    """Name and text of the error that making a function meets."""
    request: Json = {
        "FunctionName": "refused",
        "Runtime": "python3.13",
        "Handler": "main.handle",
        "Role": aws.role(),
        "Code": {"ZipFile": b"x"},
    }
    with pytest.raises(ClientError) as caught:
        aws.client("lambda").create_function(**(request | changes))
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("memory", [127, 10_241])
def test_memory_outside_its_range_is_refused(aws: Aws, memory: int) -> None:
    """From 128 MB to 10,240 MB."""
    status, code, text = refused(aws, MemorySize=memory)
    assert (status, code) == (400, "ValidationException")
    assert f"Value '{memory}' at 'memorySize' failed to satisfy constraint" in text
    assert refused_creation(aws, MemorySize=memory)[0] == "ValidationException"


def test_memory_at_both_ends_is_taken(aws: Aws) -> None:
    """The limits themselves are allowed."""
    accepted(aws, MemorySize=128)
    accepted(aws, MemorySize=10_240)


@pytest.mark.parametrize("timeout", [0, 901])
def test_a_timeout_outside_its_range_is_refused(aws: Aws, timeout: int) -> None:
    """From a second to 15 minutes."""
    _, code, text = refused(aws, Timeout=timeout)
    assert code == "ValidationException"
    assert f"Value '{timeout}' at 'timeout'" in text
    accepted(aws, Timeout=900)


def test_an_unknown_architecture_is_refused(aws: Aws) -> None:
    """Lambda runs two, and a function has one."""
    code, text = refused_creation(aws, Architectures=["sparc"])
    assert code == "ValidationException"
    assert "at 'architectures'" in text
    assert refused_creation(aws, Architectures=["arm64", "x86_64"])[0] == "ValidationException"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x" * 65, f"Value '{'x' * 65}' at 'functionName' failed to satisfy constraint: Member must have length less "),
        ("two words", "at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern"),
        ("", "at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern"),
        (None, "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must "),
        ("ä b" + "x" * 64, "2 validation errors detected: Value 'ä b"),
    ],
    ids=["long", "blank", "empty", "none", "long and blank"],
)
def test_a_name_has_its_form(aws: Aws, name: str | None, text: str) -> None:
    """What is no name is refused before anything is made, with every rule that it breaks."""
    code, told = refused_creation(aws, FunctionName=name)
    assert code == "ValidationException"
    assert text in told


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"Handler": "main handle"}, "handler"),
        ({"Handler": "x" * 129}, "handler"),
        ({"Description": "x" * 257}, "description"),
        ({"EphemeralStorage": {"Size": 511}}, "ephemeralStorage.size"),
        ({"TracingConfig": {"Mode": "On"}}, "tracingConfig.mode"),
        ({"LoggingConfig": {"LogFormat": "XML"}}, "loggingConfig.logFormat"),
        ({"Role": "somebody"}, "role"),
    ],
)
def test_a_setting_has_its_form(aws: Aws, change: Json, place: str) -> None:
    """Making and changing a function refuse the same values by the same name."""
    status, code, text = refused(aws, **change)
    assert (status, code) == (400, "ValidationException")
    assert f"at '{place}' failed to satisfy constraint: Member must " in text
    assert refused_creation(aws, **change) == (code, text)


@pytest.mark.parametrize("name", ["1ST", "A", "WITH-HYPHEN", "_HIDDEN"])
def test_a_variables_name_has_its_form(aws: Aws, name: str) -> None:
    """A letter first, then letters, digits and underscores; what the variable is called stays untold."""
    _, code, text = refused(aws, Environment={"Variables": {name: "x"}})
    assert code == "ValidationException"
    assert "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy" in text


def test_an_unknown_runtime_is_refused(aws: Aws) -> None:
    """The text lists what there is."""
    code, text = refused_creation(aws, Runtime="python2.6")
    assert code == "InvalidParameterValueException"
    assert text.startswith(
        "Value python2.6 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set"
    )
    assert refused(aws, Runtime="python2.6")[1:] == (code, text)


@pytest.mark.parametrize("missing", ["Runtime", "Handler"])
def test_runtime_and_handler_are_mandatory(aws: Aws, missing: str) -> None:
    """Code in a zip does not run by itself."""
    assert refused_creation(aws, **{missing: None}) == (
        "InvalidParameterValueException",
        "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
    )


def test_an_environment_above_4_kb_is_refused(aws: Aws) -> None:
    """Names and values are counted together."""
    accepted(aws, Environment={"Variables": {"NAME": "x" * 4092}})
    _, code, text = refused(aws, Environment={"Variables": {"NAME": "x" * 4093}})
    assert code == "InvalidParameterValueException"
    assert "exceeded the 4KB limit" in text


def test_a_reserved_variable_is_refused(aws: Aws) -> None:
    """What Lambda sets itself cannot be set."""
    _, code, text = refused(aws, Environment={"Variables": {"AWS_REGION": "eu-west-1", "MINE": "x"}})
    assert code == "InvalidParameterValueException"
    assert "Reserved keys used in this request: AWS_REGION" in text


def test_a_zip_above_50_mb_is_refused(aws: Aws) -> None:
    """Larger packages go through S3."""
    code, text = refused_creation(aws, Code={"ZipFile": bytes(50 * 1024 * 1024 + 1)})
    assert code == "RequestEntityTooLargeException"
    assert text == "Request must be smaller than 69905067 bytes for the CreateFunction operation"


def test_a_role_that_is_not_there_is_refused(aws: Aws) -> None:
    """No function is made for it, and none is given it."""
    told = (INVALID, "The role defined for the function cannot be assumed by Lambda.")
    assert refused_creation(aws, Role=f"arn:aws:iam::{aws.account}:role/nobody") == told
    assert refused(aws, Role=f"arn:aws:iam::{aws.account}:role/nobody")[1:] == told


def test_what_was_refused_changes_nothing(aws: Aws) -> None:
    """A refused change leaves the function as it was."""
    function = aws.function(SILENT)
    with pytest.raises(ClientError):
        aws.functions.update_function_configuration(FunctionName=function.name, MemorySize=64, Description="new")
    found = eventually(lambda: aws.functions.get_function_configuration(FunctionName=function.name))
    assert (found["MemorySize"], found.get("Description", "")) == (128, "")


@pytest.mark.parametrize("runtime", ["java21", "ruby3.4", "dotnet8"])
def test_a_runtime_that_does_not_run_here_is_refused_by_name(aws: Aws, runtime: str) -> None:
    """Such a function would be answered for by the emulator, as if it had run."""
    code, text = refused_creation(aws, Runtime=runtime)
    assert code == "InvalidParameterValueException"
    assert text.startswith(f"The sandbox does not run {runtime}: ")
    assert refused(aws, Runtime=runtime)[1:] == (code, text)


def test_a_container_image_is_refused(aws: Aws) -> None:
    """There is no Docker that could run it."""
    image = {"PackageType": "Image", "Code": {"ImageUri": "repository"}, "Runtime": None, "Handler": None}
    code, text = refused_creation(aws, **image)
    assert (code, text.partition(":")[0]) == ("InvalidParameterValueException", "The sandbox runs no container images")


def test_code_above_250_mb_is_refused(aws: Aws) -> None:
    """However small its zip is; layers count, too."""
    code, text = refused_creation(aws, Code={"ZipFile": zip_of(251 << 20)})
    assert (code, text) == (INVALID, "Unzipped size must be smaller than 262144000 bytes")
    layer = aws.functions.publish_layer_version(LayerName="layer", Content={"ZipFile": zip_of(200 << 20)})
    assert refused(aws, Layers=[layer["LayerVersionArn"], second_layer(aws)])[1:] == (code, text)


def second_layer(aws: Aws) -> str:
    """ARN of a layer of 60 MB."""
    layer = aws.functions.publish_layer_version(LayerName="other", Content={"ZipFile": zip_of(60 << 20)})
    return layer["LayerVersionArn"]


def zip_of(size: int) -> bytes:
    """A zip of one file with so many zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()
