"""make bench, second part: createAB on 10,000 simulated headers of realistic size.

Files have a primary header of 300 cards and four extensions of 60; their pixels are
holes that take no disk. The first call reads all headers, the second one finds them in
the database. The figures are added to bench-results.json.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from phoenix_core.config import read_config
from phoenix_core.create_ab import create_abs, read_rules
from phoenix_core.model import Run

NIGHT, MJD = "2024-03-10", 60379.5
CONFIG = """\
instrument = "BENCH"
mode = "IDP"

[directories]
root = "{root}"

[phoenix]
AB_SOURCE = "createAB"
AB_PGI = "pgi_phoenix_BENCH_AB"
JOB_PGI = "pgi_phoenix_BENCH_JOB"

[processAB]
DRS = "pgi_phoenix_BENCH_DRS"
"""
RULES = """\
only = { INSTRUME = "BENCH" }
[tolerance]
"ESO DET DIT" = 1e-4
[[classify]]
tag = "DARK"
when = { "ESO DPR TYPE" = "DARK" }
[[classify]]
tag = "FLAT"
when = { "ESO DPR TYPE" = "FLAT" }
[[classify]]
tag = "OBJECT"
when = { "ESO DPR TYPE" = "OBJECT", "ESO DPR TECH" = "IMAGE" }
[[classify]]
tag = "SINGLE"
when = { "ESO DPR TYPE" = "OBJECT" }
[[group]]
name = "dark"
tags = ["DARK"]
keys = ["ESO DET DIT", "ESO TPL START"]
recipe = "dark"
ab_tag = "_dark"
minimum = 3
products = ["MASTER_DARK"]
[[group]]
name = "flat"
tags = ["FLAT"]
keys = ["ESO INS FILT1 NAME", "ESO TPL START"]
recipe = "flat"
ab_tag = "_flat"
products = ["MASTER_FLAT"]
[[group.associate]]
tag = "MASTER_DARK"
keys = ["ESO DET DIT"]
[[group]]
name = "science"
tags = ["OBJECT"]
keys = ["ESO OBS ID", "ESO DET DIT", "ESO INS FILT1 NAME"]
recipe = "science"
products = ["IMAGE"]
[[group.associate]]
tag = "MASTER_DARK"
keys = ["ESO DET DIT"]
levels = [{ window = "1 d" }, { window = "30 d" }]
[[group.associate]]
tag = "MASTER_FLAT"
keys = ["ESO INS FILT1 NAME"]
[[group.associate]]
tag = "STATIC"
[[group]]
name = "single"
tags = ["SINGLE"]
keys = ["file"]
recipe = "single"
products = ["TABLE"]
[[group.associate]]
tag = "MASTER_DARK"
keys = ["ESO DET DIT"]
levels = [{ window = "1 h" }, { window = "1 d" }, { window = "30 d" }]
[[group.associate]]
tag = "MASTER_FLAT"
keys = ["ESO INS FILT1 NAME"]
time = "before"
[[group.associate]]
tag = "STATIC"
[[group]]
name = "template"
from = ["single"]
keys = ["ESO OBS ID"]
takes = ["TABLE"]
raw_type = "TABLE"
ab_tag = "_tpl"
recipe = "combine"
"""

Cards = Mapping[str, str | int | float]


def card(keyword: str, value: str | float) -> str:
    """Write one card of a header."""
    shown = f"'{value}'" if isinstance(value, str) else f"{value!r:>20}"
    name = f"{keyword:<8}= " if len(keyword) <= 8 else f"HIERARCH {keyword} = "  # noqa: PLR2004
    return f"{name}{shown}".ljust(80)


def header(cards: Iterator[str]) -> bytes:
    """Join cards to a header of whole blocks."""
    text = "".join(cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // 2880) * 2880).encode("ascii")


FILLING = "".join(card(f"ESO TEL SENSOR{n} VALUE", n / 7) for n in range(300))
CHIP: Cards = {
    "XTENSION": "IMAGE   ",
    "BITPIX": 16,
    "NAXIS": 2,
    "NAXIS1": 2048,
    "NAXIS2": 2048,
    "PCOUNT": 0,
    "GCOUNT": 1,
    **{f"ESO DET CHIP PARAM{n}": n / 3 for n in range(53)},
}
EXTENSION = header(card(keyword, value) for keyword, value in CHIP.items())
PIXELS = -(-2048 * 2048 * 2 // 2880) * 2880


def write(path: Path, cards: Cards) -> None:
    """Write a file: headers, and holes for the pixels."""
    own = "".join(card(keyword, value) for keyword, value in cards.items())
    basic = "SIMPLE  =                    T".ljust(80)
    basic += card("BITPIX", 8) + card("NAXIS", 0) + card("INSTRUME", "BENCH   ")
    filling = FILLING[: 80 * (299 - (len(basic) + len(own)) // 80)]
    with path.open("wb") as file:
        file.write(header(iter((basic, filling, own))))
        for _ in range(4):
            file.write(EXTENSION)
            file.seek(PIXELS, 1)
        file.truncate()


def frames(number: int) -> Iterator[Cards]:
    """Give the cards of raw frames: darks, flats, OBs of 20, single exposures."""
    for place in range(number):
        kind = ("DARK", "FLAT", "OBJECT", "OBJECT", "OBJECT", "SINGLE")[place % 6]
        visit = place // 6 // (10 if kind in {"DARK", "FLAT"} else 20)
        yield {
            "MJD-OBS": round(MJD + place / number, 8),
            "EXPTIME": 10.0,
            "ESO DPR CATG": "SCIENCE" if place % 6 > 1 else "CALIB",
            "ESO DPR TYPE": "OBJECT" if kind == "SINGLE" else kind,
            "ESO DPR TECH": "SPECTRUM" if kind == "SINGLE" else "IMAGE",
            "ESO DET DIT": 10.0 if kind != "DARK" else 2.0 + 8.0 * (visit % 2),
            "ESO INS FILT1 NAME": "JHKY"[visit % 4],
            "ESO OBS ID": 1000 * (place % 6) + visit,
            "ESO OBS PROG ID": "094.A-0001(A)",
            "ESO TPL START": f"{NIGHT}T{visit:06d}",
        }


def masters(number: int) -> Iterator[Cards]:
    """Give the cards of master calibrations of the weeks before."""
    for place in range(number):
        yield {
            "MJD-OBS": round(MJD - 60 * place / number, 8),
            "ESO PRO CATG": ("MASTER_DARK", "MASTER_FLAT", "STATIC")[place % 3],
            "ESO DET DIT": (2.0, 10.0)[place % 2],
            "ESO INS FILT1 NAME": "JHKY"[place % 4],
        }


def simulate(root: Path, number: int) -> None:
    """Write the files: four of five are raw frames of one night."""
    raw, calib = root / "raw" / NIGHT, root / "calib"
    raw.mkdir(parents=True)
    calib.mkdir()
    for place, cards in enumerate(frames(number * 4 // 5)):
        write(raw / f"BENCH.{place:05d}.fits", cards)
    for place, cards in enumerate(masters(number - number * 4 // 5)):
        write(calib / f"MASTER_{place:05d}.fits", cards)


def creating(number: int) -> dict[str, float]:
    """Time createAB, the first time and again."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        simulate(root, number)
        path = root / "bench.toml"
        path.write_text(CONFIG.format(root=root), "utf-8")
        run = Run(NIGHT, read_config(path))
        rules = read_rules(RULES)
        times = []
        for _ in range(2):
            start = time.perf_counter()
            blocks = create_abs(run, rules)
            times.append(time.perf_counter() - start)
    return {
        "headers": number,
        "abs": len(blocks),
        "incomplete": sum(b.value("COMPLETENESS") != "COMPLETE" for b in blocks),
        "first_s": times[0],
        "again_s": times[1],
    }


def main() -> None:
    """Measure, print, add the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--headers", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    wanted = parser.parse_args()
    figures = creating(wanted.headers)
    there = wanted.output.exists()
    results = json.loads(wanted.output.read_text("utf-8")) if there else {}
    results["create_ab"] = figures
    wanted.output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    sys.stdout.write(
        f"createAB, {figures['headers']} headers to {figures['abs']} ABs: "
        f"first {figures['first_s']:.2f} s, again {figures['again_s']:.2f} s\n"
    )


if __name__ == "__main__":
    main()
