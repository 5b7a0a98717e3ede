"""``trebuche init``: a trebuche.yaml to begin with."""

import click

from cli.commands.options import as_json


@click.command(short_help="Write trebuche.yaml for the actors that are there.")
@click.option("--name", "-n", help="What every resource is named after; else the folder's name.")
@click.option("--force", is_flag=True, help="Overwrite a trebuche.yaml that is there.")
@as_json
def init(*, name: str | None, force: bool, as_json: bool) -> int:
    """Write trebuche.yaml with an entry for each actor class in lambda_src/actors/.

    A trebuche.yaml that is there stays, unless --force is given.
    """
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.running import guarded
    from cli.starter import write_starter

    output = Output(as_json=as_json)
    return guarded(output, lambda: write_starter(output, checkout_root(), name=name, force=force))
