"""The provider's own settings. They arrive as text; lists, maps and booleans as JSON."""

import difflib
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.provider.cloud import Cloud, Credentials
from sandbox.provider.errors import ProviderConfigError
from sandbox.provider.wire import has_unknown

HONOURED = frozenset(
    {
        "region",
        "accessKey",
        "secretKey",
        "token",
        "defaultTags",
        "allowedAccountIds",
        "forbiddenAccountIds",
        "endpoints",
    }
)
# They choose how the real provider finds and talks to AWS; on loopback there is nothing to choose.
WITHOUT_EFFECT = frozenset(
    {
        "customCaBundle", "ec2MetadataServiceEndpoint", "ec2MetadataServiceEndpointMode", "httpProxy", "httpsProxy",
        "insecure", "maxRetries", "noProxy", "profile", "retryMode", "s3UsEast1RegionalEndpoint", "s3UsePathStyle",
        "sharedConfigFiles", "sharedCredentialsFiles", "skipCredentialsValidation", "skipMetadataApiCheck",
        "skipRegionValidation", "skipRequestingAccountId", "stsRegion", "tokenBucketRateLimiterCapacity",
        "useDualstackEndpoint", "useFipsEndpoint", "userAgents",
    }
)  # fmt: skip
_BOTOCORE_NAMES = {
    "apigatewayv2": "apigatewayv2",
    "cloudwatchlogs": "logs",
    "lambda_": "lambda",
    "appautoscaling": "application-autoscaling",
    "applicationautoscaling": "application-autoscaling",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class ProviderConfig:
    """One provider instance's settings."""

    region: str
    credentials: Credentials
    default_tags: Mapping[str, str] = field(default_factory=dict)
    allowed_accounts: tuple[str, ...] = ()
    forbidden_accounts: tuple[str, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)


def sandbox_endpoint(environment: Mapping[str, str]) -> str:
    """The sandbox's address from the environment.

    Raises:
        ProviderConfigError: It is missing, or not on loopback.
    """
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    if not endpoint:
        raise ProviderConfigError(
            'AWS_ENDPOINT_URL is not set: start the sandbox and run `eval "$(trebuche sandbox env)"` in this shell'
        )
    return _loopback("AWS_ENDPOINT_URL", endpoint)


def _loopback(name: str, endpoint: str) -> str:
    if urllib.parse.urlsplit(endpoint).hostname not in _LOOPBACK:
        raise ProviderConfigError(
            f"{name} is {endpoint!r}: the sandbox's provider only works with an address on loopback (127.0.0.1)"
        )
    return endpoint


def refusals(props: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Provider settings that the sandbox does not have: (name, reason)."""
    known = HONOURED | WITHOUT_EFFECT
    return [
        (name, f"the sandbox's aws provider has no setting '{name}'; {_near(name)}")
        for name, value in props.items()
        if not name.startswith("__") and name not in (*known, "version", "pluginDownloadURL") and not _unset(value)
    ]


def _near(name: str) -> str:
    close = difflib.get_close_matches(name, HONOURED, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"it has {', '.join(sorted(HONOURED))}"


def _unset(value: Any) -> bool:
    return value in (None, "", "[]", "{}", "false", [], {}, False)


def parse(props: Mapping[str, Any], environment: Mapping[str, str]) -> ProviderConfig:
    """Settings from the engine, with the environment behind them.

    Raises:
        ProviderConfigError: A setting is unknown, not readable, or leads away from loopback.
    """
    for _, reason in refusals(props):
        raise ProviderConfigError(reason)
    tags = _structure("defaultTags", props)
    return ProviderConfig(
        region=_text(props, "region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        or "us-east-1",
        credentials=Credentials(
            access_key=_text(props, "accessKey") or environment.get("AWS_ACCESS_KEY_ID") or "test",
            secret_key=_text(props, "secretKey") or environment.get("AWS_SECRET_ACCESS_KEY") or "test",
            token=_text(props, "token") or None,
        ),
        default_tags={str(key): str(value) for key, value in ((tags or {}).get("tags") or {}).items()},
        allowed_accounts=tuple(map(_account_text, _structure("allowedAccountIds", props) or ())),
        forbidden_accounts=tuple(map(_account_text, _structure("forbiddenAccountIds", props) or ())),
        endpoints=_endpoints(_structure("endpoints", props)),
    )  # fmt: skip


def _text(props: Mapping[str, Any], name: str) -> str:
    value = props.get(name)
    return "" if value is None or has_unknown(value) else str(value)


def _account_text(account: object) -> str:
    # As a number in a stack file an account's id has lost its leading zeros.
    return str(account).zfill(12)


def _structure(name: str, props: Mapping[str, Any]) -> Any:
    value = props.get(name)
    if not isinstance(value, str):
        return value
    if not value or has_unknown(value):
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        raise ProviderConfigError(f"aws:{name} is not JSON: {error}") from error


def _endpoints(given: Any) -> dict[str, str]:
    # The SDK sends the endpoints as a list of one map.
    maps = given if isinstance(given, list) else [given] if given else []
    return {
        _BOTOCORE_NAMES.get(service, service): _loopback(f"aws:endpoints.{service}", url)
        for services in maps
        for service, url in services.items()
        if url
    }


def check_account(config: ProviderConfig, cloud: Cloud) -> None:
    """Refuse to work in an account that the stack does not allow.

    Raises:
        ProviderConfigError: The account is not among ``allowedAccountIds``, or among ``forbiddenAccountIds``.
    """
    if config.allowed_accounts and cloud.account not in config.allowed_accounts:
        allowed = ", ".join(config.allowed_accounts)
        raise ProviderConfigError(f"account {cloud.account} is not in aws:allowedAccountIds ({allowed})")
    if config.forbidden_accounts and cloud.account in config.forbidden_accounts:
        raise ProviderConfigError(f"account {cloud.account} is in aws:forbiddenAccountIds")
