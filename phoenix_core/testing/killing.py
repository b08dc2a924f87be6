"""Kill a step at any change that it makes on a disk, and see what is left.

A step runs in a process forked for it: all is imported there already, so that hundreds
of kills take seconds. What counts is what Python tells of it (files opened for
writing, links, renames, removals, directories, truncations) and the calls that write
or wait for the disk; the waiting is left out, as no kill undoes what was written.
SIGKILL comes just before such a change or, torn, in the middle of a write. The moments
come from a seed: what failed once can be done again.
"""

import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from attrs import define, frozen

from phoenix_core.fits import insert_range

Step = Callable[[], object]

_EVENTS = frozenset(
    f"os.{name}"
    for name in ("link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate")
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_WRITES = ("write", "pwrite", "copy_file_range", "posix_fallocate")
_WAITS = ("fsync", "fdatasync")
_NOT_OURS = ("__pycache__", "/dev/", "/proc/")
_FAILED = 1
_DIGITS = 20  # of what the child says before it ends


@frozen
class Trial:
    """A step that is killed again and again.

    `prepare` puts everything where the step starts; `left` holds what has to hold after
    a kill, `ended` what has to hold once the step was done again to its end. Both fail
    by an assertion.
    """

    name: str
    prepare: Step
    step: Step
    left: Step
    ended: Step


def count_changes(step: Step) -> int:
    """Do a step to its end, and return how many changes it made."""
    return _in_child(step, 0, torn=False)


def kill_at(step: Step, moment: int, *, torn: bool = False) -> bool:
    """Do a step, and kill it before a change, the first one being 1.

    Args:
        step: what to do, in another process.
        moment: the number of the change.
        torn: where the change is a write, half of it is done.

    Returns:
        Whether it was killed; False where it ended before.
    """
    return _in_child(step, moment, torn=torn) < 0


def kill_often(trial: Trial, kills: int, seed: int) -> int:
    """Kill a step at random moments, and do it to its end each time.

    Of the kills, a third are second ones, of the step that completes what was left.
    Half of all come in the middle of what is written.

    Returns:
        The number of changes that the step makes, all of them moments to die.
    """
    chance = random.Random(seed)  # noqa: S311, repeatable
    trial.prepare()
    total = count_changes(trial.step)
    trial.ended()
    done = 0
    while done < kills:
        trial.prepare()
        moments = [chance.randint(1, total)]
        if done % 3 == 0 and done + 1 < kills:
            moments.append(chance.randint(1, moments[0]))
        for moment in moments:
            torn = chance.random() < 0.5  # noqa: PLR2004, as often as not
            done += 1
            if kill_at(trial.step, moment, torn=torn):
                _hold(trial.left, f"{trial.name}, killed at {moments}, seed {seed}")
        trial.step()
        _hold(trial.ended, f"{trial.name}, completed after {moments}, seed {seed}")
    return total


def _hold(promise: Step, when: str) -> None:
    try:
        promise()
    except AssertionError as error:
        raise AssertionError(f"{when}: {error}") from error


def _in_child(step: Step, moment: int, *, torn: bool) -> int:
    """Do a step in a fork; return how many changes it made, or -1 if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _be_child(step, moment, writing, torn=torn)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123, a descriptor
        told = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == -signal.SIGKILL:
        return -1
    if code:
        raise RuntimeError(f"the step failed in its process:\n{told.decode()}")
    return int(told)


def _be_child(step: Step, moment: int, pipe: int, *, torn: bool) -> NoReturn:
    write, leave = os.write, os._exit
    try:
        changes = _Changes(moment, torn)
        changes.watch()
        step()
        write(pipe, f"{changes.count:{_DIGITS}}".encode())
        leave(0)
    except BaseException:  # noqa: BLE001, told by the parent
        write(pipe, traceback.format_exc().encode())
    leave(_FAILED)


@define
class _Changes:
    """All changes that this process makes from now on; it dies at one of them."""

    fatal: int
    torn: bool
    count: int = 0

    def watch(self) -> None:
        for name in _WRITES:
            setattr(os, name, self._counted(getattr(os, name), name))
        for name in _WAITS:  # what a killed process has written stays without that, too
            setattr(os, name, self._counted(lambda _: None, name))
        for name in ("insert", "collapse"):
            original: Callable[..., Any] = getattr(insert_range, name)
            for module in list(sys.modules.values()):
                if vars(module).get(name) is original:
                    counted = self._counted(original, name)
                    setattr(module, name, counted)
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_opened = event == "open" and arguments[2] & _WRITING
        if event in _EVENTS or is_opened:
            path = str(arguments[0])
            if not any(part in path for part in _NOT_OURS):
                self._change()

    def _counted(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            self._change(partial(_half, function, name, words))
            return function(*words, **options)

        return call

    def _change(self, half: Step | None = None) -> None:
        self.count += 1
        if self.count == self.fatal:
            if self.torn and half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)


def _half(function: Callable[..., Any], name: str, words: tuple[Any, ...]) -> None:
    """Do the first half of a write, where it is one."""
    if name in {"write", "pwrite"}:
        file, content, *rest = words
        function(file, memoryview(content)[: len(content) // 2], *rest)
    elif name == "copy_file_range":
        source, target, length, *rest = words
        function(source, target, length // 2, *rest)
