"""Entry points of background work: each handler calls one command of a domain."""

import importlib
import pkgutil


def load_handlers() -> None:
    """Import every module of this package, so that each kind of job has its handler."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
