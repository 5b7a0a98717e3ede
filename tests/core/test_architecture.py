"""The import rule, and what the deployed code may not know."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "lambda_src" / "trebuche"
OUTSIDE_WORLD = {"boto3", "botocore", "http", "os", "random", "secrets", "socket", "time", "urllib"}


def imports_of(source: str) -> set[str]:
    """Top-level names of everything that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the import contracts on a tree."""
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    places = [str(root), str(root / "lambda_src"), str(root / "clients" / "python")]
    paths = f"import sys; sys.path[:0] = {places!r}; "
    command = [sys.executable, "-I", "-c", paths + program, "--no-cache", "--config", str(root / ".importlinter")]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)


def copy_sources(target: Path) -> None:
    """The packages that the contracts name, with the contracts."""
    for folder in ("cli", "clients", "infra", "policies", "sandbox", "lambda_src", "trebuche_testing"):
        for file in (ROOT / folder).rglob("*.py"):
            place = target / file.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    (target / ".importlinter").write_bytes((ROOT / ".importlinter").read_bytes())


def test_import_rule_holds() -> None:
    """Each arrow of the architecture points the way that it says."""
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("infra/naming.py", "import boto3"),
        ("infra/naming.py", "import trebuche.turn"),
        ("infra/naming.py", "import sandbox.record"),
        ("infra/naming.py", "import policies.model"),
        ("policies/model.py", "import boto3"),
        ("policies/model.py", "import cli.errors"),
        ("lambda_src/trebuche/turn.py", "import infra.naming"),
        ("lambda_src/trebuche/turn.py", "import boto3"),
        ("lambda_src/trebuche/turn.py", "import trebuche_testing"),
        ("lambda_src/trebuche/turn.py", "import trebuche_client"),
        ("clients/python/trebuche_client/client.py", "import cli"),
        ("trebuche_testing/engine.py", "import sandbox.record"),
        ("cli/main.py", "import trebuche_testing"),
        ("lambda_src/trebuche/adapters/items.py", "import sandbox.record"),
    ],
)
def test_import_rule_catches(tmp_path: Path, module: str, line: str) -> None:
    """An import against an arrow breaks a contract."""
    copy_sources(tmp_path)
    file = tmp_path / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    result = lint(tmp_path)

    assert result.returncode != 0
    assert "BROKEN" in result.stdout


def test_only_adapters_touch_the_outside_world() -> None:
    """No module of the runtime outside adapters/ imports AWS, the clock, the network or the environment."""
    touching = {
        file.name: sorted(imports_of(file.read_text(encoding="utf-8")) & OUTSIDE_WORLD)
        for file in RUNTIME.glob("*.py")
        if imports_of(file.read_text(encoding="utf-8")) & OUTSIDE_WORLD
    }

    assert touching == {}


def test_deployed_code_does_not_know_where_it_runs() -> None:
    """Nothing in the program or in what it deploys names the local AWS."""
    words = ("sandbox", "ministack", "localhost", "127.0.0.1")
    files = [ROOT / "__main__.py", *(ROOT / "infra").rglob("*.py"), *(ROOT / "lambda_src").rglob("*.py")]

    naming = [
        str(file.relative_to(ROOT)) for file in files for word in words if word in file.read_text("utf-8").lower()
    ]

    assert naming == []


def test_entry_points_stay_short() -> None:
    """The deployed entry points only wire: at most 40 lines of code each."""
    lines = {
        file.name: sum(1 for line in file.read_text("utf-8").splitlines() if line.strip())
        for file in (ROOT / "lambda_src").glob("*.py")
    }

    assert set(lines) == {"actor_handler.py", "authorizer_handler.py", "stream_processor.py", "websocket_handler.py"}
    assert max(lines.values()) <= 40
