"""idpConvert_mu_deep: IDPs made of the certified deep cubes of a run, in `conv`.

The certified files in ``reduced/<pseudo-date>`` stay as they are: an IDP is a copy,
written in one pass with the new headers (or a clone, where the file system has them),
under a temporary name until it is whole. The cube is written last, so that what names a
file finds it; a call that was killed is repeated by the next one. CONVERTED tells what
each IDP was made from; what is up to date is not made again.
"""

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from muse_deep_plugin.conversion.dataset import Dataset, datasets
from muse_deep_plugin.conversion.grades import grades_of
from muse_deep_plugin.conversion.idp_cards import (
    Grade,
    Link,
    Measured,
    cube_edit,
    extension_edit,
    image_edit,
)
from muse_deep_plugin.headers import primary_header
from phoenix_core import __version__
from phoenix_core.association_block import is_safe_name
from phoenix_core.atomic import remove_leftovers, write_bytes, write_text
from phoenix_core.datasets import conv_dir, keep_datasets
from phoenix_core.errors import ConfigError, IngestionError, ProcessingError
from phoenix_core.fits_edit import HeaderEdit, copy_edited
from phoenix_core.ingest_state import ingest_state
from phoenix_core.model import Idp, Run
from phoenix_core.receipts import KeptReceipt, latest, read_receipts
from phoenix_core.run_lock import holding
from phoenix_core.verdicts import products_id

if TYPE_CHECKING:
    from astropy.io import fits

CONVERTED: Final = "CONVERTED"
SUFFIX: Final = "pst1"
README: Final = "ANCILLARY.README"
PREVIEW: Final = "ANCILLARY.PREVIEW"

_SUFFIX: Final = re.compile(r"pst[0-9]{1,4}")
_SINGLE: Final = re.compile(r"(r\..+)_pst[0-9]{1,4}\.png")
_CHUNK: Final = 1 << 20
_WORDS: Final = (2, 3)  # of a line of CONVERTED; older ones have no suffix


@frozen
class Converted:
    """What became of a dataset: the IDP and its files, or what is missing of it.

    `archive` says that it was ingested: it is not made otherwise then, and once it is
    cleaned up headers are all there is of it.
    """

    block: str
    target: str
    idp: Path | None = None
    files: tuple[Path, ...] = ()  # the associated ones
    missing: tuple[str, ...] = ()
    is_new: bool = True  # False: it was converted before, and still up to date
    archive: str = ""


@frozen
class _Known:
    """What an IDP was made from, and the suffix of its plots."""

    made_from: str
    suffix: str = ""


@frozen
class _Names:
    """The files of an IDP in conv, by what they are copied from."""

    cube: str
    image: str
    log: str
    plots: Mapping[Path, str]
    exposure_map: str = ""  # '' without

    @property
    def others(self) -> tuple[str, ...]:
        """All but the cube."""
        maps = [self.exposure_map] if self.exposure_map else []
        return (self.image, *maps, self.log, *self.plots.values())


def content_check(run: Run) -> tuple[Converted, ...]:
    """Tell of each dataset whether it is complete, and change nothing.

    Raises:
        ConfigError: there is no certified deep cube, or an AB is damaged.
    """
    receipts = latest(read_receipts(run))
    return tuple(
        _held(run, dataset, receipts) or _told(dataset) for dataset in datasets(run)
    )


def convert(
    run: Run, suffix: str = "", blocks: Container[str] | None = None
) -> tuple[Converted, ...]:
    """Convert all complete datasets of a run; the others tell what is missing.

    Args:
        run: the run.
        suffix: of the QC plots of exposures in place of ``pst``; names of associated
            files are unique in the archive. '': the one that a dataset has already,
            else pst1.
        blocks: the ABs whose datasets are wanted; None: all.

    Raises:
        ConfigError: no such suffix; no certified deep cube; an AB is damaged.
        IngestionError: a header lacks what an IDP has to have; what is remembered of
            the archive's receipts is damaged.
        ProcessingError: another call converts this run; a file cannot be read.
    """
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise ConfigError(f"-p {suffix}: expected pst and a number, for example pst2")
    conv = conv_dir(run)
    lock = run.monitor_dir / ".idpConvert.lock"
    with holding(lock, f"the conversion of {run.label}"):
        conv.mkdir(parents=True, exist_ok=True)
        remove_leftovers(conv)
        grades = grades_of(run.config)
        receipts = latest(read_receipts(run))
        done = tuple(
            _held(run, dataset, receipts) or _convert(dataset, conv, suffix, grades)
            for dataset in datasets(run)
            if blocks is None or dataset.block.name in blocks
        )
        keep_datasets(run, [idp_of(run, one) for one in done if not one.archive])
    return done


