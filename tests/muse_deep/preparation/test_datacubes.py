"""The history of observations, as the preparation reads it."""

from muse_deep_plugin.preparation.datacubes import final_datacubes, single_datacubes

RUN = "094.D-0114(B)"


def test_final_datacubes_are_one_an_ob_in_time(history):
    with history.connect() as connection:
        cubes = final_datacubes(connection, [RUN])
    objects = [cube for cube in cubes if not cube.is_sky]
    assert len(objects) == 9
    assert [c.mjd_obs for c in cubes] == sorted(c.mjd_obs for c in cubes)
    assert {cube.data_type for cube in cubes if cube.is_sky} == {"DATACUBE_SKY"}


def test_exposures_know_the_datacube_that_they_are_part_of(history):
    with history.connect() as connection:
        finals = {cube.pipefile for cube in final_datacubes(connection)}
        singles = single_datacubes(connection)
    assert {cube.combined for cube in singles} - {""} <= finals
    alone = [cube for cube in singles if not cube.combined]
    assert {cube.pipefile for cube in alone} <= finals


def test_a_number_that_nobody_measured_is_none(history):
    with history.connect() as connection:
        cubes = final_datacubes(connection)
    assert {c.rms for c in cubes if c.data_type == "DATACUBE_SINGLE"} == {None}
