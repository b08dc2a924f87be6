"""Draw the picture of the README: one exposure beside the deep datacube of a target.

python docs/picture.py SINGLE_CUBE DEEP_CUBE PNG
"""

import sys

import numpy as np
from astropy.io import fits
from astropy.visualization import AsinhStretch, ImageNormalize
from matplotlib.figure import Figure

SPAXEL = 0.2  # arcsec


def white_light(path):
    """Mean over wavelength, and noise of one voxel, of a datacube."""
    with fits.open(path) as hdus:
        cube = hdus["DATA"].data
        noise = 1.4826 * np.nanmedian(np.abs(np.diff(cube, axis=0))) / np.sqrt(2)
        return np.nanmean(cube, axis=0), noise


def main(single, deep, target):
    """Draw both with the same stretch."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    norm = ImageNormalize(vmin=-3, vmax=150, stretch=AsinhStretch(0.05))
    titles = ("one exposure", "deep datacube")
    for axes, path, title in zip(
        figure.subplots(1, 2), (single, deep), titles, strict=True
    ):
        image, noise = white_light(path)
        high, wide = image.shape
        across, up = wide * SPAXEL / 2, high * SPAXEL / 2
        extent = (across, -across, -up, up)
        axes.imshow(image, origin="lower", cmap="magma", norm=norm, extent=extent)
        axes.set_title(f"{title}: noise {noise:.1f} per voxel", loc="left")
        axes.set_xlim(5.4, -5.4)
        axes.set_ylim(-5.4, 5.4)
        axes.set_facecolor("black")
        axes.set_xlabel("east [arcsec]")
        axes.set_ylabel("north [arcsec]")
    figure.savefig(target, dpi=100)


if __name__ == "__main__":
    main(*sys.argv[1:])
