"""``trebuche --version``."""

import click


def show_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the versions that are pinned together, and end."""
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import version

    from sandbox.versions import summary

    click.echo(f"trebuche {version('trebuche')} ({summary()})")
    context.exit()
