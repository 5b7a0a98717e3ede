"""Lambda's quotas (developer guide, "Lambda quotas"), as the API measures them."""

from typing import Final

SYNC_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
ASYNC_PAYLOAD_BYTES: Final = 1024 * 1024
RESPONSE_BYTES: Final = 6 * 1024 * 1024 + 100
"""The service adds a little to 6 MB for answers; its error text names this number."""

MEMORY_MB: Final = (128, 10_240)
TIMEOUT_SECONDS: Final = (1, 900)
ARCHITECTURES: Final = ("x86_64", "arm64")
TEMPORARY_MB: Final = (512, 10_240)
NAME_CHARACTERS: Final = 64
"""Of a function's name; an ARN in its place may have more."""
ARN_CHARACTERS: Final = 140
HANDLER_CHARACTERS: Final = 128
DESCRIPTION_CHARACTERS: Final = 256
# API reference: the patterns that the errors repeat, and what the settings with few values may be.
NAME_PATTERN: Final = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
HANDLER_PATTERN: Final = r"[^\s]+"
ROLE_PATTERN: Final = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
VARIABLE_PATTERN: Final = r"[a-zA-Z]([a-zA-Z0-9_])+"
PACKAGE_TYPES: Final = ("Zip", "Image")
TRACING_MODES: Final = ("Active", "PassThrough")
LOG_FORMATS: Final = ("JSON", "Text")
RUNTIMES: Final = (
    "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x", "nodejs26.x",
    "java8.al2", "java8.al2023", "java11", "java11.al2023", "java17", "java17.al2023", "java21", "java25",
    "python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "python3.15",
    "dotnet6", "dotnet8", "dotnet10", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0",
    "provided.al2", "provided.al2023",
)  # fmt: skip
RUN_HERE: Final = ("python", "nodejs", "provided")
"""How the runtimes begin whose functions the sandbox runs."""
ENVIRONMENT_BYTES: Final = 4096
UPLOAD_BYTES: Final = 69_905_067
"""The longest request that carries code: a zip of 50 MB in base64."""

# Developer guide, "Defined runtime environment variables": a function cannot set these.
RESERVED_VARIABLES: Final = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip

RETRY_PAUSES_SECONDS: Final = (60.0, 120.0)
"""Before the second and the third attempt of an asynchronous invocation."""
ASYNC_ATTEMPTS_AGAIN: Final = 2
EVENT_AGE_SECONDS: Final = 6 * 3600
THROTTLED_PAUSES_SECONDS: Final = (1.0, 300.0)
"""First and longest pause of an asynchronous event for which there is no concurrency; it doubles in between."""
