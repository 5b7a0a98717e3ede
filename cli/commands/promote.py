"""``trebuche promote``: the release of one stage to the next."""

import click

from cli.commands.options import agreed, as_json, at_home


@click.command(short_help="Take the release of one stage to the next, through a gate.")
@click.argument("source", callback=at_home)
@click.argument("stack", default="production", callback=at_home)
@click.option("--verbose", "-v", is_flag=True, help="Show every resource, as a tree before and as it is done.")
@agreed
@as_json
def promote(source: str, stack: str, *, verbose: bool, yes: bool, as_json: bool) -> int:
    r"""Deploy to STACK the release that runs on SOURCE.

    \b
      trebuche promote staging production

    This checkout must be that release. Stored states and recorded calls are tried on it first; what it would not
    understand is named, and refused unless the stack file allows it. After the deployment a smoke test (smoke.yaml)
    runs over the socket; when it fails, the release before is put live again. The same with Pulumi, without trying and
    testing: `pulumi up --stack STACK`.
    """
    from cli.asking import Asker
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.promote import promote_and_print
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded

    output, root = Output(as_json=as_json), checkout_root()
    pair = PulumiStack(root, source), PulumiStack(root, stack)
    return guarded(output, lambda: promote_and_print(output, *pair, Asker(yes=yes), verbose=verbose))
