"""What AWS accepts and then bites with, as rules over the resources of a stack. Pure: no AWS, no clock, no network.

The rules see resources as Pulumi names them, wherever these come from: a preview (``__main__.py`` is a Pulumi policy
pack), or a running stack that ``trebuche doctor`` has read from AWS. They know nothing of trebuche.yaml.
"""
