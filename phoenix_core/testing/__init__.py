"""What a plug-in author tests with: a contract for each slot, and three fixtures.

Inherit the contract of the slot, name the PGI, and give the fixtures that the contract
asks for, data of your instrument:

    @pytest.fixture
    def blocks():
        return [...]

    class TestAb(AbPgiContract):
        pgi = "pgi_phoenix_MINE_AB"

What a contract has a toy of (a cascade, reports, moves) is overridden in the class.

This module is a pytest plug-in (named in the distribution), so it is imported by every
pytest here: contracts and all that they need are imported when they are asked for.
"""

from typing import TYPE_CHECKING, Any

import pytest

from phoenix_core.testing.fixtures import fits_product, phoenix, run

if TYPE_CHECKING:
    from phoenix_core.testing.archiving import (
        ArchiveContract,
        CleanupPluginContract,
        ConversionToolContract,
    )
    from phoenix_core.testing.closing import (
        CertifPgiContract,
        MoveProductsContract,
        RenameProductsContract,
    )
    from phoenix_core.testing.outcome import RunOutcome
    from phoenix_core.testing.planning import (
        AbPgiContract,
        AbSourceContract,
        BqsContract,
        HdrPgiContract,
        JobPgiContract,
    )
    from phoenix_core.testing.processing import (
        CheckPluginContract,
        DrsContract,
        FinalPluginContract,
        PostPluginContract,
        PrePluginContract,
    )
    from phoenix_core.testing.quality import (
        PgiCoverContract,
        QcFinalPluginContract,
        QcProcedureContract,
    )
    from phoenix_core.testing.toys import toy_block, with_inputs

_HOME = {
    "AbPgiContract": "planning",
    "AbSourceContract": "planning",
    "ArchiveContract": "archiving",
    "BqsContract": "planning",
    "CertifPgiContract": "closing",
    "CheckPluginContract": "processing",
    "CleanupPluginContract": "archiving",
    "ConversionToolContract": "archiving",
    "DrsContract": "processing",
    "FinalPluginContract": "processing",
    "HdrPgiContract": "planning",
    "JobPgiContract": "planning",
    "MoveProductsContract": "closing",
    "PgiCoverContract": "quality",
    "PostPluginContract": "processing",
    "PrePluginContract": "processing",
    "QcFinalPluginContract": "quality",
    "QcProcedureContract": "quality",
    "RenameProductsContract": "closing",
    "RunOutcome": "outcome",
    "toy_block": "toys",
    "with_inputs": "toys",
}

__all__ = [
    "AbPgiContract",
    "AbSourceContract",
    "ArchiveContract",
    "BqsContract",
    "CertifPgiContract",
    "CheckPluginContract",
    "CleanupPluginContract",
    "ConversionToolContract",
    "DrsContract",
    "FinalPluginContract",
    "HdrPgiContract",
    "JobPgiContract",
    "MoveProductsContract",
    "PgiCoverContract",
    "PostPluginContract",
    "PrePluginContract",
    "QcFinalPluginContract",
    "QcProcedureContract",
    "RenameProductsContract",
    "RunOutcome",
    "fits_product",
    "phoenix",
    "run",
    "toy_block",
    "with_inputs",
]

for _module in sorted(set(_HOME.values())):
    # So that a contract that fails shows the values it compared.
    pytest.register_assert_rewrite(f"{__name__}.{_module}")


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
