"""muse_deep (PROJECT of phoenixMonitor): which runs are to be deep, and which are.

RUN_TYPE.txt says what was decided, RUN_MULTI.txt which runs belong together;
DEEP_MODE.txt is written for phoenix_getInfoRun, whose STATUS follows it.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from muse_deep_plugin.preparation.run_tables import (
    Combine,
    DeepMode,
    DeepStatus,
    RunMulti,
    RunType,
    folder_of_runs,
    read_deep_modes,
    take_multi_runs,
    take_run_types,
    write_deep_modes,
)
from phoenix_core.config import Config
from phoenix_core.monitors.expected import Expectations, Expected
from phoenix_core.monitors.facts import Facts

_GET_INFO_RUN = "phoenix_getInfoRun"
_DAY = 10  # letters of a date at the start of a time


def expected_runs(config: Config) -> Expectations:
    """Return what RUN_TYPE.txt says: runs with COMBINE YES are expected.

    Of a multiple run the MASTER is, since it has the datacubes of its SLAVES.

    Raises:
        ConfigError: a table cannot be read at all; lines that are wrong are told.
    """
    folder = folder_of_runs(config.directories)
    types, multi = take_run_types(folder), take_multi_runs(folder)
    runs = {run: _expected(one, multi.rows.get(run)) for run, one in types.rows.items()}
    return Expectations(runs, tuple(one.said for one in (*types.wrong, *multi.wrong)))


def tell(config: Config, runs: Sequence[Facts]) -> tuple[str, ...]:
    """Write DEEP_MODE.txt, where it says something else or is not there.

    A site that fetches it from another one (other_site) leaves it alone.

    Returns:
        Warnings: the lines of the former one that were wrong.

    Raises:
        ConfigError: the former one cannot be read.
    """
    if config.options.get(_GET_INFO_RUN, {}).get("other_site"):
        return ()
    folder = folder_of_runs(config.directories)
    types = take_run_types(folder).rows
    modes = {mode.run_id: mode for mode in _modes(runs, types)}
    before, wrong = read_deep_modes(folder)
    if modes != before or wrong:
        write_deep_modes(folder, modes.values())
    return wrong


def trending(config: Config) -> Path:
    """Bring the page of depth and scores up to date; return where it lies."""
    from muse_deep_plugin.monitor.trending_page import (  # noqa: PLC0415, costs start-up
        write_trending,
    )

    return write_trending(config)


def _expected(said: RunType, multi: RunMulti | None) -> Expected:
    is_slave = multi is not None and not multi.is_master
    is_wanted = said.combine is Combine.YES and not is_slave
    word = f"{said.combine.value}, with {multi.master}" if multi and is_slave else ""
    return Expected(
        said.run_id,
        word or said.combine.value,
        is_wanted,
        said.type,
        said.comment,
        f"phoenix_createDeep -r {shlex.quote(said.run_id)}" if is_wanted else "",
    )


def _modes(runs: Sequence[Facts], types: Mapping[str, RunType]) -> Iterator[DeepMode]:
    """What there is to tell of runs that have ABs, here or in the AB store."""
    for facts in sorted(runs, key=lambda one: one.date):
        if not facts.run or (not facts.abs and facts.in_store <= 0):
            continue
        said = types.get(facts.run)
        is_unwanted = said is not None and said.combine is Combine.NO
        status = DeepStatus.OPEN
        if facts.is_certified:
            status = DeepStatus.DONE
        elif is_unwanted and not facts.finals_moved:
            status = DeepStatus.NONE
        yield DeepMode(facts.run, status, facts.finals_moved, facts.moved_at[:_DAY])
