"""Deep datacubes that phoenix made on this site, as their moved ABs say."""

from collections.abc import Collection, Mapping
from pathlib import Path

import sqlalchemy as sa

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AbStatus
from phoenix_core.errors import ConfigError
from phoenix_core.pseudo_date import is_date_label


def moved_deep(
    engine: sa.Engine, logs: Path, runs: Collection[str]
) -> Mapping[str, frozenset[str]]:
    """Return the targets of which a deep datacube was made and moved, by run.

    Args:
        engine: the database, with or without a ledger in it.
        logs: where ABs lie after the move, below the pseudo-date of their run.
        runs: those that are asked for, in formal spelling.
    """
    if not runs or not logs.is_dir():
        return {}
    from phoenix_core.records.ledger import Ledger, pseudo_dates  # noqa: PLC0415, costs start-up

    if not sa.inspect(engine).has_table(pseudo_dates.name):
        return {}
    dates = Ledger(engine).known_dates()
    return {
        run: frozenset(_targets(logs / dates[run]))
        for run in runs
        if run in dates and is_date_label(dates[run])
    }


def _targets(folder: Path) -> set[str]:
    found = set()
    for path in folder.glob("*_dpc.ab"):
        try:
            block = read_block(path)
            if block.status is AbStatus.SUCCESSFUL:
                found.add(block.value("TARGET") or "")
        except ConfigError:  # it says nothing of a target
            continue
    return found
