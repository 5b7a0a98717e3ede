"""``trebuche doctor``: what is wrong with a program or a running stack."""

import click

from cli.commands.options import as_json, stack, token


@click.command(short_help="Name what is wrong with a program or a stack, and how to mend it.")
@stack
@click.option("--program", "only", flag_value="program", help="Look at the program only.")
@click.option("--running", "only", flag_value="running", help="Look at the running stack only.")
@click.option("--rules", is_flag=True, help="List the rules with their sources, and do nothing else.")
@click.option("--no-canary", is_flag=True, help="Open no connection to the stack.")
@click.option("--strict", is_flag=True, help="Fail for warnings, too.")
@token
@as_json
def doctor(
    stack: str, *, only: str | None, rules: bool, no_canary: bool, strict: bool, token: str | None, as_json: bool
) -> int:
    r"""Name what AWS accepts and then bites with: where it is, what it does, how to mend it, who met it first.

    \b
      trebuche doctor --stack dev
      trebuche doctor --rules

    Looks at the program (a preview with the policy pack `policies`; the same with Pulumi:
    `pulumi preview --policy-pack policies --stack STACK`), and at the stack where it is deployed: the same rules on
    what AWS has now, permissions as IAM judges them, logs, metrics, queues, and one connection with a message that
    changes nothing (where $connect asks for credentials: one that must be refused, and with --token the other, too).
    Nothing is changed. Ends with 1 when an error was found; warnings alone end with 0 (see --strict).
    """
    from cli.checkout import checkout_root
    from cli.doctor.report import Examination, examine_and_print, print_rules
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded

    output = Output(as_json=as_json)
    if rules:
        return print_rules(output)
    wanted = Examination(
        program=only != "running", running=only != "program", canary=not no_canary, strict=strict, token=token
    )
    return guarded(output, lambda: examine_and_print(output, PulumiStack(checkout_root(), stack), wanted))
