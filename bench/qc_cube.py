"""make bench, last part: a cube of 4 GB, measured beside reading it.

The cube is made: noise that grows where the sky is bright, residuals of sky lines,
stars, an edge of NaN, and its variance. In turn, each in a process of its own: `cat`,
phoenix with numba and without, astropy plane by plane (mean, median and median absolute
deviation of DATA, median of STAT, white light) and mpdaf (its mean and median of the
planes, and white light, of DATA with STAT loaded; of a smaller cube where memory is
short, its time by bytes). The first reading, which is not counted, brings the file into
memory. The figures are added to bench-results.json.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from astropy.io import fits
from attrs import asdict, frozen

PLANES = 3681  # of a real cube
CHUNK = 8  # planes written at once
AGREE = 1e-5  # relative: astropy adds in single precision
MPDAF_NEEDS = 8  # times the cube in memory, with room for others
GOALS = {"of cat": 6.0, "astropy": 5.0, "mpdaf": 10.0, "memory": 250e6}


@frozen
class Spent:
    """What a process needed: seconds, those of a core, peak memory in bytes."""

    seconds: float
    busy: float
    memory: int


def tell(line: str) -> None:
    """Print a line of the figures."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_cube(path: Path, size: int) -> None:
    """Write a cube with DATA and STAT of about that many bytes."""
    rng = np.random.default_rng(1)
    side = max(16, round((size / 8 / PLANES) ** 0.5))
    rows, columns = np.mgrid[0:side, 0:side]
    field = np.zeros((side, side), np.float32)
    for _ in range(20):
        y, x = rng.uniform(0, side, 2)
        distance = (rows - y) ** 2 + (columns - x) ** 2
        field += (rng.uniform(20, 2000) * np.exp(-distance / 10)).astype(np.float32)
    edge = (rows + columns < side // 8) | (rows - columns > side * 7 // 8)
    lines = rng.random(PLANES) < 0.1  # noqa: PLR2004, as in the red
    sigma = np.where(lines, 12.0, 4.0) + np.linspace(0, 2, PLANES)
    level = np.where(lines, rng.normal(0, 3, PLANES), 0.0)
    with path.open("wb") as file:
        fits.PrimaryHDU().writeto(file)
        for name in ("DATA", "STAT"):
            file.write(_header(name, side))
            for k in range(0, PLANES, CHUNK):
                part = slice(k, min(k + CHUNK, PLANES))
                planes = rng.standard_normal(
                    (part.stop - k, side, side), dtype=np.float32
                )
                noise = sigma[part, None, None].astype(np.float32)
                if name == "DATA":
                    planes = planes * noise + level[part, None, None] + field
                else:
                    planes = noise**2 * (1 + np.float32(0.1) * planes)
                planes[:, edge] = np.nan
                file.write(planes.astype(">f4").tobytes())
            file.write(bytes(-file.tell() % 2880))


def _header(name: str, side: int) -> bytes:
    hdu = fits.ImageHDU(name=name)
    hdu.header.update({"BITPIX": -32, "NAXIS": 3})
    for axis, length in enumerate((side, side, PLANES), 1):
        hdu.header.insert(
            f"NAXIS{axis - 1}" if axis > 1 else "NAXIS",
            (f"NAXIS{axis}", length),
            after=True,
        )
    cards = {"CRVAL3": 4750.0, "CRPIX3": 1.0, "CD3_3": 1.25, "CTYPE3": "AWAV"}
    unit = "10**(-20)*erg/s/cm**2/Angstrom"
    cards |= {"CUNIT3": "Angstrom", "BUNIT": unit if name == "DATA" else f"({unit})**2"}
    for axis in (1, 2):
        cards[f"CTYPE{axis}"] = ("RA---TAN", "DEC--TAN")[axis - 1]
        cards |= {f"CRVAL{axis}": 0.0, f"CRPIX{axis}": 1.0, f"CUNIT{axis}": "deg"}
        cards[f"CD{axis}_{axis}"] = 0.2 / 3600
    hdu.header.update(cards)
    text: str = hdu.header.tostring()
    return text.encode("ascii")


def with_phoenix(path: Path, answer: Path) -> None:
    """Measure it as the QC does."""
    from muse_deep_plugin.qc_cube import measure_cube  # noqa: PLC0415

    found = measure_cube(path)
    np.savez(answer, mean=found.mean, median=found.median, white=found.white)


def compile_once(root: Path) -> None:
    """Have numba compile, which it does once for ever."""
    from phoenix_core.cube.measure import (  # noqa: PLC0415
        Bins,
        measure_signal,
        measure_variance,
    )
    from phoenix_core.cube.planes import find_cube  # noqa: PLC0415

    path = root / "small.fits"
    make_cube(path, 8 * PLANES * 2**8)
    with fits.open(path) as hdus:
        measure_signal(find_cube(path, hdus, "DATA"), large=0)
        measure_variance(find_cube(path, hdus, "STAT"), Bins(10, 1.0), large=0)


def without_numba(path: Path, answer: Path) -> None:
    """Measure it as the QC does where numba is not installed."""
    sys.modules["numba"] = None  # type: ignore[assignment]
    with_phoenix(path, answer)


def with_astropy(path: Path, answer: Path) -> None:
    """Measure it as one would by hand, plane by plane."""
    mean, median, mad, noise = np.full((4, PLANES), np.nan)
    with fits.open(path, memmap=True) as hdus:
        shape = hdus["DATA"].shape[1:]
        total, hits = np.zeros(shape), np.zeros(shape, int)
        for k, plane in enumerate(hdus["DATA"].section[k] for k in range(PLANES)):
            is_there = np.isfinite(plane)
            total[is_there] += plane[is_there]
            hits += is_there
            mean[k] = np.nanmean(plane)
            median[k] = np.nanmedian(plane)
            mad[k] = np.nanmedian(np.abs(plane - median[k]))
        for k in range(PLANES):
            noise[k] = np.sqrt(np.nanmedian(hdus["STAT"].section[k]))
    white = np.full(shape, np.nan)
    np.divide(total, hits, out=white, where=hits > 0)
    np.savez(answer, mean=mean, median=median, white=white)


def with_mpdaf(path: Path, answer: Path) -> None:
    """Measure it with the library of the field: all in memory."""
    from mpdaf.obj import Cube  # noqa: PLC0415

    cube = Cube(str(path))
    mean = cube.mean(axis=(1, 2)).data
    cube.median(axis=(1, 2))  # of medians of columns: another number
    white = cube.mean(axis=0).data
    np.savez(answer, mean=mean.filled(np.nan), white=white.filled(np.nan))


def call(work: Callable[[Path, Path], None], path: Path, answer: Path) -> Spent:
    """Do some work in a fresh process."""
    start = time.perf_counter()
    process = get_context("spawn").Process(target=work, args=(path, answer))
    process.start()
    pid = process.pid
    assert pid is not None
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{work.__name__} ended with {status}")
    seconds = time.perf_counter() - start
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def cat(path: Path) -> Spent:
    """Read it as fast as the machine can."""
    start = time.perf_counter()
    null = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = os.posix_spawn("/bin/cat", ["cat", str(path)], {}, file_actions=[null])
    _, _, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def agrees(one: Path, other: Path) -> bool:
    """Whether two ways have measured the same, of what the other one has."""
    with np.load(one) as a, np.load(other) as b:
        return all(
            np.allclose(a[name], b[name], rtol=AGREE, atol=AGREE, equal_nan=True)
            for name in b
        )


def elsewhere(work: Callable[..., None], *arguments: object) -> None:
    """Do it in another process: a child begins with the peak memory of its parent."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} ended with {process.exitcode}")


def memory_left() -> int:
    """Bytes that can be used without others having to go."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    found = dict(line.split(":") for line in lines)
    return int(found["MemAvailable"].split()[0]) * 1024


def measure(root: Path, size: int) -> dict[str, object]:
    """Time all ways on one cube, and compare what they find."""
    path = root / "cube.fits"
    elsewhere(make_cube, path, size)
    elsewhere(compile_once, root)
    cat(path)
    spent = {"cat": cat(path)}
    for work in (with_phoenix, without_numba, with_astropy):
        spent[work.__name__] = call(work, path, root / f"{work.__name__}.npz")
    spent["cat again"] = cat(path)
    reading = min(spent["cat"].seconds, spent["cat again"].seconds)
    ours = spent["with_phoenix"]
    wrong = {
        name: not agrees(root / "with_phoenix.npz", root / f"{name}.npz")
        for name in ("without_numba", "with_astropy")
    }
    bytes_measured = path.stat().st_size
    part = 1.0
    if size > (room := memory_left() // MPDAF_NEEDS):
        path.unlink()
        elsewhere(make_cube, path, room)
        part = path.stat().st_size / bytes_measured
        tell(f"mpdaf would need more memory than there is: {part:.0%} of the cube")
    spent["with_mpdaf"] = call(with_mpdaf, path, root / "with_mpdaf.npz")
    call(with_phoenix, path, root / "again.npz")
    wrong["with_mpdaf"] = not agrees(root / "again.npz", root / "with_mpdaf.npz")
    for name, one in spent.items():
        tell(
            f"{name}: {one.seconds:.2f} s, {one.seconds / reading:.1f} x cat, "
            f"{one.busy:.2f} s of a core, {one.memory / 1e6:.0f} MB"
        )
    slower = {
        "astropy": spent["with_astropy"].seconds / ours.seconds,
        "mpdaf": spent["with_mpdaf"].seconds / part / ours.seconds,
    }
    tell(", ".join(f"{times:.1f} x faster than {n}" for n, times in slower.items()))
    missed = ["of cat"] * (ours.seconds > GOALS["of cat"] * reading)
    missed += [name for name, times in slower.items() if times < GOALS[name]]
    missed += ["memory"] * (ours.memory > GOALS["memory"])
    missed += [
        f"the same numbers {name}" for name, is_wrong in wrong.items() if is_wrong
    ]
    return {
        "bytes": bytes_measured,
        "spent": {name: asdict(one) for name, one in spent.items()},
        "part for mpdaf": part,
        "times faster than": slower,
        "missed": missed,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and add what came out to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=4e9, help="bytes of the cube")
    parser.add_argument("--directory", type=Path, help="where it is made meanwhile")
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        figures = measure(Path(directory), round(given.size))
    results = {}
    if given.output.exists():
        results = json.loads(given.output.read_text("utf-8"))
    results["qc_cube"] = figures
    given.output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    if figures["missed"]:
        tell(f"goals missed: {figures['missed']}")


if __name__ == "__main__":
    main()
