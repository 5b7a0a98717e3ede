"""Who may do what: roles and resource policies, judged as AWS judges them."""

from sandbox.permissions.documents import Access
from sandbox.permissions.permissions import Permissions

__all__ = ["Access", "Permissions"]
