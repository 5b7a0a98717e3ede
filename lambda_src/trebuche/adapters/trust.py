"""Which certificates are trusted: botocore's list, of which those come first that AWS's services have.

All of the list takes as long to load as the rest of a first request to a service. Its services have certificates of
Amazon's own roots ("Amazon Trust Services", https://www.amazontrust.com/repository/); the others are loaded when a
host has none of them.
"""

import os
import socket
import ssl
from threading import Lock
from typing import Final

_AMAZONS: Final = ('"Amazon Root CA ', '"Starfield Services Root Certificate Authority - G2"')
_LABEL: Final = "# Label: "
"""Before each certificate of the list, with the name of its root."""


class Tls:
    """Encrypts connections to hosts whose certificates are trusted.

    Args:
        authorities: Path of the list; as for botocore what a variable says, or what it brings along.

    Attributes:
        whole: Whether all of the list is trusted by now.
    """

    def __init__(self, authorities: str = "") -> None:
        told = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
        self.authorities = authorities or told or _own_list()
        self.whole = False
        self._lock = Lock()
        self._made: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """What trusts the roots of AWS's services, if the list has them; made when it is first needed."""
        with self._lock:
            if self._made is None:
                first = self._first_roots()
                self.whole = not first
                self._made = ssl.create_default_context(
                    cadata=first or None, cafile=None if first else self.authorities
                )
            return self._made

    def wrap(self, connection: socket.socket, host: bytes) -> ssl.SSLSocket:
        """An open connection, encrypted.

        Raises:
            ssl.SSLCertVerificationError: The host's certificate is not trusted.
            OSError: It speaks no TLS.
        """
        return self.context().wrap_socket(connection, server_hostname=host)

    def widen(self) -> None:
        """Trust the whole list."""
        context = self.context()
        with self._lock:
            if not self.whole:
                context.load_verify_locations(cafile=self.authorities)
                self.whole = True

    def _first_roots(self) -> str:
        with open(self.authorities, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  (a slow import)
            parts = file.read().split(_LABEL)
        return "".join(part[part.find("\n") :] for part in parts if part.startswith(_AMAZONS))


def _own_list() -> str:
    import botocore

    return f"{botocore.__path__[0]}/cacert.pem"
