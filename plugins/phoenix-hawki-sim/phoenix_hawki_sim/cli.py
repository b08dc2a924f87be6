"""The command phoenix_simulate_HAWKI."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from .errors import SimulationError
from .scenario import (
    NIGHTS,
    Fault,
    Scenario,
    default_scenario,
    with_fault,
    without_darks,
    without_flat,
)
from .simulation import Observatory, simulate
from .sizes import SIZES

REFUSED = 2
"""The exit code when nothing was simulated."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class SizeName(StrEnum):
    """The sizes by their word."""

    TINY = "tiny"
    SMALL = "small"


EXAMPLES = """\b
Examples:
  phoenix_simulate_HAWKI demo
  phoenix_simulate_HAWKI demo --size small --night 2024-03-10 --seed 7 --json
  phoenix_simulate_HAWKI broken --no-darks 20 --fault 200100001:2:truncated

\b
Exit codes: 0 done, 2 refused (nothing that exists is ever overwritten).
"""


def tell_version(asked: bool) -> None:
    """Print the version of the package, where it is asked for."""
    if asked:
        typer.echo(f"phoenix_simulate_HAWKI {version_of('phoenix-hawki-sim')}")
        raise typer.Exit


@app.command(epilog=EXAMPLES)
def phoenix_simulate_hawki(
    outdir: Annotated[Path, typer.Argument(help="A new or empty directory.")],
    *,
    version: Annotated[  # noqa: ARG001, told by its callback
        bool,
        typer.Option(
            "-v",
            "--version",
            is_eager=True,
            callback=tell_version,
            help="Tell the version and exit.",
        ),
    ] = False,
    size: Annotated[
        SizeName,
        typer.Option(
            help="tiny: chips of 128 pixels, 2 jitters, 4 stars a chip;"
            " small: 256 pixels, 4 jitters, 9 stars."
        ),
    ] = SizeName.TINY,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    night: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATE",
            help=f"A night by its evening's date; repeatable. Default:"
            f" {' and '.join(NIGHTS)}. The first one has both OBs.",
        ),
    ] = None,
    no_darks: Annotated[
        list[float] | None,
        typer.Option(
            metavar="SECONDS", help="Leave out the raw darks of this DIT; repeatable."
        ),
    ] = None,
    no_flat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILTER",
            help="Leave out the master flats of this filter; repeatable.",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OB:EXPOSURE:FAULT",
            help=f"Spoil a raw file: {', '.join(Fault)}; repeatable.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON.")
    ] = False,
) -> None:
    """Simulate nights of HAWKI raw frames and calibrations below OUTDIR.

    What was put into the exposures is written to OUTDIR/truth.json.
    """
    errors = Console(stderr=True)
    try:
        chosen = SIZES[size.value]
        scenario = default_scenario(night or NIGHTS, chosen.jitters)
        scenario = spoil(scenario, no_darks or (), no_flat or (), fault or ())
        with Bar(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("simulating", total=None)
            made = simulate(
                outdir,
                scenario,
                chosen,
                seed,
                progress=lambda name, number, total: bar.update(
                    task, description=name, completed=number, total=total
                ),
            )
    except (SimulationError, OSError) as error:
        errors.print(
            f"phoenix_simulate_HAWKI: {error}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(REFUSED) from None
    if as_json:
        sys.stdout.write(json.dumps(summary(made), indent=1) + "\n")
    else:
        Console().print(_overview(made))


def spoil(
    scenario: Scenario,
    dits: Sequence[float],
    filters: Sequence[str],
    faults: Sequence[str],
) -> Scenario:
    """Leave out darks and flats, and spoil raw files named as OB:EXPOSURE:FAULT.

    Raises SimulationError for what the scenario does not have.
    """
    for dit in dits:
        scenario = without_darks(scenario, dit)
    for name in filters:
        scenario = without_flat(scenario, name)
    for text in faults:
        block, _, rest = text.partition(":")
        exposure, _, kind = rest.partition(":")
        if not (block.isdecimal() and exposure.isdecimal() and kind in set(Fault)):
            message = (
                f"'{text}' names no fault: write OB:EXPOSURE:FAULT,"
                f" FAULT one of {', '.join(Fault)}"
            )
            raise SimulationError(message)
        scenario = with_fault(scenario, int(block), int(exposure), Fault(kind))
    return scenario


def summary(made: Observatory) -> dict[str, object]:
    """Count what was made."""
    return {
        "outdir": str(made.outdir),
        "truth": str(made.truth),
        "nights": list(made.scenario.nights),
        "raw": len(made.raw),
        "calib": len(made.calib),
    }


def main() -> None:
    """Run the command."""
    app(prog_name="phoenix_simulate_HAWKI")


def _overview(made: Observatory) -> Table:
    """Lay the OBs out as a table."""
    table = Table(
        title=f"{made.outdir}: {len(made.raw)} raw frames, {len(made.calib)}"
        " calibrations",
        caption="O = OBJECT, S = SKY, D = DARK, F = FLAT; lower case = spoilt",
        box=SIMPLE,
    )
    for column in ("night", "OB", "name", "filter", "DIT", "exposures"):
        table.add_column(column, no_wrap=True)
    for block in made.scenario.blocks:
        letters = (
            one.kind.value[0].lower() if one.fault else one.kind.value[0]
            for one in block.exposures
        )
        setup = block.exposures[0].setup
        table.add_row(
            block.night,
            str(block.number),
            block.name,
            setup.filter or "-",
            f"{setup.dit:g}",
            "".join(letters),
        )
    return table
