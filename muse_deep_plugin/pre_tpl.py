"""pgi_preTPL (PRE_PLUGIN): inputs in the order of time, and a pause for others.

The combined cube inherits MJD-OBS from its first input. A foreign task (autoDaily of
another instrument, say) is time-critical, deep cubes are not: while one runs, no
recipe is started. What the recipe would not tell of its inputs is told here, before
the hours are spent.
"""

import logging
import subprocess
import time
from pathlib import Path
from typing import Final

from attrs import field, frozen, validators

from muse_deep_plugin.exposure_time import in_time
from muse_deep_plugin.input_checks import EXPOSURES, check_inputs
from phoenix_core import hookimpl
from phoenix_core.ab.inputs import paths
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock, Run
from phoenix_core.recipe.recipe_call import pause

PGI: Final = "pgi_preTPL"


@frozen
class Options:
    """Options of the PGI.

    A foreign task runs while `lock_file` exists, or while `command` (program and
    arguments) ends with status 0; asked again every `interval` seconds. Exposures
    further apart than `max_separation` degrees are not aligned or combined.
    """

    lock_file: str = ""
    command: list[str] = field(factory=list)
    interval: float = field(default=60.0, validator=validators.gt(0))
    max_separation: float = 0.1


@hookimpl
def process_ab_pre_plugin(run: Run, block: AssociationBlock) -> AssociationBlock | None:
    """Sort the inputs of an alignment or combination, check them, and wait."""
    options = run.options(PGI, Options)
    check_inputs(block, paths(run, block), options.max_separation)
    wait_for_others(run, options, block.name)
    return sorted_inputs(block)


def sorted_inputs(block: AssociationBlock) -> AssociationBlock:
    """Return a dal or dpc AB with its exposures in time, all else as it was.

    Exposures come first, in SOF_CONTENT and in MCALIB; other ABs are left alone.
    """
    tag = EXPOSURES.get(block.recipe)
    if tag is None:
        return block
    for qualifier, file, its_tag in (("SOF_CONTENT", 0, 1), ("MCALIB", 1, 2)):
        lines = block.values(qualifier)
        rows = [(line.split(), line) for line in lines]
        ours = [(row[file], line) for row, line in rows if row[its_tag] == tag]
        others = [line for row, line in rows if row[its_tag] != tag]
        ours.sort(key=lambda pair: in_time(pair[0]))
        wanted = (*(line for _, line in ours), *others)
        if wanted != lines:
            block = block.with_values(qualifier, wanted)
    return block


def wait_for_others(run: Run, options: Options, name: str) -> None:
    """Return when no foreign task runs; say so when there was one.

    Raises:
        ProcessingError: the command that tells cannot be run, or phoenix is stopped.
    """
    if not _is_foreign(options):
        return
    from phoenix_core.records.events import open_events  # noqa: PLC0415, costs start-up

    task = options.lock_file or options.command[0]
    start = time.monotonic()
    with open_events(run.monitor_dir, logging.getLogger(PGI).warning) as events:
        events.tell("paused", f"paused {name} for {task}", ab=name, task=task)
        while _is_foreign(options):
            pause(options.interval)
        spent = round(time.monotonic() - start, 1)
        fact = f"went on with {name} after {spent:.0f} s"
        events.tell("resumed", fact, ab=name, task=task, seconds=spent)


def _is_foreign(options: Options) -> bool:
    if options.lock_file and Path(options.lock_file).exists():
        return True
    if not options.command:
        return False
    try:
        asked = subprocess.run(
            options.command, capture_output=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProcessingError(
            f"{PGI}: its command {' '.join(options.command)} does not tell whether a "
            f"foreign task runs: {error}"
        ) from error
    return asked.returncode == 0
