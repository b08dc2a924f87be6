"""FITS files to edit, to damage and to check."""

import numpy as np
import pytest
from astropy.io import fits


def _write(path, **options):
    """A file with a bare primary HDU, an image, a table and a compressed image."""
    primary = fits.PrimaryHDU()
    primary.header["HIERARCH ESO PRO CATG"] = ("MASTER_BIAS", "category")
    primary.header["DATAMD5"] = "0123"
    pixels = np.arange(35 * 31, dtype="f4").reshape(35, 31)
    columns = [fits.Column("n", "J", array=np.arange(9))]
    hdus = [
        primary,
        fits.ImageHDU(pixels, name="DATA"),
        fits.BinTableHDU.from_columns(columns, name="TABLE"),
        fits.CompImageHDU(np.arange(900, dtype="i4").reshape(30, 30), name="PACKED"),
    ]
    fits.HDUList(hdus).writeto(path, **options)
    return path


@pytest.fixture
def write_fits(tmp_path):
    """A function that writes such a file under a name."""
    return lambda name, **options: _write(tmp_path / name, **options)


@pytest.fixture
def signed(write_fits):
    return write_fits("signed.fits", checksum=True)


@pytest.fixture(scope="session")
def signed_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("fits") / "signed.fits"
    return _write(path, checksum=True).read_bytes()
