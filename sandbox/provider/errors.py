"""What goes wrong in the provider, as one readable line each."""

from trebuche.errors import ConfigError


class ProviderConfigError(ConfigError):
    """Provider settings that the sandbox cannot work with; names the key and the mend."""


class UnknownFunctionError(ConfigError):
    """A provider function (invoke) that the sandbox does not answer."""


class ArchiveError(ConfigError):
    """An asset or archive whose bytes cannot be had."""


class RejectedValueError(ConfigError):
    """A value that AWS would refuse only while it carries out the operation."""
