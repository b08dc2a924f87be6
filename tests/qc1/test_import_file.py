"""Files go into their tables whole, all of them or none."""

import pytest
import sqlalchemy as sa

from phoenix_core.errors import ConfigError
from phoenix_core.qc1.import_file import import_files, table_of

COUNT = sa.text("SELECT count(*), max(ra) FROM stars")


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(f"name,number,ra\n{text}", "utf-8")
    return path


def state(engine):
    with engine.connect() as connection:
        return tuple(connection.execute(COUNT).one())


def test_rows_go_in_and_replace(qc1, stars, tmp_path):
    first = written(tmp_path, "a.csv", "a,1,1\nb,1,2\n")
    second = written(tmp_path, "b.csv", "b,1,3\n")
    assert import_files(qc1, [(first, stars), (second, stars)]) == (2, 1)
    assert state(qc1) == (2, 3.0)


def test_a_file_without_rows_goes_along(qc1, stars, tmp_path):
    empty, full = written(tmp_path, "e.csv", ""), written(tmp_path, "f.csv", "a,1,1\n")
    assert import_files(qc1, [(empty, stars), (full, stars)]) == (0, 1)
    assert state(qc1) == (1, 1.0)


def test_one_wrong_file_keeps_all_out(qc1, stars, tmp_path):
    good = written(tmp_path, "good.csv", "a,1,1\n")
    bad = written(tmp_path, "bad.csv", "b,1,much\n")
    with pytest.raises(ConfigError, match=r"bad\.csv, line 2: ra: 'much' is not a"):
        import_files(qc1, [(good, stars), (bad, stars)])
    assert state(qc1) == (0, None)


def test_what_the_database_refuses_keeps_all_out(qc1, stars, tmp_path):
    good = written(tmp_path, "good.csv", "a,1,1\nb,1,1\n")
    with qc1.begin() as connection:
        connection.execute(sa.text("CREATE UNIQUE INDEX one_place ON stars (ra)"))
    with pytest.raises(sa.exc.IntegrityError):
        import_files(qc1, [(good, stars)])
    assert state(qc1) == (0, None)


def test_a_file_is_for_the_table_that_it_is_called_after(stars, tmp_path):
    tables = {"stars": stars}
    assert table_of(tmp_path / "Stars.2.csv", tables) == stars
    with pytest.raises(ConfigError, match=r"no table is called 'beans'; name it with"):
        table_of(tmp_path / "beans.csv", tables)
