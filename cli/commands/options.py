"""Options that several commands share."""

import click


def at_home(_context: click.Context, _parameter: click.Parameter, stack: str) -> str:
    """Stack `sandbox` means the local AWS that runs here."""
    from cli.checkout import checkout_root
    from cli.local_shell import enter

    enter(checkout_root(), stack)
    return stack


endpoint = click.option(
    "--endpoint",
    envvar="TREBUCHE_ENDPOINT",
    metavar="URL",
    help="WebSocket address with its stage; else TREBUCHE_ENDPOINT, else the running `trebuche dev`.",
)
token = click.option(
    "--token",
    envvar="TREBUCHE_TOKEN",
    metavar="TOKEN",
    help="Token, API key or ticket to connect with; better in TREBUCHE_TOKEN, which other users do not see.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print for programs: one JSON document per line.")
stack = click.option(
    "--stack",
    "-s",
    envvar="TREBUCHE_STACK",
    default="production",
    show_default=True,
    metavar="NAME",
    callback=at_home,
    help="The Pulumi stack, which is the stage; else TREBUCHE_STACK. `sandbox` is that of `trebuche dev`.",
)
agreed = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
