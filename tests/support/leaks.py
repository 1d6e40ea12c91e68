"""Looks for secrets where they must not be: decodes what hides them, and can find planted ones."""

import base64
import binascii
import contextlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes

import psutil
import pyarrow
import redis
from sqlalchemy import MetaData, create_engine, select

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPE = re.compile(rb'\\(u[0-9a-fA-F]{4}|["\\/])')
_HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}")
_ZSTD = b"\x28\xb5\x2f\xfd"
_MAGIC = re.compile(rb"\x28\xb5\x2f\xfd|\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_DEPTH = 3


def holds(data: bytes, secret: bytes) -> bool:
    """Whether the secret is in the data: plain, or in hex, base64, URL, JSON, compressed forms."""
    return any(secret in form for form in _forms(data, _DEPTH))


def _forms(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    if depth == 0:
        return
    for found in _decoded(data):
        if found and found != data:
            yield from _forms(found, depth - 1)


def _decoded(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data)
    if b"\\" in data:
        yield _ESCAPE.sub(_unescaped, data)
    for match in _BASE64.findall(data):
        raw = match.rstrip(b"=")
        with contextlib.suppress(binascii.Error, ValueError):
            yield base64.urlsafe_b64decode(
                raw.replace(b"+", b"-").replace(b"/", b"_") + b"=" * (-len(raw) % 4)
            )
    for match in _HEX.findall(data):
        yield bytes.fromhex(match[: len(match) // 2 * 2].decode())
    for kind in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(kind).decompress(data)
    yield from _compressed_within(data)


def _compressed_within(data: bytes) -> Iterator[bytes]:
    """What begins like gzip or zstd anywhere in the data, as members of an archive do."""
    for match in _MAGIC.finditer(data):
        piece = data[match.start() :]
        if piece.startswith(_ZSTD):
            with contextlib.suppress(OSError):
                yield pyarrow.input_stream(pyarrow.BufferReader(piece), "zstd").read()
        else:
            with contextlib.suppress(zlib.error):
                yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(piece)


def _unescaped(match: re.Match[bytes]) -> bytes:
    """What JSON's \\uXXXX or \\" stands for."""
    word = match[1]
    return chr(int(word[1:], 16)).encode("utf-8", "replace") if word[:1] == b"u" else word


def in_broker(url: str, secret: bytes) -> list[str]:
    """The keys of a Redis server whose name or value holds the secret, in all its databases."""
    client = redis.Redis.from_url(url)
    return [
        key.decode("utf-8", "replace")
        for key in dict.fromkeys(client.scan_iter("*", count=1000))  # it may name one twice
        if holds(key, secret) or any(holds(part, secret) for part in _value(client, key))
    ]


def _value(client: redis.Redis, key: bytes) -> Iterable[bytes]:
    kind = client.type(key)
    if kind == b"none":  # gone since it was named
        return []
    if kind == b"string":
        return [client.get(key) or b""]
    if kind == b"list":
        return client.lrange(key, 0, -1)
    if kind == b"set":
        return client.smembers(key)
    if kind == b"zset":
        return client.zrange(key, 0, -1)
    if kind == b"hash":
        return [part for pair in client.hgetall(key).items() for part in pair]
    assert kind == b"stream", kind
    entries = client.xrange(key)
    return [part for _, fields in entries for pair in fields.items() for part in pair]


def in_catalog(url: str, secret: bytes) -> list[str]:
    """The columns of a catalog's tables that hold the secret, as `table.column`."""
    engine, tables = create_engine(url, connect_args={"timeout": 120}), MetaData()
    tables.reflect(engine)
    found: dict[str, None] = {}
    with engine.connect() as connection:
        for table in tables.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    if value is not None and holds(str(value).encode(), secret):
                        found[f"{table.name}.{name}"] = None
    engine.dispose()
    return list(found)


def in_files(folder: Path, secret: bytes, leave: Iterable[str] = ()) -> list[str]:
    """The files below a folder that hold the secret; `leave` names folders not to look into."""
    return [
        str(path.relative_to(folder))
        for path in sorted(_files(folder, frozenset(leave)))
        if holds(_content(path), secret)
    ]


def _files(folder: Path, leave: frozenset[str]) -> Iterator[Path]:
    """All files that are there now; a folder that goes meanwhile is no error for os.walk."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in leave]
        yield from (Path(place, name) for name in names if name not in leave)


def _content(path: Path) -> bytes:
    """A fleet that is up makes and removes files all the while; a pipe or socket holds nothing."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


def command_lines() -> dict[int, str]:
    """Every command line that this user may read, as `ps` shows it."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found[process.pid] = " ".join(process.cmdline())
    return found