def idp_of(run: Run, one: Converted) -> Idp:
    """Return a dataset as ingestProducts has it."""
    path = one.idp or conv_dir(run) / "incomplete.fits"
    return Idp(one.block, path, one.files, one.target, one.missing)


def _told(dataset: Dataset) -> Converted:
    return Converted(dataset.block.name, dataset.target, missing=dataset.missing)


def _held(
    run: Run, dataset: Dataset, receipts: Mapping[str, KeptReceipt]
) -> Converted | None:
    """A dataset that is in the archive, as it is made now."""
    receipt = receipts.get(dataset.block.name)
    if not receipt or receipt.id != products_id(dataset.block):
        return None
    conv = conv_dir(run)
    idp, *files = (conv / file.stored.name for file in receipt.files)
    return Converted(
        dataset.block.name,
        dataset.target,
        idp,
        tuple(files),
        is_new=False,
        archive=ingest_state(run)[dataset.block.name],
    )


def _convert(
    dataset: Dataset, conv: Path, suffix: str, grades: Mapping[int, Grade]
) -> Converted:
    if dataset.missing:
        return _told(dataset)
    primary = primary_header(dataset.cube)
    known = _read_converted(conv)
    stem = _stem(dataset, primary)
    suffix = suffix or known.get(f"MU_SCBD_{stem}", _Known("")).suffix or SUFFIX
    names = _names(dataset, stem, suffix)
    sums = {path: _md5(path) for path in (dataset.log, *names.plots)}
    made_from = _fingerprint(dataset, names, sums, grades)
    files = tuple(conv / name for name in names.others)
    idp = conv / names.cube
    done = Converted(dataset.block.name, dataset.target, idp, files)
    now = _Known(made_from, suffix)
    if known.get(names.cube) == now and all(p.is_file() for p in (idp, *files)):
        return Converted(done.block, done.target, idp, files, is_new=False)
    for path, name in {dataset.log: names.log, **names.plots}.items():
        write_bytes(conv / name, path.read_bytes())
    image = _white_image(dataset)
    edits = _edits(_headers(image), image_edit(primary_header(image)))
    copy_edited(image, conv / names.image, edits)
    links = [Link(names.image)]
    if dataset.exposure_map:
        edits = _edits(_headers(dataset.exposure_map), _map_edit(dataset.exposure_map))
        copy_edited(dataset.exposure_map, conv / names.exposure_map, edits)
        links.append(Link(names.exposure_map))
    links += [
        Link(names.log, README, sums[dataset.log]),
        *(Link(name, PREVIEW, sums[path]) for path, name in names.plots.items()),
    ]
    headers = _headers(dataset.cube)
    data = headers[1]
    measured = _measured(dataset, primary)
    edit = cube_edit(dataset, primary, data, measured, links, grades)
    copy_edited(dataset.cube, idp, _edits(headers, edit))
    _remove_former_plots(dataset, conv, names)
    _write_converted(conv, {**known, names.cube: now})
    return done


# Names ----------------------------------------------------------------------------


def _stem(dataset: Dataset, primary: "fits.Header") -> str:
    """The documented names: MU_SCBD_<OB>_<first exposure>_<mode>_OBJ.fits."""
    return "_".join(
        [
            str(primary.get("ESO OBS ID", primary.get("OBID1", 0))),
            dataset.exposures[0].name.partition(".")[2],
            str(primary.get("ESO INS MODE", "WFM-NOAO-N")).strip(),
            "OBJ.fits",
        ]
    )


def _names(dataset: Dataset, stem: str, suffix: str) -> _Names:
    own, *singles = dataset.plots
    renamed = {
        path: path.name.removesuffix("_pst.png") + f"_{suffix}.png" for path in singles
    }
    names = _Names(
        cube=f"MU_SCBD_{stem}",
        image=f"MU_SIMD_{stem}",
        exposure_map=f"MU_SXPM_{stem}" if dataset.exposure_map else "",
        log=f"{dataset.block.root}.log",
        plots={own: own.name, **renamed},
    )
    for name in (names.cube, *names.others):
        if not is_safe_name(name):
            raise IngestionError(f"{dataset.cube}: '{name}' would be no name of a file")
    return names


