"""What the recipes let pass with exit status 0, and the rules do not."""

import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from attrs import evolve

from muse_deep_plugin.input_checks import check_inputs
from muse_deep_plugin.rules import RULES, Call, rule_findings
from phoenix_core.errors import ProcessingError
from phoenix_core.model import AssociationBlock

SCIBASIC, SKY, SCIPOST = "muse_scibasic", "muse_create_sky", "muse_scipost"
ALIGN, COMBINE = "muse_exp_align", "muse_exp_combine"


def messages(ended):
    """What the rules say of a call; each on one line, naming recipe and AB."""
    findings = rule_findings(ended.call)
    for finding in findings:
        assert finding.is_error
        assert "\n" not in finding.message
        assert finding.message.startswith(ended.call.block.recipe)
        assert finding.block == ended.call.block.name
    return [finding.message for finding in findings]


def replaced(frames, old, new):
    """The frames with one file in place of another."""
    return [(new if path == old else path, tag) for path, tag in frames]


def copied(path, tmp_path):
    """A copy of a file, under its name, to break."""
    (tmp_path / "broken").mkdir(exist_ok=True)
    return shutil.copy(path, tmp_path / "broken" / path.name)


@pytest.mark.parametrize("recipe", list(RULES))
def test_a_good_call_meets_all_rules(reduced, call_recipe, recipe):
    name = reduced.name(recipe)
    ended = call_recipe(reduced.block(name), reduced.inputs(name))
    assert ended.status == 0
    assert messages(ended) == []


@pytest.mark.parametrize(
    "tag",
    [
        *("EXTINCT_TABLE", "STD_RESPONSE", "ASTROMETRY_WCS"),
        *("SKY_LINES", "SKY_CONTINUUM", "LSF_PROFILE"),
    ],
)
def test_scipost_without_a_calibration_is_no_success(reduced, call_recipe, tag):
    name = reduced.name(SCIPOST)
    frames = [frame for frame in reduced.inputs(name) if frame[1] != tag]
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0, "the recipe itself does not mind"
    (message,) = messages(ended)
    assert f"{name} has no {tag}" in message


def test_a_cube_in_counts_is_told_from_the_cube_itself(reduced, call_recipe):
    name = reduced.name(SCIPOST)
    frames = [f for f in reduced.inputs(name) if f[1] != "STD_RESPONSE"]
    ended = call_recipe(reduced.block(name), frames)
    told = " ".join(RULES[SCIPOST](ended.call))
    assert "not in flux" in told
    assert "not flux-calibrated" in told


