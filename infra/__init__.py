"""The Pulumi program: trebuche.yaml and actor classes in, AWS resources out."""
