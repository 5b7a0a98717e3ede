"""The stack's secret, out of AWS Secrets Manager."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from trebuche.adapters.failures import code_of, translated
from trebuche.auth.api_keys import SecretDocument, read_secret
from trebuche.errors import MalformedError, ServiceError


class SecretsClient(Protocol):
    """What is needed of botocore's client."""

    def get_secret_value(self, **request: str) -> Mapping[str, Any]:
        """The current value of ``SecretId``."""


def fetch_secret(client: Callable[[], SecretsClient], arn: str) -> SecretDocument:
    """The keys that there are now; none as long as nobody has made any.

    Raises:
        ServiceError: Secrets Manager does not answer, or the value is not what the command line writes.
    """
    with translated(f"secret {arn}"):
        try:
            answer = client().get_secret_value(SecretId=arn)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":  # a secret without a value, too
                return SecretDocument()
            raise
    try:
        return read_secret(str(answer.get("SecretString", "")))
    except MalformedError as error:
        raise ServiceError(f"secret {arn}: {error}") from error
