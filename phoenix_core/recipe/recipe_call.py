"""Calls of recipes whose end is never lost, whatever becomes of phoenix.

A recipe is started by the keeper (see `keeper`), a process that outlives phoenix. It
runs in a directory of its own, where two files tell of it:

- ``.recipe.json``: locked by the recipe and the keeper as long as either lives; its
  lines say what was started, which processes they are, and how it ended;
- ``.output``: what it wrote on standard output and error, if no log is named.

So a phoenix that is started again waits for a recipe that still runs, or takes what
it left; it never runs it twice. The directory has to lie on a local file system.
"""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import define, field, fields, frozen

from phoenix_core.errors import ProcessingError
from phoenix_core.recipe import keeper

RECORD = ".recipe.json"
OUTPUT = ".output"
_ROOM = 512  # bytes that the record takes besides the command


class RecipeStopped(ProcessingError):  # noqa: N818, it is the state that has a name
    """Phoenix is being stopped: nothing more is started."""


class RecipeLost(ProcessingError):  # noqa: N818, it is the state that has a name
    """What lies in the directory is not the finished call: empty it, start anew."""


@frozen
class RecipeExit:
    """How a recipe ended.

    `status` is the exit status, or minus the signal that ended it. `memory` is the
    peak resident memory in bytes (never told below the keeper's own, some 10 MB).
    """

    command: tuple[str, ...]
    status: int
    seconds: float
    cpu_seconds: float
    memory: int
    started: str  # ISO time, UTC
    is_timeout: bool = False  # ended because it was over its time limit
    is_stopped: bool = False  # ended by `stop_recipes`


def run_recipe(
    command: Sequence[str],
    workdir: Path,
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    time_limit: float | None = None,
    memory_limit: int | None = None,
) -> RecipeExit:
    """Run a command in a directory of its own, or take over what ran there before.

    Returns when it has ended. A call that has ended there before is not run again;
    one that an earlier phoenix started is waited for. Whoever wants a new try empties
    the directory first.

    Args:
        command: the argument list.
        workdir: an existing directory, the recipe's current one.
        log: what standard output and error are appended to.
        env: the environment; by default that of phoenix.
        time_limit: seconds after which its process group is terminated.
        memory_limit: bytes of address space that it may ask for.

    Raises:
        RecipeStopped: `stop_recipes` was called before.
        RecipeLost: a recipe was started there and vanished without a trace (a power
            cut, say), or another command ran there.
        ProcessingError: it cannot be started.
    """
    words = tuple(command)
    pause(0)
    if (ended := find_exit(workdir)) is not None:
        return _same(ended, words, workdir)
    try:
        lock = _new_lock(workdir)
        if lock is None:
            return _adopt(words, workdir)
        try:
            request = {
                "command": words,
                "time_limit": time_limit,
                "memory_limit": memory_limit,
                "grace": keeper.GRACE,
            }
            answer = _start(lock, workdir, log, env, request)
        except BaseException:
            _forget(workdir)
            raise
        finally:
            os.close(lock)
    except OSError as error:
        raise _cannot_start(words, workdir, error.strerror) from error
    return _wait(answer, words, workdir)


def find_exit(workdir: Path) -> RecipeExit | None:
    """Return how the recipe of a directory ended; None: it did not, or none ran."""
    story = _story(workdir)
    return _exit(story) if "status" in story else None


