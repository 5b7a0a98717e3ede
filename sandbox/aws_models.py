"""The services' own models, as botocore ships them, whatever the caller's AWS settings say."""

from functools import cache
from typing import Final

from botocore.loaders import Loader
from botocore.model import ServiceModel

_SHIPPED: Final = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service by botocore's name for it.

    No session is asked: it would fail for a profile that there is not, and take models from the home folder.
    """
    return ServiceModel(_SHIPPED.load_service_model(service, "service-2"), service_name=service)
