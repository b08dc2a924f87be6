"""Entry points: what installed packages offer, and what to say of a broken one."""

import importlib
from importlib.metadata import EntryPoint
from types import ModuleType

import pluggy


def module_of(point: EntryPoint) -> ModuleType:
    """Import the module that an entry point names.

    Raises:
        ImportError: it names something else. A stranger's code may raise anything.
    """
    if point.attr:
        raise ImportError(f"entry point '{point.value}' names no module")
    return importlib.import_module(point.module)


def distribution_of(point: EntryPoint) -> str:
    """Return the name and version of the package that an entry point is part of."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "?"


def one_line(error: BaseException) -> str:
    """Say in one line what a stranger's code raised.

    >>> one_line(ImportError("no such")), one_line(KeyError("x"))
    ('no such', "KeyError: 'x'")
    """
    text = " ".join(str(error).split())
    is_plain = isinstance(error, (ImportError, pluggy.PluginValidationError))
    return text if text and is_plain else f"{type(error).__name__}: {text}".rstrip(": ")
