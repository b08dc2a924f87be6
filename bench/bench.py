"""make bench: what phoenix costs beside make -j2, on the same graph of /bin/true.

Whole processes are timed, each pair in turn, so that a machine's moods hit both. A
table goes to the terminal, the figures to bench-results.json.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from phoenix_core.ab.file import read_block
from phoenix_core.association_block import AssociationBlock

BIN = Path(sys.executable).parent
RUN, DATE = "094.A-0001A", "2094-01-01"
CONFIG = """\
instrument = "BENCH"
mode = "DEEP"
ab_branch = "BENCH_deep"

[directories]
root = "{root}"

[phoenix]
AB_PGI = "pgi_phoenix_BENCH_AB"
JOB_PGI = "pgi_phoenix_BENCH_JOB"

[processAB]
DRS = "pgi_phoenix_BENCH_DRS"

[local]
cores = 2
"""


def graph(number: int) -> dict[str, tuple[str, ...]]:
    """Return AB names and needs: targets of 10 exposures, reduced and combined."""
    needs: dict[str, tuple[str, ...]] = {}
    target = 0
    while len(needs) < number:
        root = f"BENCH.{target:05d}"
        raw = [f"{root}.{n}.ab" for n in range(10)]
        post = [f"{root}.{n}_pst.ab" for n in range(10)]
        needs |= dict.fromkeys(raw, ())
        needs |= {name: (raw[n],) for n, name in enumerate(post)}
        needs[f"{root}_dal.ab"] = tuple(post)
        needs[f"{root}_dpc.ab"] = (*post, f"{root}_dal.ab")
        target += 1
    return dict(list(needs.items())[:number])


def write_store(directory: Path, needs: dict[str, tuple[str, ...]]) -> None:
    """Write the graph as an AB store."""
    directory.mkdir(parents=True)
    for name, inputs in needs.items():
        block = AssociationBlock.create(
            {
                "AB_NAME": name,
                "RAW_TYPE": "BENCH",
                "RECIPE": "true",
                "RUN_ID": RUN,
                "MCALIB": [f"VIRTUAL {need} TRUE" for need in inputs],
            }
        )
        (directory / name).write_text(block.text, "utf-8")


def write_makefile(path: Path, needs: dict[str, tuple[str, ...]]) -> None:
    """Write the graph as a makefile; ':' in names would need care, there is none."""
    rules = [f"all: {' '.join(needs)}"]
    rules += [
        f"{name}: {' '.join(inputs)}\n\t@/bin/true" for name, inputs in needs.items()
    ]
    path.write_text("\n".join(rules) + "\n", "utf-8")


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Run a command; return its wall time (s) and the peak memory of it (MB)."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1000


def orchestration(number: int, rounds: int) -> dict[str, float]:
    """Time phoenix -P and make -j2 in turn."""
    walls: dict[str, list[float]] = {"phoenix": [], "make": [], "ratio": []}
    peak = 0.0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            needs = graph(number)
            write_store(root / "qcweb" / "BENCH_deep" / DATE, needs)
            write_makefile(root / "Makefile", needs)
            config = root / "bench.toml"
            config.write_text(CONFIG.format(root=root), "utf-8")
            phoenix = [str(BIN / "phoenix"), "--config", str(config), "-r", RUN]
            timed([*phoenix, "-C"])
            wall, memory = timed([*phoenix, "-P"])
            base, _ = timed(
                ["make", "-s", "-j2", "-C", folder, "-f", "Makefile", "all"]
            )
            peak = max(peak, memory)
            walls["phoenix"].append(wall)
            walls["make"].append(base)
            walls["ratio"].append(wall / base)
    middle = {name: statistics.median(values) for name, values in walls.items()}
    return {
        "jobs": number,
        "phoenix_ms_a_job": 1000 * middle["phoenix"] / number,
        "make_ms_a_job": 1000 * middle["make"] / number,
        "ratio": middle["ratio"],
        "peak_mb": peak,
    }


def reading(number: int) -> dict[str, float]:
    """Time reading ABs of 120 lines: opened, split, name and needs asked for."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"MCALIB REAL MU_FILE_{n}.fits MASTER_FLAT" for n in range(110)]
        for n in range(number):
            name = f"BENCH.{n:05d}.ab"
            head = [f"AB_NAME {name}", "RECIPE true", "RAW_TYPE BENCH"]
            text = "\n".join([*head, *["OBS_MODE SM"] * 6, *lines, ""])
            Path(folder, name).write_text(text, "utf-8")
        paths = sorted(Path(folder).iterdir())
        read_only = _seconds(lambda: [path.read_bytes() for path in paths])
        blocks = _seconds(lambda: [read_block(path) for path in paths])
    return {"abs": number, "read_s": read_only, "read_block_s": blocks}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def start_up(rounds: int) -> dict[str, float]:
    """CPU of --version and --help over that of ``python -c pass``."""
    commands = {
        "pass": [sys.executable, "-c", "pass"],
        "version": [str(BIN / "phoenix"), "--version"],
        "help": [str(BIN / "phoenix"), "--help"],
    }
    spent: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            before = os.times()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            user = after.children_user - before.children_user
            spent[name].append(user + after.children_system - before.children_system)
    middle = {name: statistics.median(values) for name, values in spent.items()}
    return {
        "pass_s": middle["pass"],
        "version_ratio": middle["version"] / middle["pass"],
        "help_ratio": middle["help"] / middle["pass"],
    }


def main() -> None:
    """Measure, print the table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    wanted = parser.parse_args()
    rows = [orchestration(n, wanted.rounds) for n in wanted.jobs]
    read, start = reading(10_000), start_up(5 * wanted.rounds)
    figures = {
        "machine": f"{os.cpu_count()} cores, {platform.platform()}",
        "orchestration": rows,
        "reading": read,
        "start_up": start,
    }
    wanted.output.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    out = sys.stdout.write
    out(f"{'jobs':>6} {'phoenix ms':>11} {'make ms':>8} {'ratio':>6} {'MB':>6}\n")
    for row in rows:
        out(
            f"{row['jobs']:>6} {row['phoenix_ms_a_job']:>11.2f} "
            f"{row['make_ms_a_job']:>8.2f} {row['ratio']:>6.2f} "
            f"{row['peak_mb']:>6.0f}\n"
        )
    out(
        f"10,000 ABs: bytes {read['read_s']:.2f} s, "
        f"as ABs {read['read_block_s']:.2f} s\n"
    )
    out(
        f"CPU over python -c pass: --version {start['version_ratio']:.1f}, "
        f"--help {start['help_ratio']:.1f}\n"
    )


if __name__ == "__main__":
    main()
