"""idpConvert_mu_deep: IDPs made of the certified deep cubes of a run, in `conv`.

A cube of many GB is not copied to get other headers: certified file and IDP share their
data (`phoenix_core.fits.share_edited`), and how the cube was certified stays known to
the byte. The other files are copies. All have temporary names until they are whole. The
cube is made last, so that what names a file finds it; a call that was killed is
repeated by the next one. CONVERTED tells what each IDP was made from; what is up to
date is not made again.
"""

import hashlib
import re
from collections.abc import Container, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from muse_deep_plugin.conversion.converted import (
    UNDER_WAY,
    Known,
    fingerprint,
    read_converted,
    write_converted,
)
from muse_deep_plugin.conversion.dataset import Dataset, datasets
from muse_deep_plugin.conversion.grades import grades_of
from muse_deep_plugin.conversion.idp_cards import (
    Grade,
    Link,
    cube_edit,
    extension_edit,
    image_edit,
)
from muse_deep_plugin.conversion.measured import measured_of
from muse_deep_plugin.conversion.names import cube_name, names_of, remove_former_plots
from muse_deep_plugin.headers import primary_header
from phoenix_core.archive.datasets import conv_dir, keep_datasets
from phoenix_core.archive.ingest_state import ingest_state
from phoenix_core.errors import ConfigError, IngestionError, ProcessingError
from phoenix_core.files.atomic import remove_leftovers, write_bytes
from phoenix_core.files.run_lock import holding
from phoenix_core.fits.as_certified import (
    certified_headers,
    give_back,
    has_other_headers,
)
from phoenix_core.fits.edit import HeaderEdit, copy_edited
from phoenix_core.fits.share_edited import copy_certified, share_edited
from phoenix_core.model import Idp, Run
from phoenix_core.records.receipts import KeptReceipt, latest, read_receipts
from phoenix_core.records.verdicts import products_id

if TYPE_CHECKING:
    from astropy.io import fits

PGI: Final = "idpConvert_mu_deep"
SUFFIX: Final = "pst1"
README: Final = "ANCILLARY.README"
PREVIEW: Final = "ANCILLARY.PREVIEW"

_SUFFIX: Final = re.compile(r"pst[0-9]{1,4}")
_CHUNK: Final = 1 << 20


@frozen
class Options:
    """Options of the conversion.

    With `copy` the certified cube stays untouched and the IDP is a file of its own:
    twice the disk, and the time to copy it.
    """

    copy: bool = False


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
    with _alone(run):
        conv.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(run)
        grades = grades_of(run.config)
        options = run.options(PGI, Options)
        receipts = latest(read_receipts(run))
        done = tuple(
            _held(run, dataset, receipts)
            or _convert(dataset, conv, suffix, grades, options)
            for dataset in datasets(run)
            if blocks is None or dataset.block.name in blocks
        )
        keep_datasets(run, [idp_of(run, one) for one in done if not one.archive])
    return done


def restore(run: Run) -> tuple[Path, ...]:
    """Make the cubes of a run again as they were certified; their IDPs stay.

    Returns:
        The cubes that had other headers.

    Raises:
        ConfigError: there is no certified deep cube, or an AB is damaged.
        ProcessingError: another call converts this run; cubes would not be what was
            certified, and were left alone; the others are restored.
        OSError: it cannot be written; this cube was not changed.
    """
    with _alone(run):
        certified = {
            dataset.cube: dataset.checksum
            for dataset in datasets(run)
            if dataset.cube.is_file() and has_other_headers(dataset.cube)
        }
        _remove_leftovers(run)
        problems = []
        for path, checksum in certified.items():
            try:
                give_back(path, checksum)
            except ProcessingError as error:
                problems.append(str(error))
    if problems:
        raise ProcessingError("\n".join(problems))
    return tuple(certified)


def idp_of(run: Run, one: Converted) -> Idp:
    """Return a dataset as ingestProducts has it."""
    path = one.idp or conv_dir(run) / "incomplete.fits"
    return Idp(one.block, path, one.files, one.target, one.missing)


def _alone(run: Run) -> AbstractContextManager[None]:
    lock = run.monitor_dir / ".idpConvert.lock"
    return holding(lock, f"the conversion of {run.label}")


def _remove_leftovers(run: Run) -> None:
    """Remove what killed calls have left beside the cubes, too: it may be as large."""
    conv = conv_dir(run)
    for directory in (conv, conv.parent):
        remove_leftovers(directory)


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
    dataset: Dataset,
    conv: Path,
    suffix: str,
    grades: Mapping[int, Grade],
    options: Options,
) -> Converted:
    if dataset.missing:
        return _told(dataset)
    headers = _certified(dataset.cube)
    primary = headers[0]
    known = read_converted(conv)
    before = known.get(cube_name(dataset, primary))
    suffix = suffix or (before.suffix if before else "") or SUFFIX
    names = names_of(dataset, primary, suffix)
    sums = {path: _md5(path) for path in (dataset.log, *names.plots)}
    made_from = fingerprint(dataset, names, sums, grades)
    files = tuple(conv / name for name in names.others)
    idp = conv / names.cube
    done = Converted(dataset.block.name, dataset.target, idp, files)
    now = Known(made_from, suffix)
    is_there = all(path.is_file() for path in (idp, *files))
    if known.get(names.cube) == now and is_there and _has_data_of(idp, headers):
        return Converted(done.block, done.target, idp, files, is_new=False)
    if before:  # what a killed call leaves is partly of now, partly of before
        write_converted(conv, {**known, names.cube: Known(UNDER_WAY, suffix)})
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
    measured = measured_of(dataset, primary)
    edit = cube_edit(dataset, primary, headers[1], measured, links, grades)
    make = copy_certified if options.copy else share_edited
    make(dataset.cube, idp, _edits(headers, edit), dataset.checksum)
    remove_former_plots(dataset, conv, names)
    write_converted(conv, {**known, names.cube: now})
    return done


# What is in the files -------------------------------------------------------------


def _certified(path: Path) -> list["fits.Header"]:
    """The headers that a cube was certified with."""
    from astropy.io import fits  # noqa: PLC0415, costs start-up

    try:
        texts = certified_headers(path)
        return [fits.Header.fromstring(text) for text in texts]
    except (OSError, ValueError, fits.VerifyError) as error:
        reason = " ".join(str(error).split())
        raise ProcessingError(f"{path} cannot be read: {reason}") from error


def _has_data_of(idp: Path, headers: list["fits.Header"]) -> bool:
    """Whether an IDP is whole and says that it has the data of the certified cube."""
    try:
        own = _certified(idp)
    except ProcessingError:
        return False
    sums = [[header.get("DATASUM") for header in one] for one in (own, headers)]
    return sums[0] == sums[1]


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


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
