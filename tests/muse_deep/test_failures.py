"""What a user can cause, from AB to outcome: each ends in one clear line.

The rows of the recipes' table of failures, with the real recipes: the AB is FAILED, its
cause says what is wrong, and nothing is published.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from astropy.io import fits

from phoenix_core.files.sums import sha256

SCIBASIC, SKY, SCIPOST = "muse_scibasic", "muse_create_sky", "muse_scipost"
ALIGN, COMBINE = "muse_exp_align", "muse_exp_combine"


def cause(bench, name):
    """Process an AB that has to fail; return its one line."""
    former = bench.published(name)
    outcome = bench.process(name)
    assert outcome.status == "FAILED", outcome
    assert outcome.cause
    assert "\n" not in outcome.cause
    assert bench.block(name).cause == outcome.cause
    assert bench.published(name) == former, "what was published before stays"
    return outcome.cause


def flip_a_byte(path):
    """Change one byte in the middle of a file."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        old = file.read(1)
        file.seek(middle)
        file.write(bytes([old[0] ^ 1]))


def object_ab(bench):
    """The first OBJECT exposure's scibasic AB."""
    return next(n for n in bench.names(SCIBASIC) if bench.block(n).raw_type == "OBJECT")


# Inputs that are missing or damaged -----------------------------------------------


@pytest.mark.parametrize(
    "tag",
    [
        *("MASTER_BIAS", "MASTER_FLAT", "TRACE_TABLE", "WAVECAL_TABLE"),
        "GEOMETRY_TABLE",
    ],
)
def test_scibasic_without_a_calibration(bench, tag):
    name = object_ab(bench)
    bench.without(name, tag)
    assert cause(bench, name) == f"{name} has no {tag}; add it to the AB"


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("EXTINCT_TABLE", "its fluxes would not be corrected for the atmosphere"),
        ("STD_RESPONSE", "its cube would be in counts, not in flux"),
        ("ASTROMETRY_WCS", "its positions would be those of a default astrometry"),
        ("SKY_LINES", "its sky lines would not be subtracted"),
        ("SKY_CONTINUUM", "its sky would not be subtracted"),
        ("LSF_PROFILE", "its sky lines could not be subtracted"),
    ],
)
def test_scipost_without_a_calibration(bench, tag, told):
    name = bench.name(SCIPOST)
    bench.without(name, tag)
    assert cause(bench, name) == f"{name} has no {tag}: {told}; add it to the AB"


@pytest.mark.parametrize("tag", ["STD_RESPONSE", "SKY_LINES", "LSF_PROFILE"])
def test_create_sky_without_a_calibration(bench, tag):
    name = bench.name(SKY)
    bench.without(name, tag)
    assert f"{name} has no {tag}" in cause(bench, name)


def test_a_file_that_is_not_there(bench):
    name = object_ab(bench)
    flat = bench.input(name, "MASTER_FLAT")
    flat.unlink()
    assert f"{flat.name} is not below" in cause(bench, name)


