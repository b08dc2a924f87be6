"""make bench, fourth part: phoenix_getInfoRun on 50,000 datacubes in 1,000 runs.

The rows are simulated as `phoenix_simulate_MUSE --history` does; every twentieth run is
to be combined. The real command is called: from nothing, again, and after one datacube
was added. The figures are added to bench-results.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import sqlalchemy as sa
from phoenix_muse_sim.long_history import long_history

from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.discovery import table_named
from phoenix_core.qc1.ingest import ingest_columns
from phoenix_core.qc1.schema import as_sql

CONFIG = """\
instrument = "MUSE"
mode = "DEEP"

[directories]
root = "{root}"
"""
COMMAND = Path(sys.executable).with_name("phoenix_getInfoRun")
SEED = 1
EVERY = 20  # runs, of which one is to be combined
GOALS = {"from nothing": 10.0, "after one new datacube": 1.0}  # seconds
LARGEST = 500_000  # bytes
MEMORY = 300e6  # bytes


def tell(line: str) -> None:
    """Print a line of the figures."""
    sys.stdout.write(f"{line}\n")


def make_history(root: Path, cubes: int) -> str:
    """Fill the database below a directory; return its address."""
    url = f"sqlite:///{root}/phoenix.db"
    with open_qc1(url) as engine, engine.begin() as connection:
        for name, rows in long_history(cubes, SEED).items():
            ingest_columns(connection, table_named(name), dict(rows))
    return url


def decide(root: Path, url: str) -> int:
    """Have every so many runs combined; return how many."""
    with open_qc1(url) as engine, engine.connect() as connection:
        table = as_sql(table_named("muse_sci_combined"), sa.MetaData())
        query = sa.select(table.c.run_id).distinct().order_by(table.c.run_id)
        runs = connection.execute(query).scalars().all()[::EVERY]
    folder = root / "monitor" / "FINISHED" / "RUN"
    folder.mkdir(parents=True)
    lines = [f"{run} {run.split('.')[0]} deep YES\n" for run in runs]
    (folder / "RUN_TYPE.txt").write_text("".join(lines), "utf-8")
    return len(lines)


def add_datacube(url: str) -> None:
    """Add one datacube, as MUSE_R does."""
    with open_qc1(url) as engine, engine.begin() as connection:
        table = as_sql(table_named("muse_sci_combined"), sa.MetaData())
        row = connection.execute(sa.select(table).limit(1)).one()._asdict()
        row |= {"pipefile": "r.MUSE.2026-01-01T00:00:00.000_pst.fits"}
        connection.execute(sa.insert(table).values(row))


def call(root: Path) -> tuple[float, float, int]:
    """Call the command for all runs: seconds, those of a core, peak memory in bytes."""
    words = (str(COMMAND), "-A", "--config", str(root / "phoenix.toml"))
    start = time.perf_counter()
    process = os.posix_spawn(
        COMMAND,
        words,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"phoenix_getInfoRun ended with {status}")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(root: Path, cubes: int) -> dict[str, object]:
    """Time the calls, in the order of a site's life."""
    (root / "phoenix.toml").write_text(CONFIG.format(root=root), "utf-8")
    # Elsewhere: a child begins with the peak memory of its parent.
    with ProcessPoolExecutor(1) as elsewhere:
        url = elsewhere.submit(make_history, root, cubes).result()
    combined = decide(root, url)
    spent: dict[str, float] = {}
    memory = 0
    for what in ("from nothing", "nothing new", "after one new datacube"):
        if what == "after one new datacube":
            add_datacube(url)
        spent[what], busy, peak = call(root)
        memory = max(memory, peak)
        told = f"{spent[what]:.2f} s, {busy:.2f} s of a core"
        tell(f"phoenix_getInfoRun -A, {what}: {told}")
    pages = list((root / "monitor" / "FINISHED" / "RUN").glob("*.html"))
    largest = max(page.stat().st_size for page in pages)
    tell(
        f"{len(pages)} pages, {combined} runs to combine; largest page "
        f"{largest / 1e3:.0f} kB, memory {memory / 1e6:.0f} MB"
    )
    missed = [what for what, goal in GOALS.items() if spent[what] > goal]
    missed += ["page size"] * (largest > LARGEST) + ["memory"] * (memory > MEMORY)
    return {
        "datacubes": cubes,
        "pages": len(pages),
        "seconds": spent,
        "largest_page": largest,
        "memory": memory,
        "missed": missed,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and add what came out to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datacubes", type=int, default=50_000)
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        figures = measure(Path(directory), given.datacubes)
    results = {}
    if given.output.exists():
        results = json.loads(given.output.read_text("utf-8"))
    results["pages"] = figures
    given.output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    if figures["missed"]:
        tell(f"goals missed: {figures['missed']}")


if __name__ == "__main__":
    main()
