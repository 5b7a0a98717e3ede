"""The work of ``trebuche init``."""

import re
from pathlib import Path

from cli.errors import CommandError
from cli.output import OK, Output
from infra.actors import ACTORS_FOLDER, ActorClass, find_actors, match
from infra.config import CONFIG_FILE, load_config

_TEMPLATE = """\
name: {name}
version: "1"

defaults:
  provider: aws
  region: us-east-1
  memory: 512
  timeout: 30

{actors}

websocket:
  enabled: true
  stage: production
  routes:
    - $connect     # New connection handler
    - $disconnect  # Disconnection handler
    - $default     # Message router

state:
  type: dynamodb
  table: {name}-actor-state

connections:
  type: dynamodb
  table: {name}-connections
"""
_NAME_LIMIT = 40
_FALLBACK = "my-app"


def write_starter(output: Output, root: Path, *, name: str | None, force: bool) -> int:
    """Write trebuche.yaml for the actors that are there; returns the exit code.

    Raises:
        CommandError: The file is there already, and ``force`` is not.
        ConfigError: The actors or the name are wrong; nothing has been written then.
    """
    path = root / CONFIG_FILE
    if path.exists() and not force:
        raise CommandError(f"{CONFIG_FILE} already exists. Use --force to overwrite.")
    actors = find_actors(root / ACTORS_FOLDER)
    _save(path, starter_text(name or _name_of(root), actors), actors)
    _print(output, name or _name_of(root), actors)
    return OK


def starter_text(name: str, actors: tuple[ActorClass, ...]) -> str:
    """The file's text."""
    entries = [f"  {actor.name}:\n    stateful: true" for actor in actors]
    return _TEMPLATE.format(name=name, actors="\n".join(["actors:", *entries]) if entries else "actors: {}")


def _name_of(root: Path) -> str:
    """The folder's name, as far as it can name resources."""
    words = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-0123456789")
    return words[:_NAME_LIMIT].strip("-") or _FALLBACK


def _save(path: Path, text: str, actors: tuple[ActorClass, ...]) -> None:
    """Write the file in one step, and only if it is one that deploys."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text)
        match(load_config(draft), actors)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _print(output: Output, name: str, actors: tuple[ActorClass, ...]) -> None:
    if output.as_json:
        output.document({"file": CONFIG_FILE, "name": name, "actors": [actor.name for actor in actors]})
        return
    output.result(f"Created {CONFIG_FILE}")
    if actors:
        output.line("Discovered actors:")
        for actor in actors:
            output.line(f'  • {actor.name} as "{actor.exposed_as}"')
    else:
        output.warning(f"No actors found in {ACTORS_FOLDER}/; write a class there and name it under actors.")
    output.line("Next steps:")
    output.line("  1. Look over trebuche.yaml: memory and timeout of each actor.")
    output.line("  2. Run it locally: make run")
    output.line("  3. Deploy it: trebuche deploy --dry-run --verbose, then trebuche deploy")
