"""The command phoenix_simulate_MUSE."""

import json
import sys
from enum import StrEnum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from attrs import evolve
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from .default_scenario import default_scenario
from .errors import SimulationError
from .long_history import MOST
from .scenario import Scenario, select
from .simulation import Observatory, simulate
from .sizes import IFUS, SIZES

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
    IFU = "ifu"


EXAMPLES = """\b
Examples:
  phoenix_simulate_MUSE demo --deep
  phoenix_simulate_MUSE one --run 094.D-0114B --target NGC300 --size small
  phoenix_simulate_MUSE nosky --no-sky --exposures 4 --seed 7 --json

\b
Exit codes: 0 done, 2 refused (nothing that exists is ever overwritten).
"""


def tell_version(asked: bool) -> None:
    """Print the version of the package, where it is asked for."""
    if asked:
        typer.echo(f"phoenix_simulate_MUSE {version_of('phoenix-muse-sim')}")
        raise typer.Exit


@app.command(epilog=EXAMPLES)
def phoenix_simulate_muse(
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
            help="tiny: 24x48 spaxels, 24 wavelengths; small: 48x48, 64;"
            " ifu: a whole IFU, 77x48, 4112 wavelengths."
        ),
    ] = SizeName.TINY,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 1,
    deep: Annotated[
        bool, typer.Option("--deep", help="Write the ABs of branch MUSE_deep, too.")
    ] = False,
    run: Annotated[
        list[str] | None,
        typer.Option(help="Only this run, with or without brackets; repeatable."),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Only this target; repeatable.")
    ] = None,
    sky: Annotated[
        bool, typer.Option("--sky/--no-sky", help="With SKY exposures of their own.")
    ] = True,
    exposures: Annotated[
        int, typer.Option(min=1, max=40, help="OBJECT exposures an OB.")
    ] = 2,
    ifus: Annotated[
        int, typer.Option(min=1, max=IFUS, help="Live IFUs; the field grows upwards.")
    ] = 1,
    past: Annotated[
        int,
        typer.Option(
            "--history",
            min=0,
            max=MOST,
            help="Datacubes of other runs before, in the tables of the history alone.",
        ),
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON.")
    ] = False,
) -> None:
    """Simulate MUSE raw frames, calibrations and the AB store below OUTDIR.

    What was put into the exposures is written to OUTDIR/truth.json.
    """
    errors = Console(stderr=True)
    try:
        scenario = select(
            default_scenario(exposures, sky=sky), tuple(run or ()), tuple(target or ())
        )
        with Bar(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("simulating", total=None)
            made = simulate(
                outdir,
                scenario,
                evolve(SIZES[size.value], ifus=ifus),
                seed,
                deep=deep,
                past=past,
                progress=lambda name, number, total: bar.update(
                    task, description=name, completed=number, total=total
                ),
            )
    except (SimulationError, OSError) as error:
        errors.print(
            f"phoenix_simulate_MUSE: {error}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(REFUSED) from None
    if as_json:
        sys.stdout.write(json.dumps(summary(made), indent=1) + "\n")
    else:
        Console().print(_overview(scenario, made))


def summary(made: Observatory) -> dict[str, object]:
    """Count what was made."""
    return {
        "outdir": str(made.outdir),
        "truth": str(made.truth),
        "raw": len(made.raw),
        "calib": len(made.calib),
        "history_abs": len(made.history),
        "deep_abs": len(made.deep),
        "tables": [str(path) for path in made.tables],
    }


def main() -> None:
    """Run the command."""
    app(prog_name="phoenix_simulate_MUSE")


def _overview(scenario: Scenario, made: Observatory) -> Table:
    """Lay the OBs out as a table."""
    table = Table(
        title=f"{made.outdir}: {len(made.raw)} raw frames, {len(made.calib)}"
        f" calibrations, {len(made.history)} + {len(made.deep)} ABs",
        caption="O = OBJECT, o = aborted OBJECT, S = SKY",
        box=SIMPLE,
    )
    for column in ("run", "target", "OB", "night", "grade", "exposures"):
        table.add_column(column, no_wrap=True)
    for run, target, block in scenario.visits():
        letters = (one.kind.value[0] for one in block.exposures)
        pattern = (
            letter.lower() if one.aborted else letter
            for letter, one in zip(letters, block.exposures, strict=True)
        )
        table.add_row(
            run.run_id,
            f"{target.name} (crowded)" if target.crowded else target.name,
            block.name,
            block.exposures[0].civil_date,
            block.grade,
            "".join(pattern),
        )
    return table
