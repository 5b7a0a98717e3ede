"""The sandbox's provider for package ``aws``: a table of resource types over boto3, driven by the Pulumi engine."""
