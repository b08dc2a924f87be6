"""Pixels of exposure maps are the times that they mean."""

import struct

import numpy as np
import pytest

from phoenix_core.sdp import map_pixels
from phoenix_core.sdp.map_pixels import pixels_of
from phoenix_core.sdp.product import read_product


def pixels(dataset):
    return pixels_of(read_product(dataset.map.path, with_data=False))


def test_the_median_is_that_of_the_pixels_above_0(dataset):
    found = pixels(dataset)
    assert (found.undefined, found.negative, found.median) == (0, 0, 1800.0)


def test_scaled_whole_numbers_are_times(dataset):
    dataset.map.hdus[0].data = struct.pack(">20h", *range(-10, 10))
    dataset.map.set(0, BITPIX=16, BSCALE=2.0, BZERO=20.0)
    found = pixels(dataset)
    assert (found.undefined, found.negative) == (0, 0)
    assert found.median == pytest.approx(np.median(np.arange(2, 40, 2)))


def test_all_pixels_count_however_they_are_read(dataset, monkeypatch):
    monkeypatch.setattr(map_pixels, "_CHUNK", 3)
    times = [float("nan"), float("inf"), -1.0, 0.0, *range(1, 17)]
    dataset.map.hdus[0].data = struct.pack(">20f", *times)
    dataset.map.write()
    found = pixels(dataset)
    assert (found.undefined, found.negative) == (2, 1)


def test_a_map_without_exposure_has_no_median(dataset):
    dataset.map.hdus[0].data = bytes(80)
    dataset.map.write()
    assert pixels(dataset).median is None


def test_what_has_no_plane_has_no_pixels(dataset):
    dataset.map.set(0, NAXIS1=None, NAXIS2=None, NAXIS=0)
    assert pixels(dataset) is None
