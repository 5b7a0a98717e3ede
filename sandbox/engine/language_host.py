"""The Python language host, for machines whose Pulumi CLI came without one.

The official distribution brings ``pulumi-language-python``; a CLI built from its Go modules does not. This one
stands in with the SDK's own ``LanguageServer`` (which the Automation API uses), so that the literal commands work.
It is started by the engine, prints its port, and runs the program in its own process and Python environment.
"""

# ruff: noqa: N802 (the methods' names are the protocol's)

import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent import futures
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2
from pulumi import RunError
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox import versions

_MESSAGE_LIMIT_BYTES = 400 * 1024 * 1024
"""The engine's own limit for a message."""
_PARENT_POLL_SECONDS = 0.5


class LanguageHost(LanguageServer):
    """Answers the engine; what it inherits are ``About``, ``GetRequiredPackages`` and the run of one program."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(lambda: None)
        self._engine_address = engine_address

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, _context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """The engine introduces itself; its address here is newer than the one on the command line."""
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The version shown by ``pulumi about``."""
        return plugin_pb2.PluginInfo(version=versions.CLI)

    def Cancel(self, _request: empty_pb2.Empty, _context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Ctrl-C in the engine: it ends this process itself."""
        return empty_pb2.Empty()

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, _context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """The installed packages: Pulumi's own, or all of them when transitive ones are asked for."""
        installed = {distribution.metadata["Name"]: distribution.version for distribution in distributions()}
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in sorted(installed.items())
                if request.transitiveDependencies or name.startswith("pulumi")
            ]
        )

    def RuntimeOptionsPrompts(
        self, _request: language_pb2.RuntimeOptionsRequest, _context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """Nothing to ask: the environment is the checkout's."""
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(
        self, _request: language_pb2.InstallDependenciesRequest, _context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """``pulumi install``: ``make setup`` has installed everything from the lock."""
        yield language_pb2.InstallDependenciesResponse(stdout=b"The dependencies come with the checkout's .venv.\n")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin written in Python, such as a policy pack, and pass on what it prints."""
        process = subprocess.Popen(
            _plugin_command(request),
            cwd=request.pwd,
            env=dict(entry.split("=", 1) for entry in request.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        yield from _output(process)
        yield language_pb2.RunPluginResponse(exitcode=process.wait())

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program against the engine."""
        self.program = lambda: _run_program(request.info)
        if not request.args:
            request.args.append(self._engine_address)
        try:
            response: language_pb2.RunResponse = super().Run(request, context)  # type: ignore[no-untyped-call]
        except RunError:
            # Told once already, by the output that failed first; the SDK meets it again in those that waited for it.
            return language_pb2.RunResponse(bail=True)
        # The SDK has logged the error already; ``bail`` keeps the engine from telling it a second time.
        return language_pb2.RunResponse(bail=True) if response.error else response


def _run_program(info: language_pb2.ProgramInfo) -> None:
    directory = Path(info.program_directory)
    os.chdir(directory)
    # As for a program that Python itself was given.
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    entry = directory / (info.entry_point or ".")
    try:
        runpy.run_path(str(entry / "__main__.py" if entry.is_dir() else entry), run_name="__main__")
    except RunError:
        raise
    except SystemExit as error:
        if error.code:
            raise RunError(f"Program exited with {error.code}") from error
    except Exception as error:
        raise RunError(f"Program failed with an unhandled exception:\n{_own_traceback(error)}") from error


def _own_traceback(error: Exception) -> str:
    """The traceback without the frames of this module and of ``runpy``."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _plugin_command(request: language_pb2.RunPluginRequest) -> list[str]:
    directory = request.info.program_directory
    if request.kind == "analyzer":
        return [sys.executable, "-u", "-m", "pulumi.policy", *request.args, directory]
    return [sys.executable, "-u", directory, *request.args]


def _output(process: "subprocess.Popen[bytes]") -> Iterator[language_pb2.RunPluginResponse]:
    responses: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue()
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for name, stream in streams.items():
        assert stream is not None
        # A thread for each: a pipe that nobody empties would stop the plugin.
        threading.Thread(target=_forward, args=(stream, name, responses), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        response = responses.get()
        if response is None:
            open_streams -= 1
        else:
            yield response


def _forward(stream: IO[bytes], name: str, responses: "queue.Queue[language_pb2.RunPluginResponse | None]") -> None:
    with stream:
        for line in stream:
            content: dict[str, Any] = {name: line}
            responses.put(language_pb2.RunPluginResponse(**content))
    responses.put(None)


def serve(engine_address: str) -> None:
    """Print the port, which the engine reads, and answer until a signal comes or the engine is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ctrl-C reaches the whole foreground group: leave at once and without a word, the engine tells the story.
        signal.signal(number, lambda *_: os._exit(0))
    server = grpc.server(
        futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", _MESSAGE_LIMIT_BYTES)]
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    engine = os.getppid()
    # A killed engine sends no signal: without this look a program that waits for it would stay for ever.
    while os.getppid() == engine:
        server.wait_for_termination(timeout=_PARENT_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[-1])
