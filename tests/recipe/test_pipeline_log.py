"""What a log warns of: each once, errors first, and nothing that is of no account."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.recipe.pipeline_log import count_of, messages_of, read_messages

LOG = b"""
Start time     : 2026-11-27T18:51:09
18:51:09 [ INFO  ] : [tid=000] This is EsoRex, with [ERROR] in a sentence
18:51:09 [WARNING] : [tid=000] Unable to open directory /usr/lib/cpl/plugins
18:51:10 [WARNING] lsf_load: [tid=000] No LSF specified for IFU  2!
18:51:10 [WARNING] lsf_load: [tid=003] No LSF specified for IFU 13!
18:51:10 [WARNING] load: [tid=000] flux (1.000000e+04) in "/data/x/2094/r.fits" odd
18:51:11 [ ERROR ] run: [tid=000] Required 1, found 0 frames
18:51:11 [ERROR ] run: Required 1, found 0 frames
18:51:11 [ ERROR ] : [tid=000] Dumping the 2 error(s):
"""


def test_each_message_is_told_once_with_a_count_and_errors_first():
    told = messages_of(LOG.splitlines())
    assert [(m.level, m.text, m.where, m.count) for m in told] == [
        ("ERROR", "Required 1, found 0 frames", "run", 2),
        ("WARNING", "No LSF specified for IFU 2!", "lsf_load", 2),
        ("WARNING", 'flux (1.000000e+04) in "r.fits" odd', "load", 1),
    ]
    assert (count_of(told, "WARNING"), count_of(told, "ERROR")) == (3, 2)
    assert told[0].told() == "ERROR Required 1, found 0 frames (2 times)"
    assert told[2].told(4) == "WARNING flux..."


def test_the_same_words_of_another_function_are_another_message():
    lines = [b"[WARNING] a: [tid=000] bad", b"[WARNING] b: [tid=000] bad"]
    assert [m.where for m in messages_of(lines)] == ["a", "b"]


def test_no_log_no_messages(tmp_path):
    assert read_messages(tmp_path / "no.log") == ()


def test_a_log_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(OSError, match="directory"):
        read_messages(Path(tmp_path))


@given(st.lists(st.binary(max_size=80)))
def test_nothing_in_a_log_moves_a_terminal_or_breaks_a_line(parts):
    for message in messages_of(b"[WARNING] x: " + part for part in parts):
        assert message.told().isprintable()
