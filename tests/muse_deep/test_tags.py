"""Frames that recipes have to get, told before anything is executed."""

import re
import shutil
import subprocess

import pytest
from astropy.io import fits
from attrs import evolve

from muse_deep_plugin.headers import primary_header
from muse_deep_plugin.recipe_table import PARAMETERS, RECIPES
from muse_deep_plugin.tags import frame_findings, hdr_pgi, required_tags
from phoenix_core.ab.file import read_block
from phoenix_core.model import AssociationBlock, Cascade


def cascade_of(bench):
    """The cascade of a bench as it is now."""
    names = sorted(p.name for p in bench.run.ab_dir.glob("*.ab"))
    return Cascade(tuple(read_block(bench.run.ab_path(name)) for name in names))


def errors(bench):
    findings = hdr_pgi(bench.run, cascade_of(bench))
    return [finding.message for finding in findings if finding.is_error]


@pytest.mark.parametrize("which", ["reduced", "crowded"])
def test_a_complete_run_has_no_finding(which, request):
    bench = request.getfixturevalue(which)
    assert hdr_pgi(bench.run, cascade_of(bench)) == []


@pytest.mark.parametrize(
    ("recipe", "tag"),
    [
        ("muse_scibasic", "MASTER_FLAT"),
        ("muse_scibasic", "WAVECAL_TABLE"),
        ("muse_create_sky", "SKY_LINES"),
        ("muse_scipost", "STD_RESPONSE"),
        ("muse_scipost", "EXTINCT_TABLE"),
        ("muse_scipost", "SKY_CONTINUUM"),
        ("muse_scipost", "PIXTABLE_OBJECT"),
        ("muse_exp_align", "IMAGE_FOV"),
        ("muse_exp_combine", "OFFSET_LIST"),
    ],
)
def test_a_missing_frame_is_named_with_its_ab(bench, recipe, tag):
    name = bench.name(recipe)
    bench.without(name, tag)
    assert any(told.startswith(f"{name} has no {tag}") for told in errors(bench))


@pytest.mark.parametrize("tag", ["STD_TELLURIC", "FILTER_LIST"])
def test_what_is_optional_may_be_missing(bench, tag):
    bench.without(bench.name("muse_scipost"), tag)
    assert errors(bench) == []


@pytest.mark.parametrize("tag", ["SKY_LINES", "LSF_PROFILE", "SKY_CONTINUUM"])
def test_without_sky_subtraction_no_sky_frames_are_needed(bench, tag):
    name = bench.name("muse_scipost")
    bench.without(name, tag)
    params = ["--save=cube,individual", "--skymethod=none"]
    bench.edit(name, RECIPE_PARAM=params)
    assert errors(bench) == []


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("none", set()),
        ("model", {"SKY_LINES", "LSF_PROFILE"}),
        ("subtract-model", {"SKY_LINES", "LSF_PROFILE", "SKY_CONTINUUM"}),
    ],
)
def test_the_sky_method_says_what_is_needed(method, needed):
    block = AssociationBlock.create(
        {
            "AB_NAME": "A_pst.ab",
            "RECIPE": "muse_scipost",
            "RECIPE_PARAM": f"--skymethod={method}",
        }
    )
    sky = {"SKY_LINES", "LSF_PROFILE", "SKY_CONTINUUM"}
    assert set(required_tags(block)) & sky == needed


def test_a_filter_other_than_white_needs_the_filter_list(bench):
    name = bench.name("muse_exp_combine")
    bench.edit(name, RECIPE_PARAM=["--filter=white,Johnson_V"])
    bench.without(name, "FILTER_LIST")
    assert f"{name} has no FILTER_LIST" in errors(bench)[0]


def test_one_frame_where_two_are_needed_is_told():
    block = AssociationBlock.create({"AB_NAME": "A.ab", "RECIPE": "muse_exp_align"})
    (finding,) = frame_findings(block, ["IMAGE_FOV"])
    assert finding.message == "A.ab has one IMAGE_FOV; muse_exp_align needs at least 2"


def test_a_misspelt_sky_method_has_a_hint(bench):
    name = bench.name("muse_scipost")
    params = ["--save=cube,individual", "--skymethod=substract-model"]
    bench.edit(name, RECIPE_PARAM=params)
    assert "did you mean 'subtract-model'" in errors(bench)[0]


def test_a_frame_that_its_maker_does_not_make_is_told(bench):
    name = bench.name("muse_exp_align")
    lines = bench.block(name).values("MCALIB")
    wrong = lines[0].replace("IMAGE_FOV", "IMAGES_FOV")
    bench.edit(name, MCALIB=[*lines, wrong])
    assert "but muse_scipost makes none" in errors(bench)[0]


def test_a_raw_type_that_is_not_the_exposures_is_told(bench):
    name = bench.name("muse_scibasic")
    raw = bench.block(name).rawfiles[0]
    bench.edit(name, RAWFILE=f"{raw.file} SKY")
    assert "is of RAW_TYPE OBJECT but its RAWFILE has SKY" in errors(bench)[0]


# Where exposures point ------------------------------------------------------------


def point(bench, number, degrees):
    """Let an exposure's raw file say that it points further north."""
    raw = bench.names("muse_scipost")[number].replace("_pst.ab", ".fits")
    path = next(bench.run.config.directories.raw.rglob(raw))
    fits.setval(path, "DEC", value=fits.getval(path, "DEC") + degrees)
    return raw


