"""The keeper: the small process that starts recipes and outlives a killed phoenix.

`recipe_call` runs this file by its path, as a process of its own session with the
standard library only; it imports nothing of phoenix. Each message on the control
socket (file descriptor 3) is one JSON object. A call brings four open files along:
where to answer, the locked record, the output and the directory; so the keeper never
opens a path. When the control socket closes, because phoenix ended or
was killed, the keeper stays until its last recipe has ended and its record is written.
"""

import contextlib
import json
import math
import os
import resource
import select
import signal
import socket
import struct
import time
from typing import Any

CONTROL = 3  # the descriptor of the control socket; in a recipe, that of its lock
GRACE = 10.0  # seconds between SIGTERM and SIGKILL

_LARGEST = 1 << 18  # bytes of a message; Linux sends no larger one in one piece
_FILES = 4
_RESET = [
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2),
]


class Call:
    """A recipe that runs."""

    def __init__(self, request: dict[str, Any], files: list[int]) -> None:
        self.request = request
        self.answer, self.record, self.output, self.directory = files
        self.offset = request["offset"]
        self.begin = time.monotonic()
        limit = request["time_limit"]
        self.deadline = math.inf if limit is None else self.begin + limit
        self.is_timeout = False
        self.is_stopped = False
        self.is_terminated = False


def main() -> None:
    """Serve one phoenix until it is gone and nothing runs any more."""
    os.chdir("/")
    os.set_inheritable(CONTROL, False)  # noqa: FBT003
    os.closerange(CONTROL + 1, 1 << 20)
    # Whoever ends a whole session ends the recipes too; somebody has to write it down.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control = socket.socket(fileno=CONTROL)
    events = select.poll()
    events.register(control, select.POLLIN)
    events.register(woken, select.POLLIN)
    calls: dict[int, Call] = {}
    is_open = True
    while is_open or calls:
        ready = dict(events.poll(_milliseconds(calls)))
        if woken in ready:
            os.read(woken, 4096)
        if CONTROL in ready and is_open and not _serve(control, calls):
            is_open = False
            events.unregister(control)
            control.close()
        _enforce(calls)
        _reap(calls)


def _milliseconds(calls: dict[int, Call]) -> int | None:
    """How long nothing will happen by itself; None: for ever."""
    first = min((call.deadline for call in calls.values()), default=math.inf)
    if first == math.inf:
        return None
    return min(max(0, math.ceil(1000 * (first - time.monotonic()))), 3_600_000)


def _serve(control: socket.socket, calls: dict[int, Call]) -> bool:
    """Do what one message asks; False when there will be no more."""
    try:
        message, files = _receive(control)
    except OSError:
        return False
    if not message:
        return False
    try:
        request = json.loads(message)
        if "stop" in request:
            for call in calls.values():
                call.is_stopped = True
                call.deadline = time.monotonic()
            return True
        call = Call(request, files)
        calls[_start(call)] = call
        os.close(call.output)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if files:
            _answer(files[0], {"error": reason})
        for file in files:
            os.close(file)
    return True


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """Take one message and its files, which no recipe inherits.

    socket.recv_fds would do, but forgets its flags in Python 3.11.
    """
    message, ancillary, _, _ = control.recvmsg(
        _LARGEST, socket.CMSG_LEN(4 * _FILES), socket.MSG_CMSG_CLOEXEC
    )
    files: list[int] = []
    for _, _, packed in ancillary:
        files += [number for (number,) in struct.iter_unpack("i", packed)]
    return message, files


def _start(call: Call) -> int:
    """Start the recipe in its directory and a process group of its own."""
    request = call.request
    # The keeper has one thread, and nothing else in it looks at the directory.
    os.fchdir(call.directory)
    try:
        pid = os.posix_spawn(
            request["executable"],
            request["command"],
            request["env"],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, call.output, 1),
                (os.POSIX_SPAWN_DUP2, call.output, 2),
                (os.POSIX_SPAWN_DUP2, call.record, CONTROL),
            ],
            setpgroup=0,
            setsigmask=[],
            setsigdef=_RESET,
        )
    finally:
        os.chdir("/")
    if (limit := request["memory_limit"]) is not None:
        _limit_memory(pid, limit)
    _write(call, {"pid": pid, "keeper": os.getpid()})
    return pid


def _limit_memory(pid: int, limit: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def _enforce(calls: dict[int, Call]) -> None:
    """Terminate what is over its time, and kill what does not go."""
    now = time.monotonic()
    for pid, call in calls.items():
        if now < call.deadline:
            continue
        if not call.is_stopped:
            call.is_timeout = True
        number = signal.SIGKILL if call.is_terminated else signal.SIGTERM
        call.is_terminated = True
        call.deadline = now + call.request["grace"]
        _signal_group(pid, number)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _reap(calls: dict[int, Call]) -> None:
    while calls:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return
        pid = ended.si_pid
        # What a recipe left behind must not go on writing; as long as the recipe
        # is not waited for, nobody else can have its number.
        _signal_group(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        call = calls.pop(pid, None)
        if call is not None:
            _finish(call, os.waitstatus_to_exitcode(status), usage)


def _finish(call: Call, status: int, usage: resource.struct_rusage) -> None:
    """Write the record, then release the lock, then tell phoenix."""
    ended = {
        "status": status,
        "seconds": round(time.monotonic() - call.begin, 6),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 6),
        "memory": usage.ru_maxrss * 1024,
        "started": call.request["started"],
        "is_timeout": call.is_timeout,
        "is_stopped": call.is_stopped,
    }
    _write(call, ended)
    for file in (call.record, call.directory):
        os.close(file)
    _answer(call.answer, ended)
    os.close(call.answer)


def _write(call: Call, line: dict[str, Any]) -> None:
    """Write a line into the room that was taken at the start, for the full disk.

    If even that fails, phoenix has the answer, and nobody who comes later.
    """
    text = json.dumps(line).encode("ascii") + b"\n"
    with contextlib.suppress(OSError):
        call.offset += os.pwrite(call.record, text, call.offset)


def _answer(file: int, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # phoenix may be gone
        os.write(file, json.dumps(message).encode("ascii"))


if __name__ == "__main__":
    main()
