"""Has the emulator's Python workers do as Lambda's runtime does, by what stands in ``bootstrap.py``.

A handler that raises gives an answer like any other then: the process and what it remembers stay, as at AWS.
"""

from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from sandbox.inside.invocations import CURRENT

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
IMPORTS = "    try:\n        mod = importlib.import_module(module_name)"
UNREADY = 'json.dumps({"status": "error", "error": str(e)})'
CALLS = (
    "        try:\n"
    "            result = handler_fn(event, context)\n"
    '            _real_stdout.write(json.dumps({"status": "ok", "result": result}) + "\\n")\n'
    "        except Exception as e:\n"
    '            _real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()})'
    ' + "\\n")\n'
)
PLACES = {
    IMPORTS: f"    sys.addaudithook(sandbox_protect(code_dir))\n{IMPORTS}",
    UNREADY: 'json.dumps({"status": "error", "error": sandbox_unready(e, module_name, handler_name, code_dir)})',
    CALLS: '        _real_stdout.write(sandbox_answer(handler_fn, event, context, code_dir) + "\\n")\n',
}
"""Places of the emulator's script, and what is there instead."""


def install() -> None:
    """Change the script, and tell errors as they were."""
    script: str = lambda_runtime._PYTHON_WORKER_SCRIPT
    for place, text in PLACES.items():
        if script.count(place) != 1:
            raise SystemExit("the emulator's Python worker is not the one that the sandbox knows")
        script = script.replace(place, text)
    lambda_runtime._PYTHON_WORKER_SCRIPT = BOOTSTRAP.read_text(encoding="utf-8") + script
    lambda_svc._execute_function_warm = with_failures(lambda_svc._execute_function_warm)


def with_failures(execute: Any) -> Any:
    """The emulator's way to run a function, with Lambda's errors in place of its own."""

    def run(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = execute(func, event, request_id)
        failure = CURRENT.course.failure
        return result if failure is None else {"body": failure, "error": True, "log": CURRENT.course.log}

    return run
