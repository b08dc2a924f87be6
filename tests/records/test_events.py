"""The event log: one JSON line an event, whatever else happens."""

import json
import threading

from phoenix_core.records.events import open_events


def lines(directory):
    return [
        json.loads(line)
        for line in (directory / "events.jsonl").read_text("utf-8").splitlines()
    ]


def test_each_event_is_one_json_line_with_its_time(tmp_path):
    with open_events(tmp_path / "run") as events:
        events.tell("created", abs=3, errors=["a\nb", "é"])
    with open_events(tmp_path / "run") as events:
        events.tell("moved")
    first, second = lines(tmp_path / "run")
    assert first.pop("timestamp") <= second.pop("timestamp")
    assert first == {"event": "created", "abs": 3, "errors": ["a\nb", "é"]}
    assert second == {"event": "moved"}


def test_only_facts_are_shown_to_people(tmp_path):
    shown = []
    with open_events(tmp_path, shown.append) as events:
        events.tell("quiet", seconds=1)
        events.tell("due_again", "A.ab is processed again", ab="A.ab")
    assert shown == ["A.ab is processed again"]
    assert [line["event"] for line in lines(tmp_path)] == ["quiet", "due_again"]


def test_events_of_several_threads_do_not_mix(tmp_path):
    with open_events(tmp_path) as events:

        def tell(letter):
            for number in range(50):
                events.tell("step", letter=letter * 500, number=number)

        threads = [threading.Thread(target=tell, args=(x,)) for x in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(lines(tmp_path)) == 200
    assert all(len(set(line["letter"])) == 1 for line in lines(tmp_path))


def test_a_full_disk_does_not_stop_the_run_that_is_told_of(tmp_path):
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    shown = []
    with open_events(tmp_path, shown.append) as events:
        events.tell("due_again", "A.ab is processed again")
        events.tell("created")
    assert shown == ["A.ab is processed again"]
