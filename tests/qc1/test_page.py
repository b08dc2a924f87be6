"""docs/qc1.md says what the code says."""

import re
from pathlib import Path

from astropy.units import Unit

from phoenix_core.config import read_config
from phoenix_core.qc1 import database
from phoenix_core.qc1.discovery import declared_tables
from phoenix_core.qc1.query import ask

PAGE = (Path(__file__).parents[2] / "docs" / "qc1.md").read_text("utf-8")


def test_the_page_lists_the_tables():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert listed == list(declared_tables())


def test_the_examples_of_the_page_work_together(example, monkeypatch):
    declared, used = re.findall(
        r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
    names = {"config": read_config(example.config)}
    exec(compile(declared, "declared", "exec"), names)  # noqa: S102
    (names["SPECTRA"],) = names["TABLES"]
    tables = {"spectra": names["SPECTRA"]}
    monkeypatch.setattr(database, "declared_tables", lambda: tables)
    exec(compile(used, "used", "exec"), names)  # noqa: S102
    assert ask(names["config"].database, "SELECT snr FROM spectra").rows == ((12.5,),)


def test_every_unit_is_one_that_astropy_knows():
    for table in declared_tables().values():
        for column in table.columns:
            assert Unit(column.unit).to_string() is not None