def test_an_exposure_of_another_field_is_an_error(bench):
    raw = point(bench, 2, 0.5)
    (told,) = errors(bench)
    assert f"{raw} points 0.500 degrees away" in told


def test_an_exposure_that_overlaps_no_other_is_a_warning(bench):
    raw = point(bench, 2, 0.02)
    (finding,) = hdr_pgi(bench.run, cascade_of(bench))
    assert not finding.is_error
    assert f"{raw} overlaps no other exposure of NGC300" in finding.message


def test_a_mosaic_whose_fields_overlap_is_no_finding(bench):
    point(bench, 2, 0.012)
    point(bench, 3, 0.024)
    assert hdr_pgi(bench.run, cascade_of(bench)) == []


def test_how_far_is_too_far_is_an_option(bench):
    point(bench, 2, 0.02)
    strict = bench.configured("[pgi_phoenix_MUSE_tags]\nmax_separation = 0.01\n")
    assert "points 0.020 degrees away" in errors(strict)[0]


def test_a_raw_file_that_is_not_there_is_anothers_business(bench):
    for path in bench.run.config.directories.raw.rglob("*.fits"):
        path.unlink()
    assert errors(bench) == []


def test_abs_of_other_recipes_are_let_through(bench):
    other = AssociationBlock.create({"AB_NAME": "A.ab", "RECIPE": "muse_bias"})
    cascade = evolve(cascade_of(bench), blocks=(other,))
    assert hdr_pgi(bench.run, cascade) == []


# What files say they are ------------------------------------------------------------


def calibration(bench, tag):
    """A calibration of the run, and its place."""
    blocks = cascade_of(bench).blocks
    file = next(m.file for b in blocks for m in b.mcalibs if m.tag == tag)
    return next(bench.run.config.directories.calib.rglob(file))


def test_a_calibration_of_another_category_is_an_error_with_both_values(bench):
    path = calibration(bench, "STD_RESPONSE")
    shutil.copy(calibration(bench, "STD_TELLURIC"), path)
    (told,) = errors(bench)
    assert told.startswith(
        f"{path.name} is tagged STD_RESPONSE, but its PRO.CATG is STD_TELLURIC"
    )
    assert bench.name("muse_scipost") in told


def test_a_calibration_without_category_is_taken_at_its_tag(bench):
    fits.delval(calibration(bench, "LSF_PROFILE"), "ESO PRO CATG")
    assert errors(bench) == []


def test_a_grid_may_be_any_cube(bench):
    name = bench.name("muse_exp_combine")
    other = calibration(bench, "STD_TELLURIC").name
    lines = bench.block(name).values("MCALIB")
    bench.edit(name, MCALIB=[*lines, f"REAL {other} OUTPUT_WCS"])
    assert errors(bench) == []


@pytest.mark.parametrize("kind", ["SKY", "STD"])
def test_an_exposure_of_another_type_than_its_tag_is_an_error(bench, kind):
    raw = bench.names("muse_scipost")[1].replace("_pst.ab", ".fits")
    path = next(bench.run.config.directories.raw.rglob(raw))
    fits.setval(path, "ESO DPR TYPE", value=kind)
    (told,) = errors(bench)
    assert told.startswith(f"{raw} is tagged OBJECT, but its DPR.TYPE is {kind}; ")


def test_each_file_is_read_once(bench, monkeypatch):
    read = []

    def counted(path):
        read.append(path)
        return primary_header(path)

    monkeypatch.setattr("muse_deep_plugin.tags.primary_header", counted)
    assert errors(bench) == []
    assert read
    assert len(read) == len(set(read))


# Names of the pipeline --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"RECIPE": "muse_sciposst"}, "has no recipe muse_sciposst; did you mean 'mu"),
        (
            {"RECIPE_PARAM": ["--skymethd=none"]},
            "has no parameter --skymethd; did you mean 'skymethod'?",
        ),
        ({"RECIPE_PARAM": ["--zzz=1"]}, "a newer pipeline goes into more_params"),
        ({"RECIPE_PARAM": ["--nifu=1"]}, "muse_scipost has no parameter --nifu"),
    ],
)
def test_a_name_that_the_pipeline_does_not_have_is_an_error(bench, change, told):
    name = bench.name("muse_scipost")
    bench.edit(name, **change)
    messages = [message for message in errors(bench) if told in message]
    assert len(messages) == 1
    assert messages[0].startswith(name)


def test_a_newer_pipelines_parameter_can_be_made_known(bench):
    name = bench.name("muse_scipost")
    params = bench.block(name).params
    bench.edit(name, RECIPE_PARAM=[*params, "--novel=1"])
    assert len(errors(bench)) == 1
    newer = bench.configured('[pgi_phoenix_MUSE_tags]\nmore_params = ["novel"]\n')
    assert errors(newer) == []


@pytest.mark.parametrize("recipe", PARAMETERS)
def test_the_table_of_parameters_is_that_of_the_installed_pipeline(recipe, tmp_path):
    file = tmp_path / "recipe.rc"
    command = ["esorex", f"--log-dir={tmp_path}", f"--create-config={file}", recipe]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = re.findall(r"^#?muse\.\w+\.(\w+)=", file.read_text(), re.MULTILINE)
    assert sorted(found) == sorted(PARAMETERS[recipe])


def test_the_recipes_are_those_of_the_installed_pipeline(tmp_path):
    command = ["esorex", f"--log-dir={tmp_path}", "--recipes"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^ *(muse_\w+) *:", told, re.MULTILINE)) == RECIPES