def is_running(workdir: Path) -> bool:
    """Whether a recipe runs in a directory, whoever started it."""
    try:
        lock = os.open(workdir / RECORD, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def stop_recipes() -> None:
    """Terminate all recipes that this process waits for, with their process groups.

    Their calls return with `is_stopped`, those taken over from an earlier phoenix
    with status -15 or -9. Nothing is started from now on, until `allow_recipes`; what
    was just being started is stopped by another call: repeat it until the threads have
    ended.
    """
    _STOPPED.set()
    _CLIENT.stop()


def allow_recipes() -> None:
    """Let recipes start again in a process that had stopped them."""
    _STOPPED.clear()


def pause(seconds: float) -> None:
    """Wait, for a plug-in that waits for something, and end where phoenix is stopped.

    Raises:
        RecipeStopped: `stop_recipes` was called.
    """
    if _STOPPED.wait(seconds) if seconds else _STOPPED.is_set():
        raise RecipeStopped("it was stopped; process it again")


@define
class _Client:
    """This process's line to its keeper, which starts with the first call."""

    _guard: threading.Lock = field(factory=threading.Lock)
    _control: socket.socket | None = None
    _keeper: int = 0
    _owner: int = 0
    _adopted: dict[int, Path] = field(factory=dict)  # by thread
    _asked: dict[Path, float] = field(factory=dict)  # to end, since when

    def send(self, message: bytes, files: Sequence[int]) -> None:
        """Hand a message and open files to the keeper; one that died is replaced."""
        with self._guard:
            if self._control is None or self._owner != os.getpid():
                self._begin()
            try:
                self._send(message, files)
            except (BrokenPipeError, ConnectionResetError):
                self._begin()
                self._send(message, files)

    def stop(self) -> None:
        """Tell the keeper to terminate what runs; see `stop_recipes`."""
        with self._guard:
            if self._control is not None and self._owner == os.getpid():
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._send(b'{"stop": true}', [])
            adopted = tuple(self._adopted.values())
        now = time.monotonic()
        for workdir in adopted:
            story = _story(workdir)
            first = self._asked.setdefault(workdir, now)
            is_late = now - first > keeper.GRACE
            number = signal.SIGKILL if is_late else signal.SIGTERM
            _signal_recipe(workdir, story, number)
            # One that was suspended could not even end.
            _signal_recipe(workdir, story, signal.SIGCONT)

    def close(self) -> None:
        """Let the keeper go, as soon as its recipes have ended."""
        if self._control is not None:
            self._control.close()
            self._control = None

    @contextlib.contextmanager
    def adopting(self, workdir: Path) -> Iterator[None]:
        """Know of a recipe of an earlier phoenix while it is waited for."""
        thread = threading.get_ident()
        self._adopted[thread] = workdir
        try:
            yield
        finally:
            del self._adopted[thread]

    def _send(self, message: bytes, files: Sequence[int]) -> None:
        assert self._control is not None
        socket.send_fds(self._control, [message], files, socket.MSG_NOSIGNAL)

    def _begin(self) -> None:
        if self._control is not None:
            self._control.close()
            if self._owner == os.getpid():
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self._keeper, 0)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._owner = os.getpid()
        with theirs:
            self._keeper = os.posix_spawn(
                sys.executable,
                [sys.executable, "-S", "-E", "-s", "-X", "utf8", keeper.__file__],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), keeper.CONTROL),
                ],
                # Not in the session of the terminal, whose end would end it.
                setsid=True,
                setsigmask=[],
            )


_CLIENT = _Client()
_STOPPED = threading.Event()
atexit.register(_CLIENT.close)


