"""``trebuche revoke``: the right to connect, taken back."""

import unicodedata

import click

from cli.commands.options import as_json, stack


@click.command(short_help="Take somebody's right to connect back, and close their connections.")
@click.argument("name", required=False)
@click.option("--key", "key_id", metavar="ID", help="Revoke this API key instead of a principal.")
@click.option("--hours", type=click.IntRange(min=1, max=8760), help="For so long; at least as long as tokens last.")
@click.option("--undo", is_flag=True, help="Give the right back.")
@stack
@as_json
def revoke(name: str | None, *, key_id: str | None, hours: int | None, undo: bool, stack: str, as_json: bool) -> int:
    r"""Let the principal NAME (or the key --key) in no more, and close the connections that are open.

    \b
      trebuche revoke alice
      trebuche revoke --key 3f9c0a1b2c3d --hours 24

    When the command has ended, no call of theirs runs any more and nothing is posted to them; what ran already may
    still end. Streams are told `revoked`. Without --hours it is for good, until --undo.
    """
    from cli.checkout import checkout_root
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.revoke import restore_and_print, revoke_and_print
    from cli.target import deployed_target

    if (name is None) == (key_id is None):
        raise click.UsageError("name either a principal or a --key")
    who = unicodedata.normalize("NFC", name) if name else f"key:{key_id}"
    output, target = Output(as_json=as_json), deployed_target(PulumiStack(checkout_root(), stack))
    return restore_and_print(output, target, who) if undo else revoke_and_print(output, target, who, hours)
