"""Names of the files of an IDP, as ESO's archive knows them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from muse_deep_plugin.conversion.dataset import Dataset
from phoenix_core.association_block import is_safe_name
from phoenix_core.errors import IngestionError

if TYPE_CHECKING:
    from astropy.io import fits

_SINGLE: Final = re.compile(r"(r\..+)_pst[0-9]{1,4}\.png")


@frozen
class Names:
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


def cube_name(dataset: Dataset, primary: "fits.Header") -> str:
    """Return the name of the cube in conv."""
    return f"MU_SCBD_{_stem(dataset, primary)}"


def names_of(dataset: Dataset, primary: "fits.Header", suffix: str) -> Names:
    """Return the names of all files in conv; `suffix` is that of the exposures' plots.

    Raises:
        IngestionError: the header of the cube makes no name of a file.
    """
    stem = _stem(dataset, primary)
    own, *singles = dataset.plots
    renamed = {
        path: path.name.removesuffix("_pst.png") + f"_{suffix}.png" for path in singles
    }
    names = Names(
        cube=cube_name(dataset, primary),
        image=f"MU_SIMD_{stem}",
        exposure_map=f"MU_SXPM_{stem}" if dataset.exposure_map else "",
        log=f"{dataset.block.root}.log",
        plots={own: own.name, **renamed},
    )
    for name in (names.cube, *names.others):
        if not is_safe_name(name):
            raise IngestionError(f"{dataset.cube}: '{name}' would be no name of a file")
    return names


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


def remove_former_plots(dataset: Dataset, conv: Path, names: Names) -> None:
    """Remove plots of these exposures under an earlier suffix: no cube names them."""
    roots = {one.single.removesuffix("_pst") for one in dataset.exposures}
    kept = set(names.plots.values())
    for path in conv.glob("r.*_pst*.png"):
        match = _SINGLE.fullmatch(path.name)
        if match and match[1] in roots and path.name not in kept:
            path.unlink(missing_ok=True)
