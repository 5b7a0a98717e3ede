"""Rules about the archives of the functions: built the same everywhere, with what the handlers need, and in time."""

import ast
import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from policies.model import FUNCTION, UNKNOWN, WARNING, Node, Problem, Rule, each
from policies.program import variable
from policies.sources import LAMBDA_GUIDE
from policies.traps import Trap, sprung
from trebuche.contract import ENV_ACTOR

ARCHIVE: Final = "code"
_HASHES: Final = ("sourceCodeHash", "codeSha256")
_OLDEST: Final = 11
"""Of Python 3: the functions' code is written for it."""
_RETIRED: Final = frozenset({"python3.11"})
_KNOWN: Final = frozenset({"python3.12", "python3.13", "python3.14"})
_MEND: Final = "build it with sorted names and fixed times (infra/archives.py)"


def _archive(function: Node) -> Iterator[Problem]:
    path = function.get(ARCHIVE, "path")
    if function.get(ARCHIVE, "kind") == "assets" or (isinstance(path, str) and Path(path).is_dir()):
        what = "its archive is made by Pulumi, with the times of the files: each deploy changes the function"
        yield Problem(function, what, "give it a zip with sorted names and fixed times (infra/archives.py)")
    elif isinstance(path, str) and Path(path).is_file():
        yield from _hashes(function, Path(path))
        yield from _entries(function, Path(path))


def _hashes(function: Node, path: Path) -> Iterator[Problem]:
    """A digest that a program tells decides whether code is sent."""
    # Of what is deployed these are AWS's own, and the archive of this checkout may be another one.
    if function.text("arn"):
        return
    actual = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
    for name in _HASHES:
        told = function.get(name)
        if isinstance(told, str) and told and told != actual:
            what = f"its {name} is {told}, and its archive's is {actual}: changed code is not deployed"
            yield Problem(function, what, f"remove {name}; Pulumi digests the archive itself")


def _entries(function: Node, path: Path) -> Iterator[Problem]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            yield from _contents(function, path, archive, names)
    except (OSError, zipfile.BadZipFile):
        yield Problem(function, f"{path} is no zip", "build it anew")
        return
    if len({entry.date_time for entry in entries}) > 1 or names != sorted(names):
        what = f"{path} has files with different times, or not sorted: built elsewhere it is another archive"
        yield Problem(function, what, _MEND)


def _contents(function: Node, path: Path, archive: zipfile.ZipFile, names: list[str]) -> Iterator[Problem]:
    """Whether what the function is told to run is there."""
    told = (("handler", function.text("handler"), "."), (ENV_ACTOR, variable(function, ENV_ACTOR), ":"))
    for what_for, reference, separator in told:
        module, _, wanted = reference.rpartition(separator)
        place = module.replace(".", "/")
        found = next((one for one in (f"{place}.py", f"{place}/__init__.py") if one in names), None)
        mend = f"set {what_for} to what is in the archive, or give the function its own archive"
        if module and found is None:
            yield Problem(function, f"its {what_for} is {reference}, and {path} has no {place}.py", mend)
        elif found is not None and wanted not in _defined(archive.read(found)):
            what = f"its {what_for} is {reference}, and {found} defines no {wanted}: the function does not start"
            yield Problem(function, what, mend)


def _defined(source: bytes) -> set[str]:
    """The names at the top of a module; what cannot be read defines nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for one in tree.body:
        match one:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.ImportFrom(names=imported):
                names |= {alias.asname or alias.name for alias in imported}
    return names


def _runtime(function: Node) -> Iterator[Problem]:
    runtime = function.get("runtime")
    if runtime is UNKNOWN or function.get("packageType") == "Image":
        return
    minor = str(runtime or "").removeprefix("python3.")
    if not str(runtime or "").startswith("python3.") or not minor.isdigit() or int(minor) < _OLDEST:
        what = f"it runs on {runtime or 'nothing'}, and its code is for Python 3.{_OLDEST} and later: it does not start"
        yield Problem(function, what, "use python3.13")
    elif runtime not in _RETIRED | _KNOWN:
        yield Problem(function, f"it runs on {runtime}, which Lambda does not have", "use python3.13")


RULES: Final = (
    Rule(
        id="function-archive",
        title="An unchanged program changes no function; its handler is in the archive",
        sources=("pulumi#21008, terraform-aws-lambda#515, aws-cli#3131",),
        check=each(FUNCTION, _archive),
        types=(FUNCTION,),
    ),
    Rule(
        id="function-start",
        title="The runtime can run the code",
        sources=(f"{LAMBDA_GUIDE}: runtimes", "docs/architecture.md: code held to Python 3.11"),
        check=each(FUNCTION, _runtime),
        types=(FUNCTION,),
    ),
    Rule(
        id="function-runtime",
        title="The runtime is supported",
        sources=(f"{LAMBDA_GUIDE}: runtimes",),
        severity=WARNING,
        check=sprung(
            Trap(
                type=FUNCTION,
                path=("runtime",),
                bites=_RETIRED.__contains__,
                what="{value} is out of support",
                mend="use python3.13",
            )
        ),
        types=(FUNCTION,),
    ),
)
