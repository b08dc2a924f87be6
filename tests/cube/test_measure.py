"""Cubes in one pass: exact, the same with numba and without, in little memory."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phoenix_core.cube import with_numba, with_numpy
from phoenix_core.cube.kernels import LARGE, kernels_for
from phoenix_core.cube.machine_code import _kept
from phoenix_core.cube.measure import Bins, measure_signal, measure_variance
from phoenix_core.cube.planes import find_cube
from phoenix_core.errors import ProcessingError

MPDAF = Path(importlib.util.find_spec("mpdaf").origin).parent / "data"
MINICUBE = MPDAF / "sdetect" / "minicube.fits"  # float32
SINFONI = MPDAF / "obj" / "CUBE.fits"  # doubles
BINS = Bins(number=626, per_unit=25.0)
NEVER = 2**62  # bytes from which on numba is used
ROUNDED = 2.0**-24  # of float32, relative


def write(path, **extensions):
    hdus = [fits.ImageHDU(data, name=name) for name, data in extensions.items()]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def measured(path, large, signal="DATA", variance="STAT"):
    """All that both passes give, by name."""
    with fits.open(path) as hdus:
        one = measure_signal(find_cube(path, hdus, signal), large)
        other = measure_variance(find_cube(path, hdus, variance), BINS, large)
    names = ("white", "hits", "mean", "median", "mad", "noise")
    found = {name: getattr(one, name) for name in names}
    found |= {f"stat_{n}": getattr(other, n) for n in ("median", "depth", "counts")}
    return found


def rough(shape=(23, 31, 37), seed=1):
    """Planes that jump, with NaN, infinities, ties, and one that is all NaN."""
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 5, shape) + rng.normal(0, 300, shape[0])[:, None, None]
    data[rng.random(shape) < 0.1] = np.nan
    data[3] = np.nan
    data[4] = 7.0
    data[5] = np.round(data[5])
    data[6, 0, :3] = np.inf, -np.inf, 1e38
    data[8, 0, 0] = -1e38
    data[9, 1:] = np.nan
    return data.astype(np.float32)


def test_numba_and_numpy_give_the_same_to_the_last_bit(tmp_path):
    stat = np.abs(rough(seed=2)) / 20
    path = write(tmp_path / "cube.fits", DATA=rough(), STAT=stat)
    fast, slow = measured(path, 0), measured(path, NEVER)
    for name, values in slow.items():
        np.testing.assert_array_equal(fast[name], values, err_msg=name)


def test_a_real_cube_is_the_same_with_numba_and_without():
    fast, slow = measured(MINICUBE, 0), measured(MINICUBE, NEVER)
    for name, values in slow.items():
        np.testing.assert_array_equal(fast[name], values, err_msg=name)


@pytest.mark.parametrize("path", [MINICUBE, SINFONI], ids=lambda path: path.stem)
def test_medians_and_deviations_of_a_real_cube_are_exact(path):
    found = measured(path, 0)
    data = fits.getdata(path, "DATA").astype(np.float64)
    by_plane = data.reshape(len(data), -1)
    median = np.nanmedian(by_plane, axis=1)
    np.testing.assert_array_equal(found["median"], median)
    mad = np.nanmedian(np.abs(by_plane - median[:, None]), axis=1)
    np.testing.assert_allclose(found["mad"], mad, rtol=ROUNDED, atol=0)
    np.testing.assert_allclose(found["mean"], np.nanmean(by_plane, axis=1), rtol=1e-11)
    stat = fits.getdata(path, "STAT").astype(np.float64).reshape(len(data), -1)
    np.testing.assert_array_equal(found["stat_median"], np.nanmedian(stat, axis=1))
    values = fits.getdata(path, "STAT")  # edges of bins are rounded as the values are
    places = values[np.isfinite(values)] * values.dtype.type(BINS.per_unit)
    places = places[(places >= 0) & (places < BINS.number)].astype(int)
    expected = np.bincount(places, minlength=BINS.number)
    np.testing.assert_array_equal(found["stat_counts"], expected)


@pytest.mark.filterwarnings("ignore")  # of the cube's unit, as mpdaf reads it
@pytest.mark.parametrize("path", [MINICUBE, SINFONI], ids=lambda path: path.stem)
def test_a_real_cube_is_measured_as_mpdaf_does(path):
    from mpdaf.obj import Cube  # noqa: PLC0415, warns when it is imported

    found = measured(path, 0)
    cube = Cube(str(path))
    mean = cube.mean(axis=(1, 2)).data.filled(np.nan)
    np.testing.assert_allclose(found["mean"], mean, rtol=1e-12)
    white = cube.mean(axis=0).data.filled(np.nan)
    np.testing.assert_allclose(found["white"], white, rtol=1e-12)
    # Its own spectrum of medians is of medians of columns: another number.
    median = np.ma.median(cube.data.reshape(len(cube.data), -1), axis=1)
    np.testing.assert_array_equal(found["median"], median.filled(np.nan))
    stat = np.ma.median(cube.var.reshape(len(cube.data), -1), axis=1)
    np.testing.assert_array_equal(found["stat_median"], stat.filled(np.nan))


def test_planes_have_the_noise_of_their_neighbours_difference(tmp_path):
    data = rough((12, 20, 21))
    path = write(tmp_path / "cube.fits", DATA=data, STAT=data)
    noise = measured(path, 0)["noise"]
    assert np.isnan(noise[[0, -1]]).all()
    for k in (1, 2, 5, 6, 10):  # in both halves
        with np.errstate(invalid="ignore"):
            difference = data[k + 1] - data[k - 1]
        values = difference[np.isfinite(difference)].astype(np.float64)
        if values.size:
            mad = np.median(np.abs(values - np.median(values)))
            assert noise[k] == pytest.approx(1.4826 * mad / np.sqrt(2), rel=1e-6)
        else:
            assert np.isnan(noise[k])


SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=12)
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0, 1.5, np.nan])


@settings(max_examples=60, deadline=None)
@given(SHAPES.flatmap(lambda shape: hnp.arrays(np.float32, shape, elements=FLOATS)))
def test_any_values_give_the_same_with_numba_and_with_numpy(data):
    finders = [module.middle(data[0].size) for module in KERNELS]
    for raw in data.astype(">f4"):
        natives = [module.make_native(raw[None].copy()) for module in KERNELS]
        counts = [counts[0] for _, counts in natives]
        assert counts[0] == counts[1] == np.isfinite(raw).sum()
        planes = [block[0] for block, _ in natives]
        np.testing.assert_array_equal(*planes)
        if counts[0]:
            found = [
                middle.median_and_mad(plane, counts[0])
                for middle, plane in zip(finders, planes, strict=True)
            ]
            values = raw[np.isfinite(raw)].astype(np.float64)
            median = np.median(values)
            with np.errstate(over="ignore"):
                away = np.abs(values - median).astype(np.float32)
            assert found[0] == found[1] == (median, np.median(away.astype(np.float64)))


KERNELS = (with_numpy, with_numba)


@pytest.mark.parametrize("module", KERNELS, ids=lambda module: module.__name__)
def test_a_median_is_right_whatever_the_plane_before_was(module):
    rng = np.random.default_rng(4)
    shape = (117, 119)  # more than a chunk, and no multiple of eight
    middle = module.middle(117 * 119)
    for level, spread in ((0, 1), (1e6, 1), (0, 1e-6), (5, 0), (5, 0), (-3, 1e9)):
        plane = rng.normal(level, spread, shape).astype(np.float32)
        plane[:, :7] = np.nan
        values = plane[~np.isnan(plane)].astype(np.float64)
        expected = np.median(values)
        away = np.abs(values - expected).astype(np.float32).astype(np.float64)
        found = middle.median_and_mad(plane, values.size)
        assert found == (expected, np.median(away))


@pytest.mark.parametrize("module", KERNELS, ids=lambda module: module.__name__)
def test_a_plane_whose_sample_misleads_has_its_median_all_the_same(module):
    plane = np.zeros((64, 64), np.float32)
    plane.ravel()[::4] = 1e6  # a sample of every fourth sees nothing else
    plane.ravel()[1::4] = np.arange(1024)
    assert module.middle(plane.size).median(plane, plane.size) == np.median(plane)


def test_a_small_cube_or_one_of_doubles_is_measured_with_numpy():
    with fits.open(MINICUBE) as hdus:
        cube = find_cube(MINICUBE, hdus, "DATA")
        assert cube.size < LARGE
        assert kernels_for(cube) is with_numpy
        assert kernels_for(cube, 0) is with_numba
    with fits.open(SINFONI) as hdus:
        assert kernels_for(find_cube(SINFONI, hdus, "DATA"), 0) is with_numpy


SCRIPT = """
import sys, resource
from pathlib import Path
{first}
from astropy.io import fits
from phoenix_core.cube.measure import measure_signal
from phoenix_core.cube.planes import find_cube
path = Path(sys.argv[1])
with fits.open(path) as hdus:
    cube = find_cube(path, hdus, "DATA")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(float(measure_signal(cube, int(sys.argv[2])).mean[0]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    print("phoenix_core.cube.with_numba" in sys.modules)
    print(sys.modules.get("numba") is not None)
"""


def in_a_process(path, large, first=""):
    """The mean, the memory that it took (kB), whether loops were compiled, and now."""
    command = [sys.executable, "-c", SCRIPT.format(first=first), str(path), str(large)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    mean, memory, *are = ended.stdout.split()
    return float(mean), int(memory), *(one == "True" for one in are)


def test_without_numba_a_large_cube_is_measured_with_numpy(tmp_path):
    path = write(tmp_path / "cube.fits", DATA=rough())
    mean, _, is_compiled, _ = in_a_process(path, 0)
    assert is_compiled
    absent = "sys.modules['numba'] = None"
    assert in_a_process(path, 0, absent) == (mean, ANY, False, False)


def test_a_small_cube_does_not_wait_for_compiled_loops(tmp_path):
    path = write(tmp_path / "cube.fits", DATA=rough())
    assert not in_a_process(path, LARGE)[2]


def test_what_is_compiled_once_does_not_wait_for_numba(tmp_path):
    path = write(tmp_path / "cube.fits", DATA=rough())
    with_numba.middle(1)  # compiled by now
    assert in_a_process(path, 0)[2:] == (True, False)


def test_code_that_has_no_place_is_not_made(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match="nothing can be written into"):
        _kept(tmp_path / "file", "loops.o", pytest.fail)


def test_code_is_kept_in_the_users_cache_where_phoenix_is_not_theirs(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "file").touch()
    assert _kept(tmp_path / "file", "loops.o", lambda: b"code") == b"code"
    assert (tmp_path / "phoenix/loops.o").read_bytes() == b"code"
    assert _kept(tmp_path / "file", "loops.o", pytest.fail) == b"code"


def test_an_array_that_loops_cannot_go_through_is_refused():
    plane = np.zeros((8, 8), np.float32)
    for wrong in (plane.T[:, ::2], plane.astype(">f4"), plane.astype(float)):
        with pytest.raises(TypeError):
            with_numba.subtract(wrong, plane, plane)


@pytest.mark.parametrize("large", [0, NEVER])
def test_memory_does_not_grow_with_the_planes(tmp_path, large):
    plane = np.zeros((150, 150), np.float32)
    sizes = (50, 1500)
    paths = [
        write(
            tmp_path / f"{count}.fits", DATA=np.broadcast_to(plane, (count, 150, 150))
        )
        for count in sizes
    ]
    few, many = (in_a_process(path, large)[1] for path in paths)
    assert many - few < 8_000  # kB; the planes have 130 MB


@pytest.mark.filterwarnings("ignore:File may have been truncated")
@pytest.mark.parametrize("large", [0, NEVER])
@pytest.mark.parametrize("cut", [4000, 200_000])
def test_a_cut_cube_is_told(tmp_path, large, cut):
    path = write(tmp_path / "cube.fits", DATA=np.zeros((50, 40, 40), np.float32))
    os.truncate(path, path.stat().st_size - cut)
    with fits.open(path) as hdus:
        cube = find_cube(path, hdus, "DATA")
        with pytest.raises(ProcessingError, match=f"{path}: the cube ends too early"):
            measure_signal(cube, large)


def test_a_cube_of_nan_has_no_numbers(tmp_path):
    data = np.full((5, 6, 7), np.nan, np.float32)
    path = write(tmp_path / "cube.fits", DATA=data, STAT=data)
    for large in (0, NEVER):
        found = measured(path, large)
        for name in ("white", "mean", "median", "mad", "noise", "stat_median"):
            assert np.isnan(found[name]).all(), name
        for name in ("hits", "stat_depth", "stat_counts"):
            assert not found[name].any(), name


def test_an_image_of_that_name_is_no_cube(tmp_path):
    path = write(tmp_path / "cube.fits", DATA=np.zeros((6, 7), np.float32))
    with fits.open(path) as hdus, pytest.raises(ProcessingError, match="2 axes, not 3"):
        find_cube(path, hdus, "DATA")


def test_a_name_that_is_not_there_is_told():
    wrong = pytest.raises(ProcessingError, match="no 3D extension SKY")
    with fits.open(MINICUBE) as hdus, wrong:
        find_cube(MINICUBE, hdus, "SKY")
