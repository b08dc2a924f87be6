"""A toy of an NGAS server: what was measured on a real one, its faults included.

It keeps its files and its database in a directory, so that another one can go on there.
As a program: ``fake_ngas.py DIRECTORY PORT BLOCK_DELAY SETTLE``, to be killed.
"""

import base64
import contextlib
import io
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import quoteattr

MIME_TYPES = ("application/fits", "image/x-fits", "image/png", "text/plain")
OTHER = "application/octet-stream"
VERSION = "NGAMS/12.0/2022-11-29T07:00:00"
UNAVAIL = "NGAMS_ER_UNAVAIL_FILE:4025:ERROR: File with ID: {} is not available"


class Hangup(Exception):  # noqa: N818, it is what the server does
    """The server closes the connection without a reply."""


class Refused(Exception):  # noqa: N818, it is what the server does
    """The server replies with an error."""

    def __init__(self, message, code=400, state=None):
        super().__init__(message)
        self.message, self.code, self.state = message, code, state


class Database:
    """The rows and files of a server, in a directory; another one can go on there."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.volume = self.directory / "volume"
        self.staging = self.directory / "staging"
        self.guard = threading.RLock()
        self.numbers = itertools.count()

    @property
    def rows(self):
        try:
            return json.loads((self.directory / "rows.json").read_text())
        except FileNotFoundError:
            return []

    def write_rows(self, rows):
        temporary = self.directory / f"rows.{os.getpid()}.{next(self.numbers)}"
        temporary.write_text(json.dumps(rows))
        temporary.replace(self.directory / "rows.json")

    def versions(self, file_id):
        return [row["version"] for row in self.rows if row["file_id"] == file_id]

    def find(self, file_id, version=None):
        rows = [row for row in self.rows if row["file_id"] == file_id]
        if version:
            rows = [row for row in rows if row["version"] == int(version)]
        return max(rows, key=lambda row: row["version"], default=None)

    def add(self, file_id, content, *, crc=None, plugin="crc32", fmt="x/y"):
        """Store a file; a known name always makes a new version."""
        with self.guard:
            version = max(self.versions(file_id), default=0) + 1
            name = f"{version}/{urllib.parse.quote(file_id, safe='')[:200]}"
            path = self.volume / name
            path.parent.mkdir(exist_ok=True)
            staged = self.staging / f"{next(self.numbers)}"
            staged.write_bytes(content)
            staged.replace(path)
            row = {
                "file_id": file_id,
                "version": version,
                "name": name,
                "size": len(content),
                "checksum": str(zlib.crc32(content) if crc is None else crc),
                "plugin": plugin,
                "format": fmt,
                "flag": "00000000",
            }
            self.write_rows([*self.rows, row])
            return row

    def flag(self, row, flag):
        with self.guard:
            same = (row["file_id"], row["version"])
            self.write_rows(
                [
                    {**r, "flag": flag} if (r["file_id"], r["version"]) == same else r
                    for r in self.rows
                ]
            )

    def path(self, file_id, version=1):
        return self.volume / self.find(file_id, version)["name"]


class FakeNgas(Database, ThreadingHTTPServer):
    """The server; `faults` are taken one by one by the requests of their command."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, directory, port=0, block_delay=0.0, settle=0.0):
        Database.__init__(self, directory)
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", port), Handler)
        for place in (self.volume, self.staging):
            place.mkdir(parents=True, exist_ok=True)
        for left in self.staging.iterdir():
            left.unlink()
        self.block_delay = block_delay
        self.state = "ONLINE"
        self.faults = []
        self.requests = []  # command, parameters, headers as they came
        self.mime_types = {*MIME_TYPES, OTHER}
        self.users = {}  # password by user
        self.forbidden = set()  # commands
        self.largest = 10**12
        self.file_id_of = lambda name: name
        self.shown = lambda row: row  # what the database says of a row
        self.replying = lambda: None  # called before each reply
        self.settle = settle  # seconds between a body's end and its row

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def asked(self):
        return [command for command, _, _ in self.requests]

    def commands(self, *names):
        return [r for r in self.requests if not names or r[0] in names]

    def fault(self, command):
        with self.guard:
            for at, (of, _) in enumerate(self.faults):
                if of in {command, "*"}:
                    return self.faults.pop(at)[1]
        return ""

    def handle_error(self, request, client_address):
        if isinstance(sys.exception(), (OSError, Hangup)):
            return
        super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def version_string(self):
        return VERSION

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        self.close_connection = True
        path, _, query = self.path.partition("?")
        self.command_name = path.lstrip("/")
        self.parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        kind, _, value = self.server.fault(self.command_name).partition(":")
        self.server.requests.append(
            (self.command_name, self.parameters, dict(self.headers.items()))
        )
        try:
            if kind in FAULTS:
                FAULTS[kind](self, value)
            else:
                self.check_user()
                COMMANDS.get(self.command_name, unknown)(self, kind, value)
        except Refused as refused:
            self.reply(refused.code, "FAILURE", refused.message, state=refused.state)
        except Hangup:
            return

    def improper(self):
        if self.command_name == "STATUS":
            return UNAVAIL.format(self.parameters.get("file_id"))
        return "NGAMS_ER_IMPROPER_STATE:4015:ERROR: Server not in State ONLINE"

    def check_user(self):
        users = self.server.users
        if not users:
            return
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(token).decode().partition(":")
        if kind != "Basic" or users.get(user) != password:
            raise Refused("Unauthorized", 401)
        if self.command_name in self.server.forbidden:
            raise Refused("Forbidden", 403)

    # Commands

    def status(self, *_):
        self.need_online()
        row = self.server.find(
            self.parameters["file_id"], self.parameters.get("file_version")
        )
        if not row:
            raise Refused(UNAVAIL.format(self.parameters["file_id"]))
        self.reply(200, "SUCCESS", "Successfully handled command STATUS", row)

    def check_file(self, *_):
        self.need_online()
        version = self.parameters.get("file_version", 1)
        row = self.server.find(self.parameters["file_id"], version)
        path = self.server.volume / row["name"] if row else None
        if not row or not path.exists():
            raise Refused(UNAVAIL.format(self.parameters["file_id"]))
        of = f"File ID: {row['file_id']}/version: {row['version']}"
        if str(zlib.crc32(path.read_bytes())) == str(int(row["checksum"]) % 2**32):
            told = f"NGAMS_INFO_FILE_OK:3053:INFO: File checked and found OK. {of}"
        else:
            self.server.flag(row, "10000000")
            told = (
                f"NGAMS_ER_FILE_NOK:4057:ERROR: File is not OK. {of}. "
                "Inconsistent checksum found"
            )
        self.reply(200, "SUCCESS", told)

    def retrieve(self, *_):
        row = self.server.find(
            self.parameters["file_id"], self.parameters.get("file_version")
        )
        content = (self.server.volume / row["name"]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def store(self, kind, value):
        size, name, mime_type = self.announced()
        content = self.read_body(size // 2 if kind.endswith("_mid") else size)
        if kind in {"reset_mid", "unstored", "late"}:
            self.reset()
        is_full = size > self.server.largest  # ENOSPC
        if kind in {"reset_mid", "hangup_mid", "unstored"} or is_full:
            raise Hangup
        time.sleep(float(value) if kind == "late" else self.server.settle)
        if kind == "truncate":
            content = content[: -int(value)]
        if kind == "flip":
            content = bytes([content[0] ^ 1]) + content[1:]
        row = self.archive(name, content, mime_type, verify=kind != "truncate")
        if kind in {"reply_lost", "late"}:
            raise Hangup
        told = f"Successfully handled Archive Push Request for data file: {name}"
        self.reply(200, "SUCCESS", told, row)

    def announced(self):
        """What is known before the body is read, and refused already then."""
        size = self.headers.get("Content-Length", "")
        if not (size.isdigit() and int(size)):
            raise Refused("Content-Length is 0 or unknown", 411)
        self.need_online()
        name = self.file_name()
        mime_type = self.parameters.get("mime_type", self.headers["Content-Type"])
        if mime_type not in self.server.mime_types:
            raise Refused(f"Unknown mime type: {mime_type}")
        if len(name.encode()) > 255:
            raise Hangup
        if self.command_name == "ARCHIVE" and int(size) > self.server.largest:
            raise Refused("NGAMS_AL_NO_STO_SETS:3014:ALERT: No Storage Sets available")
        return int(size), name, mime_type

    def archive(self, name, content, mime_type, *, verify):
        variant = self.parameters.get("crc_variant", "0")
        plugins = {"0": "crc32", "2": "crc32z"}
        if variant not in plugins:
            raise Refused("%d format: a real number is required, not NoneType")
        crc, told = zlib.crc32(content), self.headers.get("NGAS-File-CRC")
        if verify and told is not None and int(told) != crc:
            raise Refused(
                f"Checksum error for file {name}, local crc = {crc}, "
                f"but remote crc = {told}"
            )
        plugin = plugins[variant]
        if self.command_name == "ARCHIVE" and variant == "0":
            plugin = "ngamsGenCrc32"
        return self.server.add(
            self.parameters.get("file_id") or self.server.file_id_of(name),
            content,
            plugin=plugin,
            fmt=mime_type,
        )

    def file_name(self):
        """What a real server makes of the header: taken apart before it is unquoted."""
        for part in self.headers.get("Content-Disposition", "").split(";"):
            key, _, value = part.strip().partition("=")
            value = value.partition("=")[0]
            self.parameters[key] = urllib.parse.unquote(value.strip('"'))
        if not self.parameters.get("filename"):
            raise Refused("NGAMS_ER_MISSING_URI:4013:ERROR: No URI specified")
        return self.parameters["filename"].rpartition("/")[2]

    def need_online(self):
        if self.server.state != "ONLINE":
            raise Refused(self.improper())

    # The wire

    def read_body(self, size):
        content = bytearray()
        while len(content) < size:
            part = self.rfile.read(min(65536, size - len(content)))
            if not part:
                raise Hangup  # FIN in mid upload
            content += part
            time.sleep(self.server.block_delay)
        return bytes(content)

    def reply(self, code, status, message, row=None, state=None):
        self.server.replying()
        state = state or self.server.state
        attributes = {
            "Date": "2026-11-22T08:19:54.052",
            "Version": "12.0/2022-11-29T07:00:00",
            "HostId": "vm:17777",
            "Message": message,
            "Status": status,
            "State": state,
            "SubState": "IDLE",
        }
        body = (
            '<?xml version="1.0" ?>\n<!DOCTYPE NgamsStatus SYSTEM '
            f'"{self.server.url}/RETRIEVE?internal=ngamsStatus.dtd">\n'
            f"<NgamsStatus>\n  <Status {written(attributes)}/>\n"
            f"{file_status(self.server.shown(row)) if row else ''}</NgamsStatus>\n"
        ).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def reset(self):
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
        self.rfile = self.wfile = io.BytesIO()


def unknown(*_):
    raise Refused("Command not found", 404)


def busy(handler, _):
    handler.connection.sendall(b"HTTP/1.0 503 Service Unavailable\r\n")
    handler.reset()


def offline(handler, _):
    raise Refused(handler.improper(), state="OFFLINE")


def message(_, value):
    """A refusal; where the body is not read yet, the kernel sends a reset behind it."""
    raise Refused(value)


def after_body(handler, value):
    handler.read_body(int(handler.headers.get("Content-Length", 0)))
    raise Refused(value)


def raw(handler, value):
    handler.connection.sendall(value.encode())


def huge(handler, value):
    handler.read_body(int(handler.headers.get("Content-Length", 0)))
    with contextlib.suppress(OSError):
        handler.connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<NgamsStatus>")
        for _ in range(int(value)):
            handler.connection.sendall(b"<x/>" * 65536)


def drip(handler, value):
    with contextlib.suppress(OSError):
        for letter in b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 1000:
            handler.connection.sendall(bytes([letter]))
            time.sleep(float(value))


FAULTS = {
    "busy": busy,
    "offline": offline,
    "message": message,
    "after_body": after_body,
    "reset": lambda handler, _: handler.reset(),
    "hangup": lambda *_: None,
    "raw": raw,
    "huge": huge,
    "drip": drip,
    "silent": lambda _, value: time.sleep(float(value)),
}
COMMANDS = {
    "STATUS": Handler.status,
    "CHECKFILE": Handler.check_file,
    "RETRIEVE": Handler.retrieve,
    "ARCHIVE": Handler.store,
    "QARCHIVE": Handler.store,
}


class Program:
    """The toy of a server as a process of its own, on one port and one directory."""

    def __init__(self, directory, block_delay=0.0, settle=0.0):
        self.directory = directory
        self.block_delay, self.settle = block_delay, settle
        self.port, self.process = 0, None

    def start(self):
        words = (self.directory, self.port, self.block_delay, self.settle)
        self.process = subprocess.Popen(
            [sys.executable, __file__, *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self):
        """What its directory holds, looked at without it."""
        return Database(self.directory)


def written(attributes):
    return " ".join(f"{key}={quoteattr(str(v))}" for key, v in attributes.items())


def file_status(row):
    disk = {"DiskId": "88e361a1da64b76dac9cd51bfc388b9a", "Archive": "TEST"}
    file = {
        "FileName": row["name"],
        "FileId": row["file_id"],
        "FileVersion": row["version"],
        "Format": row["format"],
        "FileSize": row["size"],
        "UncompressedFileSize": row["size"],
        "Compression": row.get("compression", "NONE"),
        "IngestionDate": "2026-11-22T08:19:54.047",
        "Ignore": 0,
        "Checksum": row["checksum"],
        "ChecksumPlugIn": row["plugin"],
        "FileStatus": row["flag"],
        "ContainerId": "None",
    }
    return (
        f"  <DiskStatus {written(disk)}>\n    <FileStatus {written(file)}/>\n"
        "  </DiskStatus>\n"
    )


if __name__ == "__main__":
    server = FakeNgas(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
