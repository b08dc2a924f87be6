"""phoenix: automatic science data production, instrument knowledge in plug-ins.

A plug-in (PGI) needs ``from phoenix_core import hookimpl`` and the nouns of
`phoenix_core.model`; everything else is the core's own business.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phoenix_core.hookspecs import hookimpl

__all__ = ["__version__", "hookimpl"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # pluggy costs as much as starting Python: only those pay who write hooks.
    if name == "hookimpl":
        from phoenix_core.hookspecs import hookimpl  # noqa: PLC0415

        return hookimpl
    raise AttributeError(f"module 'phoenix_core' has no attribute {name!r}")
