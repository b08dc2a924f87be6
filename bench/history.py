"""make bench, third part: a history of 50,000 datacubes in 1,000 runs.

The rows of the final datacubes, of which there is one an OB, are read from a file of
ECSV and put into the database; then an overview asks for all runs. Times are medians,
the first one apart. The figures are added to bench-results.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from phoenix_muse_sim.history_tables import ecsv
from phoenix_muse_sim.long_history import long_history

from muse_deep_plugin.qc1_tables import COMBINED
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.ingest import ingest_columns
from phoenix_core.qc1.read_file import read_rows
from phoenix_core.qc1.schema import as_sql

TIMES = 5


def seconds(work: Callable[[], object]) -> float:
    """Time some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def overview() -> sa.Select[tuple[object, ...]]:
    """Ask for a line a run: its datacubes, targets, nights and time."""
    cubes = as_sql(COMBINED, sa.MetaData())
    return (
        sa.select(
            cubes.c.run_id,
            sa.func.count(),
            sa.func.count(cubes.c.target.distinct()),
            sa.func.min(cubes.c.civil_date),
            sa.func.max(cubes.c.civil_date),
            sa.func.sum(cubes.c.texptime),
        )
        .group_by(cubes.c.run_id)
        .order_by(cubes.c.run_id)
    )


def measured(number: int, database: str) -> dict[str, float]:
    """Measure with a database, by default one of SQLite in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "muse_sci_combined.ecsv"
        made = seconds(
            lambda: path.write_bytes(
                ecsv(path.stem, [long_history(number, 1)[path.stem]])
            )
        )
        reading = [seconds(lambda: read_rows(path, COMBINED)) for _ in range(TIMES)]
        columns = read_rows(path, COMBINED)
        with open_qc1(database or f"sqlite:///{folder}/phoenix.db") as engine:

            def put() -> None:
                with engine.begin() as connection:
                    ingest_columns(connection, COMBINED, columns)

            def asked() -> int:
                with engine.connect() as connection:
                    return len(connection.execute(overview()).all())

            first = seconds(put)
            again = [seconds(put) for _ in range(TIMES)]
            runs = asked()
            asking = [seconds(asked) for _ in range(TIMES)]
    return {
        "datacubes": number,
        "runs": runs,
        "simulate_s": made,
        "read_s": statistics.median(reading),
        "ingest_s": first,
        "replace_s": statistics.median(again),
        "overview_s": statistics.median(asking),
    }


def main() -> None:
    """Measure, print, add the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datacubes", type=int, default=50_000)
    parser.add_argument("--database", default="", help="an empty one; its rows stay")
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    wanted = parser.parse_args()
    figures = measured(wanted.datacubes, wanted.database)
    there = wanted.output.exists()
    results = json.loads(wanted.output.read_text("utf-8")) if there else {}
    results["history"] = figures
    wanted.output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    sys.stdout.write(
        f"history, {figures['datacubes']} datacubes of {figures['runs']} runs: "
        f"read {figures['read_s']:.2f} s, rows in {figures['ingest_s']:.2f} s, "
        f"replaced {figures['replace_s']:.2f} s, "
        f"overview {figures['overview_s']:.3f} s\n"
    )


if __name__ == "__main__":
    main()
