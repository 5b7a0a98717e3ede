"""What a function's environment variables say about AWS: who signs, where services are.

Lambda sets credentials and region, and a deployment may set the addresses of services. Everything else that botocore
knows (profiles, files, proxies, other partitions) is out of the ordinary for a function and left to botocore.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from trebuche.immutable import immutable

_ORDINARY_REGION: Final = re.compile(r"(?:us|us-gov|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]")
"""Of the partitions ``aws`` and ``aws-us-gov``, whose services are below amazonaws.com (botocore, partitions.json)."""
EXTRAORDINARY: Final = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)


@immutable
class Identity:
    """Credentials of a function's role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)


@immutable
class Surroundings:
    """Who signs and where services are."""

    identity: Identity
    region: str
    addresses: Mapping[str, str] = field(hash=False)
    """By service as variables spell it (``DYNAMODB``), and by the empty name for all others."""
    with_host_prefix: bool = True

    def address(self, service: str, variable: str) -> str:
        """Address of a service, such as ``https://sqs.eu-central-1.amazonaws.com``.

        Args:
            service: As in its address.
            variable: As in the name of the variable that may say otherwise.
        """
        told = self.addresses.get(variable) or self.addresses.get("")
        return told or f"https://{service}.{self.region}.amazonaws.com"


def read_surroundings(environ: Mapping[str, str]) -> Surroundings | None:
    """What the variables of a function say; None where they, or the lack of them, are out of the ordinary."""
    region = environ.get("AWS_DEFAULT_REGION", "")
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    # Elsewhere files may say something, too.
    if "AWS_LAMBDA_FUNCTION_NAME" not in environ or any(environ.get(name) for name in EXTRAORDINARY):
        return None
    if not access_key or not secret_key or not _ORDINARY_REGION.fullmatch(region):
        return None
    start = "AWS_ENDPOINT_URL"
    addresses = {name[len(start) + 1 :]: value for name, value in environ.items() if name.startswith(start)}
    prefixed = environ.get("AWS_DISABLE_HOST_PREFIX_INJECTION", "").lower() != "true"
    identity = Identity(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)
    return Surroundings(identity, region, addresses, with_host_prefix=prefixed)
