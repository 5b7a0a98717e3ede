"""``trebuche deploy``: the program on AWS."""

import click

from cli.commands.options import agreed, as_json, stack


@click.command(short_help="Deploy the actors to AWS, after a preview and a question.")
@stack
@click.option("--provider", "-p", type=click.Choice(["aws"]), default="aws", show_default=True, help="The cloud.")
@click.option("--region", "-r", metavar="REGION", help="Sets the stack's aws:region; else that, else trebuche.yaml.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; nothing is changed anywhere.")
@click.option("--verbose", "-v", is_flag=True, help="Show every resource, as a tree before and as it is done.")
@agreed
@as_json
def deploy(
    stack: str, *, provider: str, region: str | None, dry_run: bool, verbose: bool, yes: bool, as_json: bool
) -> int:
    r"""Deploy trebuche.yaml and the actors to AWS.

    \b
      trebuche deploy --dry-run --verbose
      trebuche deploy --provider aws --region us-east-1

    Shows the account, the region and what would change, and deploys when the answer is yes. Credentials and Pulumi's
    backend are the environment's. The same with Pulumi: `pulumi up --stack STACK`.
    """
    del provider  # checked by click; there is one
    from cli.asking import Asker
    from cli.checkout import checkout_root
    from cli.deploy import DeployRequest, deploy_and_print
    from cli.output import Output
    from cli.pulumi_stack import PulumiStack
    from cli.running import guarded

    output = Output(as_json=as_json)
    request = DeployRequest(region=region, dry_run=dry_run, verbose=verbose)
    chosen = PulumiStack(checkout_root(), stack)
    return guarded(output, lambda: deploy_and_print(output, chosen, request, Asker(yes=yes)))