def _new_lock(workdir: Path) -> int | None:
    """Make the lock file; None: there is one, so a recipe was started there before.

    It has its lock when it gets its name, so nobody can find it in between.
    """
    path = workdir / RECORD
    unnamed = workdir / f"{RECORD}.{os.getpid()}-{threading.get_ident()}"
    lock = os.open(unnamed, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.link(unnamed, path)
    except FileExistsError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
    finally:
        unnamed.unlink()
    return lock


def _start(
    lock: int,
    workdir: Path,
    log: Path | None,
    env: Mapping[str, str] | None,
    request: Mapping[str, Any],
) -> socket.socket:
    """Hand a call to the keeper; return where it will answer."""
    command = request["command"]
    environment = dict(os.environ if env is None else env)
    executable = shutil.which(command[0], path=environment.get("PATH", os.defpath))
    if executable is None:
        raise ProcessingError(f"there is no program '{command[0]}'; install it")
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    story = json.dumps({"command": command, "started": started}).encode("ascii") + b"\n"
    message = {
        **request,
        "executable": _utf8(os.path.abspath(executable)),  # noqa: PTH100, of a text
        "command": [_utf8(word) for word in command],
        "env": {_utf8(name): _utf8(value) for name, value in environment.items()},
        "started": started,
        "offset": len(story),
    }
    answer, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    files = [theirs.fileno(), lock]
    try:
        appended = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        files.append(os.open(log or workdir / OUTPUT, appended, 0o644))
        files.append(os.open(workdir, os.O_RDONLY | os.O_DIRECTORY))
        # With room for what follows, so that a full disk cannot keep it out.
        os.write(lock, story + b" " * (len(story) + _ROOM))
        _CLIENT.send(json.dumps(message).encode("ascii"), files)
    except BaseException:
        answer.close()
        raise
    finally:
        theirs.close()
        for file in files[2:]:
            os.close(file)
    return answer


def _wait(answer: socket.socket, command: tuple[str, ...], workdir: Path) -> RecipeExit:
    with answer:
        try:
            message = answer.recv(1 << 18)
        except ConnectionResetError:
            message = b""
    if not message:  # the keeper was killed
        return _adopt(command, workdir)
    told = json.loads(message)
    if "error" in told:
        _forget(workdir)
        raise _cannot_start(command, workdir, told["error"])
    return _exit({"command": command, **told})


def _adopt(command: tuple[str, ...], workdir: Path) -> RecipeExit:
    """Wait for the end of a recipe that was started before, and take its record."""
    try:
        lock = os.open(workdir / RECORD, os.O_RDONLY)
    except FileNotFoundError:
        raise _lost(command, workdir) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            story = _story(workdir)
            is_other = tuple(story.get("command", command)) != command
            # Its end would be of no use, or could not be told. One that is only
            # about to start has no process yet in what was read, and is left alone.
            if is_other or not _has_open(story.get("keeper", 0), workdir / RECORD):
                _signal_recipe(workdir, story, signal.SIGKILL)
            with _CLIENT.adopting(workdir):
                fcntl.flock(lock, fcntl.LOCK_EX)
        ended = find_exit(workdir)
    finally:
        os.close(lock)
    if ended is None:
        raise _lost(command, workdir)
    return _same(ended, command, workdir)


def _lost(command: tuple[str, ...], workdir: Path) -> RecipeLost:
    return RecipeLost(
        f"{workdir}: {command[0]} was started here and is gone without a trace; "
        "empty the directory to start it again"
    )


def _story(workdir: Path) -> dict[str, Any]:
    """Read what is recorded: command, start, processes and end, as far as it got."""
    story: dict[str, Any] = {}
    # Half a record is what a power cut leaves.
    with contextlib.suppress(OSError, ValueError, TypeError):
        for line in (workdir / RECORD).read_text("ascii").splitlines():
            if not line.isspace():
                story |= json.loads(line)
    return story


def _signal_recipe(workdir: Path, story: Mapping[str, Any], number: int) -> None:
    """Signal the process group of the recipe that a record tells of.

    Only if the process has the lock where a recipe has it: its number may be
    another's by now.
    """
    pid = story.get("pid", 0)
    if _has_open(pid, workdir / RECORD, f"{keeper.CONTROL}"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


def _has_open(pid: int, path: Path, descriptor: str = "*") -> bool:
    """Whether a process has a file open."""
    for file in Path(f"/proc/{pid}/fd").glob(descriptor):
        with contextlib.suppress(OSError):
            if file.samefile(path):
                return True
    return False


def _same(ended: RecipeExit, command: tuple[str, ...], workdir: Path) -> RecipeExit:
    if ended.command != command:
        raise RecipeLost(
            f"{workdir}: another command ended here, {' '.join(ended.command)}; "
            "empty the directory to start this one"
        )
    return ended


def _exit(story: Mapping[str, Any]) -> RecipeExit:
    told = {name.name: story[name.name] for name in fields(RecipeExit)}
    return RecipeExit(**{**told, "command": tuple(told["command"])})


def _forget(workdir: Path) -> None:
    """Leave no trace of a call that did not start."""
    (workdir / RECORD).unlink(missing_ok=True)


def _cannot_start(
    command: tuple[str, ...], workdir: Path, reason: str | None
) -> ProcessingError:
    return ProcessingError(f"{command[0]} cannot be started in {workdir}: {reason}")


def _utf8(text: str) -> str:
    """The text by which the keeper, always in UTF-8, names the same bytes."""
    return (
        text if text.isascii() else os.fsencode(text).decode("utf-8", "surrogateescape")
    )
