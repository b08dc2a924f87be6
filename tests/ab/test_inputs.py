"""Inputs: from the names in an AB to files and their content."""

import os

import attrs
import pytest

from phoenix_core.ab import inputs
from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock, SofEntry
from phoenix_core.errors import ConfigError, ProcessingError
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.fits.file import check_fits

MAKER = AssociationBlock.create(
    {
        "RAW_TYPE": "OBJECT",
        "RECIPE": "x",
        "AB_NAME": "A.ab",
        "PROCESS_STATUS": "SUCCESSFUL",
        "FINGERPRINT": "f1",
        "PRODUCTS": [
            "r.A_TABLE_0001.fits TABLE 00 3 KEPT",
            "r.A_TABLE_0002.fits TABLE 01 3 KEPT",
            "r.A_IMAGE.fits IMAGE 02 3 KEPT",
        ],
    }
)
TAKER = AssociationBlock.create(
    {
        "RAW_TYPE": "CUBE",
        "RECIPE": "y",
        "AB_NAME": "B.ab",
        "RAWFILE": ["a.fits OBJECT"],
        "MCALIB": ["REAL flat.fits FLAT", "VIRTUAL A.ab TABLE"],
    }
)


@pytest.fixture
def there(run):
    """The run with all that the taker needs."""
    directories = run.config.directories
    (directories.raw / "2014" / "night").mkdir(parents=True)
    (directories.raw / "2014" / "night" / "a.fits").write_text("raw")
    (directories.calib / "flat.fits").write_text("flat")
    run.ab_dir.mkdir()
    write_block(run.ab_path("A.ab"), MAKER)
    return run


def resolved(run, block=TAKER):
    return inputs.resolve(run, block, inputs.makers(run, block), FileSums())


def test_each_input_is_resolved_to_its_content(there):
    raw = there.config.directories.raw / "2014" / "night" / "a.fits"
    flat = there.config.directories.calib / "flat.fits"
    assert resolved(there).sof == (
        SofEntry("a.fits", "OBJECT", sha256(raw)),
        SofEntry("flat.fits", "FLAT", sha256(flat)),
        SofEntry("r.A_TABLE_0001.fits", "TABLE", "f1"),
        SofEntry("r.A_TABLE_0002.fits", "TABLE", "f1"),
    )


def test_paths_are_absolute_and_in_the_order_of_the_sof(there):
    block = resolved(there)
    block = block.with_values("SOF_CONTENT", reversed(block.values("SOF_CONTENT")))
    made = there.product_dir("OBJECT")
    directories = there.config.directories
    assert inputs.paths(there, block) == (
        (made / "r.A_TABLE_0002.fits", "TABLE"),
        (made / "r.A_TABLE_0001.fits", "TABLE"),
        (directories.calib / "flat.fits", "FLAT"),
        (directories.raw / "2014" / "night" / "a.fits", "OBJECT"),
    )
    assert all(path.is_absolute() for path, _ in inputs.paths(there, block))


def test_a_file_that_is_not_there_is_named_with_the_place_to_put_it(there):
    block = TAKER.updated({"RAWFILE": "b.fits OBJECT"})
    with pytest.raises(ProcessingError, match=r"b\.fits is not below .*/raw; put it"):
        resolved(there, block)


def test_a_file_that_arrives_later_is_found(there):
    block = TAKER.updated({"RAWFILE": "late.fits OBJECT"})
    with pytest.raises(ProcessingError):
        resolved(there, block)
    (there.config.directories.raw / "late.fits").write_text("late")
    assert resolved(there, block).sof[0].file == "late.fits"


def test_a_file_that_is_moved_below_its_directory_is_found_again(there):
    raw = there.config.directories.raw
    before = resolved(there)
    (raw / "2014" / "night" / "a.fits").rename(raw / "a.fits")
    assert resolved(there).sof == before.sof
    assert inputs.paths(there, before)[0][0] == raw / "a.fits"


def test_two_files_of_one_name_are_told_and_none_is_taken(there):
    (there.config.directories.raw / "a.fits").write_text("other")
    inputs._index.cache_clear()
    with pytest.raises(ProcessingError, match=r"a\.fits is there twice: .* and .*"):
        resolved(there)


def test_nights_that_are_links_to_another_disk_are_looked_into(there, tmp_path):
    disk = tmp_path / "disk2"
    disk.mkdir()
    (disk / "c.fits").write_text("c")
    (there.config.directories.raw / "2015").symlink_to(disk)
    (disk / "round").symlink_to(disk)
    inputs._index.cache_clear()
    block = TAKER.updated({"RAWFILE": "c.fits OBJECT"})
    assert resolved(there, block).sof[0].content == sha256(disk / "c.fits")


def test_a_maker_without_the_wanted_category_is_told(there):
    block = TAKER.updated({"MCALIB": "VIRTUAL A.ab MASK"})
    with pytest.raises(ProcessingError, match=r"B\.ab needs MASK of A\.ab, which made"):
        resolved(there, block)


def test_a_maker_that_is_not_there_is_told(there):
    there.ab_path("A.ab").unlink()
    with pytest.raises(ConfigError, match=r"A\.ab: No such file"):
        inputs.makers(there, TAKER)


def test_an_entry_of_the_sof_that_is_no_input_is_refused(there):
    block = resolved(there).with_values("SOF_CONTENT", ["passwd OBJECT 00"])
    with pytest.raises(ConfigError, match="SOF_CONTENT is 'passwd'; expected an input"):
        inputs.paths(there, block)


@pytest.mark.parametrize("read", [sha256, check_fits])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "x.fits")
    with pytest.raises(OSError, match="no regular file"):
        read(tmp_path / "x.fits")
    with pytest.raises(ProcessingError, match=r"x\.fits is no regular file; put"):
        inputs.find_file(tmp_path, "x.fits")


def test_a_copy_that_brings_size_and_time_along_has_another_sum(tmp_path):
    path = tmp_path / "a.fits"
    path.write_text("one")
    state = path.stat()
    sums = FileSums()
    first = sums.sha256(path)
    path.write_text("two")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert sums.sha256(path) == sha256(path) != first


def test_a_sum_is_computed_again_only_for_a_file_that_changed(tmp_path):
    path = tmp_path / "a.fits"
    path.write_text("one")
    sums = FileSums()
    first = sums.sha256(path)
    state, _ = sums.known[path]
    assert sums.take_fresh() == {path: (state, first)}
    assert not sums.take_fresh()
    sums.known[path] = (state, "remembered")
    assert sums.sha256(path) == "remembered"
    path.write_text("other")
    assert sums.sha256(path) == sha256(path) != first
    assert attrs.astuple(sums.known[path][0])[0] == 5
