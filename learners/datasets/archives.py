"""Archives that nobody vouches for: unpacked within limits, and never outside the target folder.

Everything that an archive declares is judged before the first byte is written; what it really holds is
counted again while it is written.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from learners.errors import InputError

MAX_UNPACKED_BYTES = 2 * 2**30
"""The largest unpacked size that is accepted, in bytes."""

MAX_ENTRIES = 5_000
"""The largest number of files and folders that is accepted."""

_CHUNK_BYTES = 2**20
_MAX_NAME = 500
_MAX_DEPTH = 16
_ZIP_ENCRYPTED = 0x1

# What zipfile, tarfile and gzip raise on damaged or malicious input.
_DAMAGE = (
    OSError, EOFError, ValueError, RuntimeError, ArithmeticError, LookupError,
    struct.error, zlib.error, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip


@dataclass(frozen=True)
class _Entry:
    name: str
    size: int
    kind: str  # "file", "folder", or what it is that cannot be accepted
    open: Callable[[], IO[bytes]]


class _BoundedReads(io.BufferedReader):
    """A binary file that refuses to hand out more than a mebibyte at once.

    zipfile reads a whole directory into memory, and tarfile a whole extended header, however large the
    archive says that it is; with this below them an archive of a million entries is refused before it is
    listed.
    """

    def read(self, size: int | None = -1) -> bytes:
        most = _CHUNK_BYTES
        wanted = most + 1 if size is None or size < 0 else size
        if wanted > most + 1 or len(data := super().read(wanted)) > most:
            raise InputError(f"its directory is too long, at most {MAX_ENTRIES:,} entries are allowed")
        return data


def unpack(archive: Path, target: Path) -> None:
    """Unpack a zip or a gzipped tar archive into an empty folder.

    Parameters
    ----------
    archive
        The file; which kind it is follows from its content, not from its name.
    target
        An existing folder.

    Raises
    ------
    InputError
        When it is neither kind of archive or is damaged; names an absolute path, a path through ``..`` or one
        path twice; holds a link or a device; is encrypted; or holds more than :data:`MAX_ENTRIES` entries or
        :data:`MAX_UNPACKED_BYTES`. Nothing is written unless all that it declares is acceptable.
    OSError
        When the target cannot be written.
    """
    with ExitStack() as opened:
        with _damage_of(archive):
            entries = _accepted(_entries(archive, opened))
        written = 0
        for entry in entries:
            path = target / entry.name
            if entry.kind == "folder":
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as sink:
                for chunk in _chunks(archive, entry):
                    written += len(chunk)
                    if written > MAX_UNPACKED_BYTES:
                        raise InputError(f"{archive}: {_too_large()}")
                    sink.write(chunk)


@contextmanager
def _damage_of(archive: Path) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{archive}: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{archive}: cannot be unpacked ({' '.join(str(error).split())})") from error


def _chunks(archive: Path, entry: _Entry) -> Iterator[bytes]:
    with _damage_of(archive), entry.open() as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _entries(archive: Path, opened: ExitStack) -> Iterator[_Entry]:
    file = opened.enter_context(_BoundedReads(opened.enter_context(archive.open("rb", buffering=0))))
    magic = file.read(2)
    file.seek(0)
    if magic == b"PK":
        zipped = opened.enter_context(zipfile.ZipFile(file))
        yield from (_zip_entry(zipped, info) for info in zipped.infolist())
    elif magic == b"\x1f\x8b":
        stream = opened.enter_context(gzip.GzipFile(fileobj=file))
        tar = opened.enter_context(tarfile.TarFile(fileobj=opened.enter_context(_BoundedReads(stream))))
        yield from (_tar_entry(tar, info) for info in tar)
    else:
        raise InputError("it is neither a .zip nor a .tar.gz archive")


def _zip_entry(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Entry:
    mode = info.external_attr >> 16  # zero where the archive comes from a system without such modes
    if info.flag_bits & _ZIP_ENCRYPTED:
        kind = "an encrypted file"
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        kind = "a file in a compression other than deflate"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "a link or a device"
    else:
        kind = "folder" if info.is_dir() else "file"
    return _Entry(info.filename, info.file_size, kind, lambda: zipped.open(info))


def _tar_entry(tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Entry:
    kind = "file" if info.isreg() else "folder" if info.isdir() else "a link or a device"
    # Only the files among the entries are opened, and for those there is always something to read.
    return _Entry(info.name, info.size, kind, lambda: cast(IO[bytes], tar.extractfile(info)))


def _accepted(entries: Iterable[_Entry]) -> list[_Entry]:
    """Return the entries when all of them may be written; stops listing at the first that may not."""
    accepted: list[_Entry] = []
    files: set[PurePosixPath] = set()
    folders: set[PurePosixPath] = set()
    total = 0
    for entry in entries:
        if len(entry.name) > _MAX_NAME:
            raise InputError(f"a name of {len(entry.name):,} characters, at most {_MAX_NAME} are allowed")
        if entry.kind not in ("file", "folder"):
            raise InputError(f"{entry.name!r} is {entry.kind}, only files and folders are allowed")
        path = _inside(entry.name)
        if entry.size < 0:
            raise InputError(f"{entry.name!r} has a size of {entry.size} bytes")
        total += entry.size
        if total > MAX_UNPACKED_BYTES:
            raise InputError(_too_large())
        if entry.kind == "file":
            if path in files:
                raise InputError(f"{entry.name!r} is there twice")
            files.add(path)
        else:
            folders.add(path)
        folders.update(path.parents)
        accepted.append(entry)
        if len(accepted) > MAX_ENTRIES:
            raise InputError(f"it has more than {MAX_ENTRIES:,} entries")
    if both := files & folders:
        raise InputError(f"{str(min(both))!r} is both a file and a folder")
    return accepted


def _inside(name: str) -> PurePosixPath:
    """Return a name as a path that stays below the target on every system, for comparison without case."""
    path = PurePosixPath(name.casefold())
    if path.is_absolute() or ".." in path.parts or not name.isprintable() or "\\" in name or ":" in name:
        raise InputError(f"{name!r} is not a path inside the archive")
    if len(path.parts) > _MAX_DEPTH:
        raise InputError(f"{name!r} is {len(path.parts)} folders deep, at most {_MAX_DEPTH} are allowed")
    return path


def _too_large() -> str:
    return f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes"
