"""``trebuche dev``: the local AWS with the program on it."""

import click


@click.command(short_help="Run everything locally and redeploy on every change.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the local AWS; a free one when left out.")
def dev(*, port: int | None) -> int:
    """Start a local AWS on loopback, deploy the program on it, and deploy again whenever its sources change.

    Needs nothing but loopback, and leaves nothing behind: Ctrl-C stops everything and ends with exit code 0.
    The address is written to .trebuche/dev.json, where `trebuche call` and `trebuche watch` find it.
    """
    import asyncio

    from cli.checkout import checkout_root
    from cli.dev.session import develop
    from cli.output import Output

    return asyncio.run(develop(checkout_root(), Output(), port))
