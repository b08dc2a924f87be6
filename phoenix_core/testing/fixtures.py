"""The fixtures of `phoenix_core.testing`; what they need is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from phoenix_core.model import Run
    from phoenix_core.testing.outcome import RunOutcome

CONFIG = """\
instrument = "TOY"
mode = "DEEP"
ab_branch = "TOY_deep"

[directories]
root = "{root}"
"""


class FitsProduct(Protocol):
    """How the fixture `fits_product` is called."""

    def __call__(
        self, header: Mapping[str, object] | None = None, path: Path | None = None
    ) -> Path:
        """Write a tiny FITS file with this header, and return where it lies."""


class Phoenix(Protocol):
    """How the fixture `phoenix` is called."""

    def __call__(self, config: Path, pool: str, parts: str = "CPM") -> RunOutcome:
        """Run parts of the workflow, and return what became of it."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run 094.A-0001A with a configuration and empty directories in tmp_path."""
    import attrs  # noqa: PLC0415

    from phoenix_core.config import ENVIRONMENT, read_config  # noqa: PLC0415
    from phoenix_core.model import Run  # noqa: PLC0415
    from phoenix_core.pseudo_date import pseudo_date  # noqa: PLC0415
    from phoenix_core.run_id import parse_run_id  # noqa: PLC0415

    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    file = tmp_path / "phoenix.toml"
    file.write_text(CONFIG.format(root=tmp_path / "phoenix-data"), "utf-8")
    config = read_config(file)
    for directory in attrs.astuple(config.directories):
        directory.mkdir(parents=True, exist_ok=True)
    run_id = parse_run_id("094.A-0001A")
    return Run(date=pseudo_date(run_id), config=config, run_id=run_id)


@pytest.fixture
def fits_product(tmp_path: Path) -> FitsProduct:
    """A function that writes a tiny FITS file: an image of 4 x 4 pixels, CHECKSUM."""

    def write(
        header: Mapping[str, object] | None = None, path: Path | None = None
    ) -> Path:
        import numpy as np  # noqa: PLC0415
        from astropy.io import fits  # noqa: PLC0415

        path = path or tmp_path / "product.fits"
        path.parent.mkdir(parents=True, exist_ok=True)
        hdu = fits.PrimaryHDU(np.ones((4, 4), np.float32))
        for keyword, value in (header or {}).items():
            # astropy warns of long names unless it is told that this is wanted.
            is_long = len(keyword) > 8 and not keyword.startswith("HIERARCH")  # noqa: PLR2004
            hdu.header[f"HIERARCH {keyword}" if is_long else keyword] = value
        hdu.writeto(path, checksum=True, overwrite=True)
        return path

    return write


@pytest.fixture
def phoenix(monkeypatch: pytest.MonkeyPatch) -> Phoenix:
    """A function that runs parts of the workflow in this process.

    ``phoenix(config, pool, parts)``: a configuration file, the run id or night, and
    the letters of the parts, by default all three of phoenix; I is ingestProducts and U
    cleanupProducts. Directories are the ones of the
    configuration; the variables of the environment that override them are taken away.
    """
    from phoenix_core.config import ENVIRONMENT  # noqa: PLC0415
    from phoenix_core.testing.outcome import run_parts  # noqa: PLC0415

    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    return run_parts