def test_an_exposure_without_exptime_gives_no_flux(reduced, call_recipe, tmp_path):
    name = reduced.name(SCIPOST)
    table = reduced.input(name, "PIXTABLE_OBJECT")
    broken = copied(table, tmp_path)
    fits.delval(broken, "EXPTIME")
    frames = replaced(reduced.inputs(name), table, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert "not in flux; check STD_RESPONSE" in messages(ended)[0]


def test_an_exposure_without_equinox_is_told(reduced, call_recipe, tmp_path):
    name = reduced.name(SCIPOST)
    table = reduced.input(name, "PIXTABLE_OBJECT")
    broken = copied(table, tmp_path)
    fits.delval(broken, "EQUINOX")
    frames = replaced(reduced.inputs(name), table, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert "not corrected for the Earth's velocity" in messages(ended)[0]


def test_an_image_of_an_unknown_filter_is_missed(reduced, call_recipe):
    name = reduced.name(SCIPOST)
    params = ["--save=cube,individual", "--filter=white,Nosuch", "--skymethod=none"]
    ended = call_recipe(reduced.block(name), reduced.inputs(name), params)
    assert ended.status == 0
    assert "made 1 IMAGE_FOV instead of 2" in messages(ended)[0]


def test_a_sky_exposure_tagged_object_is_refused(reduced, call_recipe):
    name = next(
        n for n in reduced.names(SCIBASIC) if reduced.block(n).raw_type == "SKY"
    )
    frames = [
        (path, "OBJECT" if tag == "SKY" else tag) for path, tag in reduced.inputs(name)
    ]
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert "is of type SKY but tagged OBJECT" in messages(ended)[0]


def test_an_exposure_without_date_makes_no_pixel_table(reduced, call_recipe, tmp_path):
    name = reduced.name(SCIBASIC)
    raw = reduced.input(name, "OBJECT")
    broken = copied(raw, tmp_path)
    fits.delval(broken, "DATE-OBS")
    frames = replaced(reduced.inputs(name), raw, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert "made 0 PIXTABLE_OBJECT instead of 1" in messages(ended)[0]


def test_the_cube_of_another_call_is_not_taken(reduced, call_recipe):
    name, other = reduced.names(SCIPOST)[:2]
    ended = call_recipe(reduced.block(other), reduced.inputs(other))
    mixed = evolve(ended.call, inputs=reduced.inputs(name))
    told = " ".join(RULES[SCIPOST](mixed))
    assert "DATACUBE_FINAL.fits is of the exposure of" in told
    assert "none of its inputs" in told


def test_a_pixel_table_that_a_full_disk_swallowed_is_missed(reduced, call_recipe):
    name = reduced.name(SCIPOST)
    ended = call_recipe(reduced.block(name), reduced.inputs(name))
    kept = [p for p in ended.call.products if p.category != "PIXTABLE_REDUCED"]
    (finding,) = rule_findings(evolve(ended.call, products=kept))
    assert "made 0 PIXTABLE_REDUCED instead of 1" in finding.message


# Alignment ----------------------------------------------------------------------


def test_exposures_that_do_not_match_are_told(reduced, call_recipe):
    name = reduced.name(ALIGN)
    params = ["--rsearch=0.001"]
    ended = call_recipe(reduced.block(name), reduced.inputs(name), params)
    assert ended.status == 0
    (message,) = messages(ended)
    assert "no source of any exposure matches those of the others" in message


def foreign_image(path, tmp_path, degrees):
    """An image of other stars, that many degrees further north."""
    broken = copied(path, tmp_path)
    with fits.open(broken, mode="update") as hdus:
        hdus[0].header["DEC"] += degrees
        hdus[1].header["CRVAL2"] += degrees
        hdus[1].data = np.ascontiguousarray(hdus[1].data[::-1, ::-1])
    return broken


def test_an_exposure_of_a_foreign_field_is_named(reduced, call_recipe, tmp_path):
    name = reduced.name(ALIGN)
    image = reduced.input(name, "IMAGE_FOV", 3)
    broken = foreign_image(image, tmp_path, 0.02)
    frames = replaced(reduced.inputs(name), image, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert f"no source of {broken.name} matches" in messages(ended)[0]


def test_a_foreign_field_is_named_whatever_the_order_of_the_sof(
    reduced, call_recipe, tmp_path
):
    name = reduced.name(ALIGN)
    image = reduced.input(name, "IMAGE_FOV", 3)
    broken = foreign_image(image, tmp_path, 0.02)
    frames = replaced(reduced.inputs(name), image, broken)[::-1]
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    assert f"no source of {broken.name} matches" in messages(ended)[0]


def test_an_offset_nobody_believes_is_told(reduced, call_recipe):
    name = reduced.name(ALIGN)
    ended = call_recipe(reduced.block(name), reduced.inputs(name))
    strict = evolve(ended.call, options=evolve(ended.call.options, max_offset=0.1))
    told = [finding.message for finding in rule_findings(strict)]
    assert any("arcsec, more than 0.1" in message for message in told)


def test_a_field_half_a_degree_away_is_refused_by_its_header(reduced, tmp_path):
    name = reduced.name(ALIGN)
    image = reduced.input(name, "IMAGE_FOV", 3)
    broken = foreign_image(image, tmp_path, 0.5)
    frames = replaced(reduced.inputs(name), image, broken)
    with pytest.raises(ProcessingError, match=r"points 0\.500 degrees away"):
        check_inputs(reduced.block(name), frames, 0.1)


# Combination --------------------------------------------------------------------


def truncated(path, tmp_path):
    """The first half of a file."""
    broken = copied(path, tmp_path)
    os.truncate(broken, broken.stat().st_size // 2)
    return broken


def test_a_truncated_third_pixel_table_is_named(reduced, call_recipe, tmp_path):
    name = reduced.name(COMBINE)
    table = reduced.input(name, "PIXTABLE_REDUCED", 2)
    broken = truncated(table, tmp_path)
    frames = replaced(reduced.inputs(name), table, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0, "the recipe drops it and the one after it"
    told = messages(ended)
    assert f"{broken.name} is not in the deep cube: it is damaged" in told[0]
    after = reduced.input(name, "PIXTABLE_REDUCED", 3)
    assert f"{after.name} is not in the deep cube: an exposure before it" in told[1]
    assert "combined 2 of 4 exposures" in told[2]


def test_a_pixel_table_with_a_garbage_header_is_named(reduced, call_recipe, tmp_path):
    name = reduced.name(COMBINE)
    table = reduced.input(name, "PIXTABLE_REDUCED", 1)
    broken = copied(table, tmp_path)
    with broken.open("r+b") as file:
        file.write(b"\x07garbage " * 300)
    frames = replaced(reduced.inputs(name), table, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    (message,) = messages(ended)
    assert f"{broken} cannot be read" in message


def test_the_same_exposure_twice_is_told(reduced, call_recipe):
    name = reduced.name(COMBINE)
    table = reduced.input(name, "PIXTABLE_REDUCED")
    frames = [*reduced.inputs(name), (table, "PIXTABLE_REDUCED")]
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    (message,) = messages(ended)
    assert "are of one exposure" in message


def test_a_corrupt_offset_list_is_told(reduced, call_recipe, tmp_path):
    name = reduced.name(COMBINE)
    offsets = reduced.input(name, "OFFSET_LIST")
    broken = copied(offsets, tmp_path)
    broken.write_bytes(b"no FITS file at all\n" * 99)
    frames = replaced(reduced.inputs(name), offsets, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    (message,) = messages(ended)
    assert f"{broken} is no readable OFFSET_LIST" in message


def test_an_exposure_that_the_offset_list_lacks_is_named(
    reduced, call_recipe, tmp_path
):
    name = reduced.name(COMBINE)
    offsets = reduced.input(name, "OFFSET_LIST")
    broken = copied(offsets, tmp_path)
    with fits.open(broken, mode="update") as hdus:
        lacking = hdus[1].data["DATE_OBS"][2]
        hdus[1].data = hdus[1].data[[0, 1, 3]]
    frames = replaced(reduced.inputs(name), offsets, broken)
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    (message,) = messages(ended)
    assert f"no offset for the exposure of {lacking}" in message
    dropped = list(RULES[COMBINE](ended.call))
    assert any("its offset was not used" in told for told in dropped)


def test_an_offset_that_is_no_number_is_told(reduced, call_recipe, tmp_path):
    name = reduced.name(COMBINE)
    offsets = reduced.input(name, "OFFSET_LIST")
    broken = copied(offsets, tmp_path)
    with fits.open(broken, mode="update") as hdus:
        hdus[1].data["RA_OFFSET"][1] = np.nan
    frames = replaced(reduced.inputs(name), offsets, broken)
    ended = call_recipe(reduced.block(name), frames)
    (message,) = messages(ended)
    assert "has no number as the offset of" in message


def test_a_combination_without_alignment_is_refused(reduced, call_recipe):
    name = reduced.name(COMBINE)
    frames = [frame for frame in reduced.inputs(name) if frame[1] != "OFFSET_LIST"]
    ended = call_recipe(reduced.block(name), frames)
    assert ended.status == 0
    (message,) = messages(ended)
    assert "has no OFFSET_LIST" in message


def test_a_cube_far_larger_than_its_exposures_is_told(reduced, call_recipe, tmp_path):
    name = reduced.name(COMBINE)
    table = reduced.input(name, "PIXTABLE_REDUCED", 3)
    broken = copied(table, tmp_path)
    with fits.open(broken, mode="update") as hdus:
        hdus[0].header["DEC"] += 0.02
    frames = replaced(reduced.inputs(name), table, broken)
    ended = call_recipe(reduced.block(name), frames)
    there = evolve(ended.call, inputs=reduced.inputs(name))
    assert ended.status == 0
    assert any("does not fit its exposures" in m for m in RULES[COMBINE](there))


def test_an_ab_of_another_recipe_has_no_rules_here(reduced, call_recipe):
    block = AssociationBlock.create({"AB_NAME": "A.ab", "RECIPE": "muse_bias"})
    assert rule_findings(Call(block, (), ())) == []
