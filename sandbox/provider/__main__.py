"""``python -m sandbox.provider``: serve until the engine goes away; the first line of output is the port."""

import os
import sys
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox import versions
from sandbox.provider.errors import ProviderConfigError
from sandbox.provider.provider_config import sandbox_endpoint
from sandbox.provider.resources import TABLE
from sandbox.provider.servicer import AwsProvider

_THREADS = 32
_MESSAGE_BYTES = 400 << 20  # archives travel inside messages; the engine's own limit


def serve(servicer: AwsProvider) -> tuple[grpc.Server, int]:
    """Start serving on a free loopback port."""
    limits = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> int:
    """Refuse to start without the sandbox's address; else serve."""
    try:
        sandbox_endpoint(os.environ)
    except ProviderConfigError as error:
        print(error, file=sys.stderr)
        return 1
    server, port = serve(AwsProvider(TABLE, os.environ, versions.PROVIDER))
    print(port, flush=True)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(grace=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
