"""The variables with which a plain ``pulumi``, ``aws`` or boto3 works on the sandbox and on nothing else."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from sandbox.engine.home import BIN, PULUMI_HOME, STATE
from sandbox.engine.pulumi_cli import foreign_path

DEFAULT_REGION = "us-east-1"
"""For tools that are not told a region; a stack's ``aws:region`` goes before it."""

_PASSPHRASE = "sandbox"
"""Guards nothing: the state is deleted with the sandbox."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_UNSET = (
    # Other credentials, or another way to them.
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    # What would make an SDK pass over AWS_ENDPOINT_URL.
    *("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
    # Another Pulumi: its service, its stack, providers and programs started by hand.
    *("PULUMI_ACCESS_TOKEN", "PULUMI_API", "PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_DEBUG_PROVIDERS"),
    *("PULUMI_DEBUG_LANGUAGES", "PULUMI_PYTHON_CMD", "PULUMI_CONFIG"),
)
_UNSET_PREFIX = "AWS_ENDPOINT_URL_"
"""The endpoint of a single service goes before AWS_ENDPOINT_URL."""


class RunningSandbox(Protocol):
    """What is needed of a sandbox's record."""

    @property
    def aws_endpoint(self) -> str:
        """The one AWS address, such as ``http://127.0.0.1:43121``."""

    @property
    def directory(self) -> str:
        """The sandbox's own folder."""


def pulumi_environment(root: Path, record: RunningSandbox, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables to set; the names of ``unset_names`` are to be removed as well.

    Args:
        root: The checkout, whose ``.venv`` goes first on PATH.
        record: The running sandbox.
        environ: What is set now: PATH and NO_PROXY are extended, not replaced.
    """
    directory = Path(record.directory).absolute()
    return {
        "AWS_ENDPOINT_URL": record.aws_endpoint,
        **_aws_identity(),
        **_pulumi_settings(directory),
        **_without_proxy(environ),
        "PATH": _path(root.absolute(), directory, environ),
    }


def backend_url(directory: Path) -> str:
    """Where the stacks of the sandbox with this folder are kept, as Pulumi takes it."""
    # Percent-encoded: the CLI decodes it, so that a space, a # or a % in the path is just a name.
    return f"file://{quote(str(directory.absolute() / STATE))}"


def unset_names(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The variables that would lead away from the sandbox, sorted."""
    return sorted({*_UNSET, *(name for name in environ if name.startswith(_UNSET_PREFIX))})


def child_environment(root: Path, record: RunningSandbox, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The whole environment of a child process that works on the sandbox."""
    unset = set(unset_names(environ))
    kept = {name: value for name, value in environ.items() if name not in unset}
    return kept | pulumi_environment(root, record, environ)


def shell_exports(root: Path, record: RunningSandbox, environ: Mapping[str, str] = os.environ) -> str:
    """The same as text for ``eval`` in a POSIX shell."""
    settings = pulumi_environment(root, record, environ)
    lines = [f"unset {' '.join(unset_names(environ))}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "".join(f"{line}\n" for line in lines)


def _aws_identity() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": DEFAULT_REGION,
        "AWS_DEFAULT_REGION": DEFAULT_REGION,
        # Unset, they would mean the files in the home folder, with their own endpoints and roles.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Cloud Map's clients would dial data-127.0.0.1 otherwise.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


def _pulumi_settings(directory: Path) -> dict[str, str]:
    return {
        "PULUMI_HOME": str(directory / PULUMI_HOME),
        "PULUMI_BACKEND_URL": backend_url(directory),
        "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
        # The state knows the stack's salt, so that its file need not (sandbox/engine/salts.py).
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def _without_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    both = f"{environ.get('no_proxy', '')},{environ.get('NO_PROXY', '')}"
    hosts = [host.strip() for host in both.split(",")]
    # A lone * means "no proxy at all"; as one entry of a list it means nothing to most clients.
    names = "*" if "*" in hosts else ",".join(dict.fromkeys([*_LOOPBACK, *filter(None, hosts)]))
    return {"NO_PROXY": names, "no_proxy": names}


def _path(root: Path, directory: Path, environ: Mapping[str, str]) -> str:
    first = [str(directory / BIN), str(root / ".venv" / "bin")]
    rest = [folder for folder in foreign_path(environ).split(os.pathsep) if folder and folder not in first]
    return os.pathsep.join([*first, *rest])
