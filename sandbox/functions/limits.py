"""Lambda's quotas (developer guide, "Lambda quotas"), as the API measures them."""

from typing import Final

SYNC_PAYLOAD_BYTES: Final = 6 * 1024 * 1024
ASYNC_PAYLOAD_BYTES: Final = 1024 * 1024
RESPONSE_BYTES: Final = 6 * 1024 * 1024 + 100
"""The service adds a little to 6 MB for answers; its error text names this number."""

MEMORY_MB: Final = (128, 10_240)
TIMEOUT_SECONDS: Final = (1, 900)
ARCHITECTURES: Final = ("x86_64", "arm64")
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
