"""The real Pulumi engine for the sandbox: the CLI, its Python language host, and the folders that they run in.

    from sandbox.engine.home import prepare_home        prepare_home(root: Path, directory: Path) -> None
    from sandbox.engine.pulumi_cli import ensure_cli    ensure_cli(console: Console) -> Path

``prepare_home`` creates ``directory``/bin, pulumi-home and state; ``sandbox.environment`` has the variables that
make a plain ``pulumi`` use them. ``python -m sandbox.engine home --directory D`` and ``python -m sandbox.engine cli``
do the same from a shell.
"""
