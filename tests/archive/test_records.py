"""What is remembered of a run is read as it was written, or refused in a line."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.archive.datasets import (
    Datasets,
    conv_dir,
    keep_datasets,
    read_datasets,
)
from phoenix_core.errors import IngestionError
from phoenix_core.files.checksums import checksum_of, has_checksum, kind_of
from phoenix_core.model import Idp, Stored
from phoenix_core.records.receipts import (
    Held,
    KeptReceipt,
    keep_receipt,
    list_path,
    read_receipts,
    write_list,
)
from phoenix_core.words.text_table import Layout, parse_table

SETTINGS = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(target=TEXT, missing=st.lists(TEXT))
@SETTINGS
def test_datasets_are_read_as_they_were_kept(run, target, missing):
    conv = conv_dir(run)
    idp = Idp("a.ab", conv / "a.fits", (conv / "a.log",), target, tuple(missing))
    kept = keep_datasets(run, [idp], {"a.ab": "id"})
    assert read_datasets(run) == kept == Datasets((idp,), {"a.ab": "id"})


@given(target=TEXT, where=TEXT)
@SETTINGS
def test_receipts_are_read_as_they_were_kept(run, target, where):
    (run.monitor_dir / "receipts.jsonl").unlink(missing_ok=True)
    held = Held(Stored("a.fits", where, 7, "md5:00"), "0" * 64, "SCIENCE.IMAGE")
    receipt = KeptReceipt("a.ab", "id", target, "toy", "2026-01-01", (held,))
    keep_receipt(run, receipt)
    assert read_receipts(run) == (receipt,)
    write_list(run, read_receipts(run))
    (row,) = parse_table(
        list_path(run).read_text("utf-8"),
        list_path(run),
        Layout(tuple("abcdefg"), required=7),
        lambda row: row,
    )[-1:]
    assert row.values[0] == "a.fits"


@given(document=JSON)
@SETTINGS
def test_anything_else_is_refused_in_a_line(run, document):
    conv_dir(run).mkdir(parents=True, exist_ok=True)
    run.monitor_dir.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document)
    (conv_dir(run) / "DATASETS").write_text(text)
    (run.monitor_dir / "receipts.jsonl").write_text(f"{text}\n")
    for read in (read_datasets, read_receipts):
        with pytest.raises(IngestionError) as refused:
            read(run)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["../a.fits", "/etc/passwd", "-rf", "a b"])
def test_no_name_leads_elsewhere(run, name):
    conv_dir(run).mkdir(parents=True)
    row = {"block": "a.ab", "target": "", "path": name, "files": [], "missing": []}
    document = {"certified": {}, "datasets": [row]}
    (conv_dir(run) / "DATASETS").write_text(json.dumps(document))
    with pytest.raises(IngestionError, match="is no name of a file"):
        read_datasets(run)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("md5", "md5:900150983cd24fb0d6963f7d28e17f72"),
        ("crc32", "crc32:891568578"),
        (
            "sha256",
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ],
)
def test_checksums_are_those_of_everybody(tmp_path, kind, expected):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert checksum_of(path, kind) == expected
    assert has_checksum(path, expected)
    assert not has_checksum(path, expected[:-1])
    assert not has_checksum(path, f"sum:{expected}")
    assert kind_of(expected) == kind


@pytest.mark.parametrize("key", ["name", "where", "size", "checksum"])
def test_a_receipt_with_a_value_of_another_kind_is_told_with_its_line(world, key):
    world.ingest()
    path = world.run.monitor_dir / "receipts.jsonl"
    rows = world.receipts()
    rows[1]["files"][0]["stored"][key] = 5.5
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(IngestionError, match=r"receipts\.jsonl, line 2: no receipt"):
        world.ingest()
