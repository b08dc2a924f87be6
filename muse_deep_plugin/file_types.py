"""What files say they are, held against the tags that the ABs give them.

A recipe believes the tag: a telluric spectrum tagged as response makes a cube of 1e17
flux units, and the recipe ends with exit status 0.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from muse_deep_plugin.headers import ReadHeader
from phoenix_core.ab.inputs import find_file
from phoenix_core.errors import ProcessingError
from phoenix_core.model import Cascade, Finding, Run

ANY_CATEGORY: Final = frozenset({"OUTPUT_WCS", "SKY_MASK"})
"""Tags that files of other categories have rightly: the grid of any cube, and masks,
which people make out of an IMAGE_FOV."""

_NAMED: Final = 5


def file_type_findings(run: Run, cascade: Cascade, read: ReadHeader) -> list[Finding]:
    """Say which calibrations and exposures are not what their ABs take them for.

    Files that are not there, or cannot be read, are another PGI's business; one
    without the keyword says nothing against its tag.
    """
    calib: dict[tuple[str, str], list[str]] = {}
    raw: dict[tuple[str, str], list[str]] = {}
    for block in cascade.blocks:
        for mcalib in block.mcalibs:
            if not mcalib.is_virtual and mcalib.tag not in ANY_CATEGORY:
                calib.setdefault((mcalib.file, mcalib.tag), []).append(block.name)
        for exposure in block.rawfiles:
            if exposure.tag in {"OBJECT", "SKY"}:
                key = (exposure.file, exposure.tag)
                raw.setdefault(key, []).append(block.name)
    directories = run.config.directories
    return [
        *_wrong(directories.calib, calib, "ESO PRO CATG", read),
        *_wrong(directories.raw, raw, "ESO DPR TYPE", read),
    ]


def _wrong(
    directory: Path,
    files: Mapping[tuple[str, str], list[str]],
    keyword: str,
    read: ReadHeader,
) -> Iterator[Finding]:
    label = keyword.removeprefix("ESO ").replace(" ", ".")
    for (name, tag), blocks in files.items():
        try:
            said = str(read(find_file(directory, name)).get(keyword, "")).strip()
        except ProcessingError:
            continue
        if said and said.split(",")[0] != tag:  # DPR.TYPE may have more behind a comma
            more = len(blocks) - _NAMED
            takers = ", ".join(blocks[:_NAMED]) + (f" and {more} more" * (more > 0))
            message = (
                f"{name} is tagged {tag}, but its {label} is {said}; correct the AB or "
                f"the file ({takers})"
            )
            yield Finding(message, blocks[0], is_error=True)
