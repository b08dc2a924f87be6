"""moveP and renameP: deep cubes, their images and logs move, under known PRO.CATGs."""

import pytest

from muse_deep_plugin.move_p import move_products_special_plugin
from muse_deep_plugin.rename_p import rename_products_special_plugin
from phoenix_core.errors import PgiError, ProcessingError
from phoenix_core.model import Move, Product
from phoenix_core.testing import MoveProductsContract, RenameProductsContract

DPC = "MUSE.2014-10-22T23:57:32.123_dpc.ab"
PST = "MUSE.2014-10-22T23:57:32.123_pst.ab"


def products(run):
    """All that a dpc AB and one of its exposures have made."""
    made = {
        DPC: (
            *("DATACUBE_DEEP", "IMAGE_FOV_DEEP", "EXPOSURE_MAP_DEEP"),
            *("PIXTABLE_COMBINED", "PIPELINE_LOG"),
        ),
        PST: ("DATACUBE_FINAL", "IMAGE_FOV", "PIXTABLE_REDUCED", "PIPELINE_LOG"),
    }
    found = []
    for block, categories in made.items():
        directory = run.product_dir(block[-6:-3].upper())
        for category in categories:
            end = "log" if category == "PIPELINE_LOG" else "fits"
            name = f"r.{block.removesuffix('.ab')}_{category}.{end}"
            found.append(Product(directory / name, category, block))
    return found


class TestMoveContract(MoveProductsContract):
    pgi = "pgi_phoenix_MUSE_moveP"

    @pytest.fixture
    def products(self, run):
        return products(run)


class TestRenameContract(RenameProductsContract):
    pgi = "pgi_phoenix_MUSE_renameP"

    @pytest.fixture
    def moves(self, run, fits_product):
        moves = move_products_special_plugin(run, products(run))
        for move in moves:
            if move.source.suffix == ".fits":
                fits_product({"ESO PRO CATG": "DATACUBE_DEEP"}, move.source)
        return moves


def test_deep_cubes_images_maps_and_logs_move_to_the_pseudo_date_and_nothing_else(run):
    moves = move_products_special_plugin(run, products(run))
    root = DPC.removesuffix(".ab")
    assert [move.target.name for move in moves] == [
        f"r.{root}_DATACUBE_DEEP.fits",
        f"r.{root}_IMAGE_FOV_DEEP.fits",
        f"r.{root}_EXPOSURE_MAP_DEEP.fits",
        f"r.{root}_PIPELINE_LOG.log",
    ]
    reduced = run.config.directories.reduced / run.date
    assert {move.target.parent for move in moves} == {reduced}
    assert all(move.target.name == move.source.name for move in moves)


def test_a_deep_cube_moves_even_where_no_plugin_called_it_deep(run):
    cube = Product(run.product_dir("MUSE_DEEP") / "c.fits", "DATACUBE_FINAL", DPC)
    assert len(move_products_special_plugin(run, [cube])) == 1


@pytest.mark.parametrize("category", ["DATACUBE_DEEP", "IMAGE_FOV_DEEP"])
def test_known_categories_keep_their_names(run, fits_product, category):
    path = fits_product({"ESO PRO CATG": category})
    moves = [Move(path, run.config.directories.reduced / path.name)]
    assert rename_products_special_plugin(moves) is None


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"ESO PRO CATG": "DATACUBE_DEAP"}, "unknown PRO.CATG 'DATACUBE_DEAP'"),
        ({}, "no PRO.CATG"),
    ],
)
def test_an_unknown_category_is_an_error_that_names_file_and_nearest(
    run, fits_product, header, told
):
    path = fits_product(header)
    moves = [Move(path, run.config.directories.reduced / path.name)]
    with pytest.raises(PgiError) as error:
        rename_products_special_plugin(moves)
    assert str(path) in str(error.value)
    assert told in str(error.value)
    if header:
        assert "did you mean 'DATACUBE_DEEP'?" in str(error.value)


def test_a_text_has_no_category_and_a_broken_file_is_named(run, tmp_path):
    reduced = run.config.directories.reduced
    log, cube = tmp_path / "all.log", tmp_path / "cube.fits"
    log.write_text("log")
    cube.write_bytes(b"cut")
    rename_products_special_plugin([Move(log, reduced / "all.log")])
    with pytest.raises(ProcessingError, match=r"cube\.fits cannot be read"):
        rename_products_special_plugin([Move(cube, reduced / "cube.fits")])