@pytest.mark.parametrize("tag", ["OBJECT", "MASTER_FLAT"])
def test_a_file_that_is_cut_short(bench, tag):
    name = object_ab(bench)
    path = bench.input(name, tag)
    os.truncate(path, path.stat().st_size // 2)
    assert f"{path} is damaged: truncated" in cause(bench, name)


@pytest.mark.parametrize("tag", ["OBJECT", "MASTER_BIAS"])
def test_a_single_flipped_byte_in_a_file_from_elsewhere(bench, tag):
    name = object_ab(bench)
    path = bench.input(name, tag)
    flip_a_byte(path)
    assert f"{path} is damaged" in cause(bench, name)


def test_a_single_flipped_byte_in_a_pixel_table(bench):
    name = bench.name(SCIPOST)
    table = bench.input(name, "PIXTABLE_OBJECT")
    flip_a_byte(table)
    told = cause(bench, name)
    assert f"{table} is not what {object_ab(bench)} made" in told


def test_a_truncated_third_pixel_table(bench):
    name = bench.name(COMBINE)
    table = bench.input(name, "PIXTABLE_REDUCED", 2)
    os.truncate(table, table.stat().st_size // 2)
    told = cause(bench, name)
    assert f"{table} is not what {bench.names(SCIPOST)[2]} made" in told


def test_a_pixel_table_with_a_garbage_header(bench):
    name = bench.name(COMBINE)
    table = bench.input(name, "PIXTABLE_REDUCED", 1)
    with table.open("r+b") as file:
        file.write(b"\x07garbage " * 300)
    assert f"{table} is not what" in cause(bench, name)


def test_a_corrupt_offset_list(bench):
    name = bench.name(COMBINE)
    offsets = bench.input(name, "OFFSET_LIST")
    offsets.write_bytes(b"no FITS file at all\n" * 99)
    assert f"{offsets} is not what {bench.name(ALIGN)} made" in cause(bench, name)


def own_offset_list(bench, rows):
    """Give the dpc AB an OFFSET_LIST of the user, with these rows of the true one."""
    name = bench.name(COMBINE)
    path = bench.run.config.directories.calib / "my_offsets.fits"
    shutil.copyfile(bench.input(name, "OFFSET_LIST"), path)
    if rows is None:
        path.write_bytes(b"no FITS file at all\n" * 99)
    else:
        with fits.open(path, mode="update", checksum=True) as hdus:
            hdus[1].data = hdus[1].data[rows]
    lines = bench.block(name).values("MCALIB")
    kept = [line for line in lines if "OFFSET_LIST" not in line]
    bench.edit(name, MCALIB=[*kept, "REAL my_offsets.fits OFFSET_LIST"])
    return name


def test_an_offset_list_of_the_user_that_is_corrupt(bench):
    name = own_offset_list(bench, None)
    assert "my_offsets.fits" in cause(bench, name)


def test_an_offset_list_of_the_user_that_lacks_an_exposure(bench):
    name = own_offset_list(bench, [0, 1, 3])
    told = cause(bench, name)
    third = bench.names(SCIPOST)[2].removeprefix("MUSE.").removesuffix("_pst.ab")
    assert f"my_offsets.fits has no offset for the exposure of {third}" in told


def test_an_offset_list_of_the_user_that_is_complete_is_taken(bench):
    name = own_offset_list(bench, [0, 1, 2, 3])
    assert bench.process(name).status == "SUCCESSFUL"


# Recipes and parameters -----------------------------------------------------------


def test_an_unknown_recipe(bench):
    name = object_ab(bench)
    bench.edit(name, RECIPE="muse_scibasics")
    assert "has no recipe 'muse_scibasics'" in cause(bench, name)


@pytest.mark.parametrize("param", ["--nosuch=1", "--skymethod=nosuch"])
def test_an_unknown_option_or_value(bench, param):
    name = bench.name(SCIPOST)
    bench.edit(name, RECIPE_PARAM=["--save=cube,individual", param])
    told = cause(bench, name)
    assert param in told


def test_a_sky_line_list_out_of_range(bench):
    name = bench.name(SKY)
    lines = bench.input(name, "SKY_LINES")
    with fits.open(lines, mode="update", checksum=True) as hdus:
        hdus["LINES"].data["lambda"] += 3000.0
    told = cause(bench, name)
    assert told.startswith("muse_create_sky")


def test_a_later_ifu_that_is_missing(bench):
    name = object_ab(bench)
    params = bench.block(name).params
    bench.edit(name, RECIPE_PARAM=[*params[1:], "--nifu=0"])
    told = cause(bench, name)
    assert told.startswith("muse_scibasic")


# Exposures that do not belong together --------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "tag"), [(ALIGN, "IMAGE_FOV"), (COMBINE, "PIXTABLE_REDUCED")]
)
def test_one_exposure_only(bench, recipe, tag):
    name = bench.name(recipe)
    lines = bench.block(name).values("MCALIB")
    ours = [line for line in lines if line.endswith(tag)]
    others = [line for line in lines if not line.endswith(tag)]
    bench.edit(name, MCALIB=[ours[0], *others])
    told = cause(bench, name)
    assert told == f"{name} has one {tag}; {recipe} needs at least 2"


def test_an_image_without_sources(bench):
    name = bench.name(ALIGN)
    bench.edit(name, RECIPE_PARAM=["--threshold=5000.", "--iterations=50"])
    told = cause(bench, name)
    assert told.startswith("muse_exp_align")
    assert "image 1" in told


def test_exposures_that_do_not_match(bench):
    name = bench.name(ALIGN)
    bench.edit(name, RECIPE_PARAM=["--rsearch=0.001"])
    assert "no source of any exposure matches" in cause(bench, name)


def moved_exposure(bench, degrees):
    """Let the last exposure's image be of another field, as its pst AB made it."""
    name = bench.names(SCIPOST)[3]
    image = bench.product(name, "IMAGE_FOV")
    with fits.open(image, mode="update", checksum=True) as hdus:
        hdus[0].header["DEC"] += degrees
        hdus[1].header["CRVAL2"] += degrees
        hdus[1].data = hdus[1].data[::-1, ::-1].copy()
    block = bench.block(name)
    lines = []
    for line in block.values("PRODUCTS"):
        file, category, total, size, state = line.split()
        if file == image.name:
            total, size = sha256(image), str(image.stat().st_size)
        lines.append(f"{file} {category} {total} {size} {state}")
    bench.edit(name, PRODUCTS=lines)
    return image


def test_a_foreign_field_next_door(bench):
    image = moved_exposure(bench, 0.02)
    told = cause(bench, bench.name(ALIGN))
    assert f"no source of {image.name} matches" in told


def test_a_foreign_field_half_a_degree_away_is_not_even_tried(bench):
    image = moved_exposure(bench, 0.5)
    name = bench.name(ALIGN)
    told = cause(bench, name)
    assert f"{image.name} points 0.500 degrees away" in told
    assert bench.block(name).value("PROCESS_MEMORY") == "", "no recipe was called"


# The machine ----------------------------------------------------------------------


def test_out_of_memory(bench):
    options = "[pgi_phoenix_GEN_esorex]\nmemory_limit = 200_000_000\n"
    short = bench.configured(options)
    name = short.name(COMBINE)
    finer = ["--save=cube", "--dx=0.01", "--dy=0.01"]  # 400 times as many voxels
    short.edit(name, RECIPE_PARAM=finer)
    told = cause(short, name)
    assert told.startswith("muse_exp_combine ran out of memory")


def test_a_recipe_that_does_not_end(bench):
    options = "[pgi_phoenix_GEN_esorex]\ntime_limits = { muse_exp_align = 1.0 }\n"
    short = bench.configured(options)
    name = short.name(ALIGN)
    short.edit(name, RECIPE_PARAM=["--threshold=1e9"])
    told = cause(short, name)
    assert told.startswith("muse_exp_align")
    assert "1 s" in told


def test_a_recipe_that_is_killed(bench):
    name = bench.name(ALIGN)
    bench.edit(name, RECIPE_PARAM=["--threshold=1e9"])  # takes minutes
    told = []
    thread = threading.Thread(target=lambda: told.append(cause(bench, name)))
    thread.start()
    pid = _recipe_in(bench.run.work_dir(name))
    os.kill(pid, signal.SIGKILL)
    thread.join(30)
    assert told[0].startswith("muse_exp_align")
    assert "kill" in told[0].lower()


def _recipe_in(workdir):
    """The process that runs esorex in a directory, once there is one."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                is_there = (entry / "cwd").readlink() == workdir
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if is_there and words[0] == b"esorex" and (workdir / ".logfile").exists():
                return int(entry.name)
        time.sleep(0.02)
    raise AssertionError("esorex was not started")


@pytest.fixture
def small_disk(bench):
    """The products on a disk of their own, with 200 kB left."""
    product = bench.run.config.directories.product
    aside = product.with_name("aside")
    product.rename(aside)
    product.mkdir()
    shutil.rmtree(aside / ".work", ignore_errors=True)
    used = sum(-(-p.stat().st_size // 4096) * 4096 for p in aside.rglob("*"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={used + 200_000}", "none", product]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        shutil.copytree(aside, product, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", product], check=True)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk(bench):
    told = cause(bench, bench.name(COMBINE))
    assert told.startswith("muse_exp_combine had no room to write")
