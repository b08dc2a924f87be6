"""Pages of any length: in parts, whole, and written only when due."""

import pytest

from phoenix_core.pages import series
from phoenix_core.pages.series import LARGEST, write_series, written_names

STEM = "094.D-0114B"


def render(part):
    head = f'<html lang="en" data-fingerprint="{part.fingerprint}">'
    return f"{head}{part.number} of {len(part.names)}: {''.join(part.lines)}"


def present(folder):
    return {path.name for path in folder.iterdir()}


def due(folder, made_of="ab"):
    return written_names(folder, STEM, made_of, present(folder)) == ()


def test_a_short_page_is_one_file(tmp_path):
    names = write_series(tmp_path, STEM, "ab", ["x", "y"], render)
    assert names == (f"{STEM}.html",)
    assert written_names(tmp_path, STEM, "ab", present(tmp_path)) == names
    assert due(tmp_path, "cd")


def test_a_page_without_lines_is_a_page(tmp_path):
    assert write_series(tmp_path, STEM, "ab", [], render) == (f"{STEM}.html",)


def test_a_long_page_is_divided_and_loses_no_line(tmp_path):
    lines = [f"{n:05d}".ljust(1000, ".") for n in range(1000)]
    names = write_series(tmp_path, STEM, "ab", lines, render)
    assert names == tuple(series.names_of(STEM, 3))
    texts = [(tmp_path / name).read_text("utf-8") for name in names]
    assert "".join(text.partition(": ")[2] for text in texts) == "".join(lines)
    assert all(len(text) < LARGEST + 200 for text in texts)


def test_a_line_that_is_too_long_for_a_part_has_one_alone(tmp_path):
    lines = ["a", "b" * (LARGEST + 1), "c"]
    assert len(write_series(tmp_path, STEM, "ab", lines, render)) == 3


def test_a_page_that_lost_a_part_is_due(tmp_path):
    names = write_series(tmp_path, STEM, "ab", ["x" * LARGEST, "y"], render)
    assert not due(tmp_path)
    (tmp_path / names[1]).unlink()
    assert due(tmp_path)


def test_a_page_that_was_not_completed_is_due(tmp_path):
    write_series(tmp_path, STEM, "ab", ["x" * LARGEST, "y"], render)

    def fail(part):
        if part.number == 1:
            raise KeyboardInterrupt
        return render(part)

    with pytest.raises(KeyboardInterrupt):
        write_series(tmp_path, STEM, "cd", ["x" * LARGEST, "z"], fail)
    assert due(tmp_path, "cd")
    assert due(tmp_path, "ab") is False  # the first part still leads to a whole file
