"""pgi_phoenix_GEN_MCAL: every file that the run takes is there once, and whole."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import evolve, field, frozen, validators

from phoenix_core import hookimpl
from phoenix_core.ab.inputs import files_below
from phoenix_core.fits.file import FitsCheck, check_fits
from phoenix_core.model import Cascade, Finding, Run

PGI = "pgi_phoenix_GEN_MCAL"
_FITS = (".fits", ".fits.fz")
_NAMED = 5  # files that a message names before it counts the rest


@frozen
class Options:
    """How many files are read at a time, and whether what is wrong stops the run.

    Where it does not, it is a warning, and the ABs that take the file fail in part 2.
    """

    threads: int = field(default=4, validator=validators.ge(1))
    stops: bool = True


@hookimpl
def hdr_pgi(run: Run, cascade: Cascade) -> list[Finding]:
    """Look for every RAWFILE below raw and every REAL MCALIB below calib; read each.

    What is missing, there twice or damaged is an error, named with the ABs that take
    it. Files without any CHECKSUM cannot be vouched for: a warning.
    """
    directories = run.config.directories
    wanted: dict[tuple[Path, str], list[str]] = {}
    for block in cascade.blocks:
        real = [m.file for m in block.mcalibs if not m.is_virtual]
        places = [(directories.raw, raw.file) for raw in block.rawfiles]
        places += [(directories.calib, file) for file in real]
        for place in dict.fromkeys(places):
            wanted.setdefault(place, []).append(block.name)
    there = {folder: files_below(folder) for folder in {folder for folder, _ in wanted}}
    findings = []
    files: dict[Path, list[str]] = {}
    for (folder, name), blocks in wanted.items():
        match there[folder].get(name, ()):
            case [path]:
                files[path] = blocks
            case []:
                missing = f"{name} is not below {folder}; put it there"
                findings.append(_error(missing, blocks))
            case several:
                where = " and ".join(map(str, several))
                twice = f"{name} is there {len(several)} times: {where}; keep one"
                findings.append(_error(twice, blocks))
    options = run.options(PGI, Options)
    findings += _damages(files, options.threads)
    return [evolve(f, is_error=f.is_error and options.stops) for f in findings]


def _damages(files: Mapping[Path, Sequence[str]], threads: int) -> Iterator[Finding]:
    paths = [path for path in files if path.name.endswith(_FITS)]
    unsigned = []
    with ThreadPoolExecutor(threads) as pool:
        for path, check in zip(paths, pool.map(_check, paths), strict=True):
            if check.problems:
                problem = f"{path} is damaged: {check.problems[0]}; fetch it again"
                yield _error(problem, files[path])
            elif check.unsigned == check.hdus:
                unsigned.append(path)
    if unsigned:
        names = _several([path.name for path in unsigned])
        message = f"without any CHECKSUM, damage would not be seen: {names}"
        yield Finding(message, files[unsigned[0]][0])


def _check(path: Path) -> FitsCheck:
    try:
        return check_fits(path, with_sha256=False)
    except OSError as error:
        return FitsCheck((f"it cannot be read ({error.strerror})",))


def _error(message: str, blocks: Sequence[str]) -> Finding:
    return Finding(f"{message} ({_several(blocks)})", blocks[0], is_error=True)


def _several(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