def _remove_former_plots(dataset: Dataset, conv: Path, names: _Names) -> None:
    """Plots of these exposures under an earlier suffix, which no cube names now."""
    roots = {one.single.removesuffix("_pst") for one in dataset.exposures}
    kept = set(names.plots.values())
    for path in conv.glob("r.*_pst*.png"):
        match = _SINGLE.fullmatch(path.name)
        if match and match[1] in roots and path.name not in kept:
            path.unlink(missing_ok=True)


# What is in the files -------------------------------------------------------------


def _headers(path: Path) -> list["fits.Header"]:
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        with fits.open(path) as hdus:
            return [hdu.header.copy() for hdu in hdus]
    except (OSError, fits.VerifyError) as error:
        reason = " ".join(str(error).split())
        raise ProcessingError(f"{path} cannot be read: {reason}") from error


def _edits(headers: list["fits.Header"], primary: HeaderEdit) -> dict[int, HeaderEdit]:
    extensions = {
        n: extension_edit(header)
        for n, header in enumerate(headers)
        if n and header.get("NAXIS")
    }
    return {0: primary, **extensions}


def _map_edit(path: Path) -> HeaderEdit:
    return image_edit(primary_header(path), "ANCILLARY.EXPMAP")


def _white_image(dataset: Dataset) -> Path:
    white = [
        path
        for path in dataset.images
        if "(white)" in str(primary_header(path).get("OBJECT", ""))
    ]
    if len(white) == 1:
        return white[0]
    if len(dataset.images) == 1 and not white:
        return dataset.images[0]
    raise IngestionError(
        f"{dataset.block.name} has {len(white)} white-light images among "
        f"{len(dataset.images)}; one is needed: combine with --filter=white"
    )


def _measured(dataset: Dataset, primary: "fits.Header") -> Measured:
    """What the QC report has, if it has all three: they belong together.

    ABMAGLIM is that of a point source of SKY_RES. Else the cube is measured here.

    Raises:
        IngestionError: nothing tells the resolution, or the cube has no noise.
    """
    known = dataset.report.parameters
    keys = ("SKY_RES", "PIXNOISE", "ABMAGLIM")
    resolution, noise, limit = (_positive([known.get(key)]) for key in keys)
    if resolution and noise and limit:
        return Measured(resolution, "default", noise, limit)
    measured = _positive([known.get("FWHM"), primary.get("ESO QC EXPCOMB FWHM MEDIAN")])
    seeing = ("ESO TEL IA FWHMLIN", "ESO TEL AMBI FWHM START")
    default = _positive([known.get("SEEING"), *(primary.get(key) for key in seeing)])
    resolution = measured or default
    if resolution is None:
        raise IngestionError(
            f"{dataset.cube}: nothing tells SKY_RES, neither a measured FWHM nor the "
            "seeing"
        )
    from muse_deep_plugin.qc_cube import measure_cube  # noqa: PLC0415, costs start-up
    from muse_deep_plugin.qc_depth import abmaglim, pixnoise  # noqa: PLC0415

    measures = measure_cube(dataset.cube)
    noise, limit = pixnoise(measures), abmaglim(measures, resolution)
    if noise is None or limit is None:
        raise IngestionError(
            f"{dataset.cube}: PIXNOISE and ABMAGLIM cannot be measured in it"
        )
    how = "measured" if measured else "default"
    return Measured(resolution, how, noise, limit)


def _positive(values: list[object]) -> float | None:
    """The first number above 0."""
    numbers = (v for v in values if isinstance(v, int | float))
    return next((float(v) for v in numbers if v > 0), None)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


# What was made --------------------------------------------------------------------


def _fingerprint(
    dataset: Dataset,
    names: _Names,
    sums: Mapping[Path, str],
    grades: Mapping[int, Grade],
) -> str:
    """What an IDP is made from: anything else would make another one."""

    def facts() -> Iterator[object]:
        yield __version__
        yield from (record.line for record in dataset.block.products)
        yield from (repr(one) for one in dataset.exposures)
        yield sorted(names.plots.values())
        yield [sums[path] for path in (dataset.log, *names.plots)]
        yield repr(sorted(dataset.report.parameters.items(), key=str))
        yield repr(sorted(grades.items()))

    return hashlib.sha256(json.dumps(list(facts())).encode()).hexdigest()[:32]


def _read_converted(conv: Path) -> dict[str, _Known]:
    path = conv / CONVERTED
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    words = [line.split() for line in lines]
    return {word[0]: _Known(*word[1:]) for word in words if len(word) in _WORDS}


def _write_converted(conv: Path, known: Mapping[str, _Known]) -> None:
    lines = (
        f"{name} {one.made_from} {one.suffix}\n" for name, one in sorted(known.items())
    )
    write_text(conv / CONVERTED, "".join(lines))
