"""Download of the data sets from their publishers: resumable, verified, then unpacked like any archive."""

from __future__ import annotations

import hashlib
import http.client
import logging
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from learners.datasets import local
from learners.datasets.catalogue import Archive, entry, is_present, location
from learners.errors import InputError, OutputError

Progress = Callable[[int, int], None]
"""Called with the number of bytes that are here and the number that there will be."""

TIMEOUT_SECONDS = 30.0
"""How long the server may be silent."""

_CHUNK_BYTES = 2**16
_log = logging.getLogger(__name__)


def fetch(name: str, data_dir: Path, progress: Progress | None = None) -> Path:
    """Download a data set into the data directory.

    One that is there already is left alone, and the log says so. The terms to show beforehand are in the
    catalogue (``entry(name).licence``). The archive is collected in ``NAME.zip.part`` in the data directory,
    and a later call goes on where an interrupted one stopped. It is unpacked only when its checksum is right,
    and removed once the data set is in place.

    Parameters
    ----------
    name
        A key of the catalogue.
    data_dir
        The data directory; made where it does not exist.
    progress
        Called after each piece that arrives.

    Returns
    -------
    Path
        The folder of the data set in the data directory.

    Raises
    ------
    InputError
        When the name is unknown or has nothing to download; the network fails; the download has another
        checksum than the published archive; or, as from :func:`learners.datasets.local.add`, its content
        cannot be accepted.
    OutputError
        When the data directory cannot be written.
    """
    target = location(name, data_dir)
    archive = entry(name).archive
    if is_present(name, data_dir):
        _log.info("%s is already in %s", name, data_dir)
        return target
    if archive is None:
        raise InputError(f"{name} has no download: run 'data-leverage data add {name} PATH'")
    part = data_dir / f"{name}.zip.part"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _receive(name, archive, part, progress)
        with part.open("rb") as received:
            actual = hashlib.file_digest(received, "sha256").hexdigest()
        if actual != archive.sha256:
            # Ours to remove, and to keep it would make every later call resume from what is wrong.
            part.unlink()
            raise _failure(
                name, archive, f"it has the SHA-256 {actual}, not {archive.sha256}, and was discarded"
            )
    except OSError as error:
        raise OutputError(f"{part}: cannot be written ({error.strerror or error})") from error
    local.add(name, part, data_dir)
    part.unlink(missing_ok=True)
    return target


def _receive(name: str, archive: Archive, part: Path, progress: Progress | None) -> None:
    """Bring the partial file up to the length of the archive."""
    have = part.stat().st_size if part.exists() else 0
    if have >= archive.size:
        return
    request = urllib.request.Request(archive.url, headers={"User-Agent": "data-leverage"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with _network(name, archive):
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server ignores ranges and sends the whole
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _failure(name, archive, "the server sent another part of it than was asked for")
        with part.open("ab" if have else "wb") as file:
            # No more than was announced: a server that never stops must not fill the disk.
            while have < archive.size:
                with _network(name, archive):
                    piece = response.read(min(_CHUNK_BYTES, archive.size - have))
                if not piece:
                    raise _failure(
                        name, archive, f"the connection closed after {have:,} of {archive.size:,} bytes"
                    )
                file.write(piece)
                have += len(piece)
                if progress is not None:
                    progress(have, archive.size)


@contextmanager
def _network(name: str, archive: Archive) -> Iterator[None]:
    """Report a fault of the network as such: urllib's errors are OSErrors, like those of a full disk."""
    try:
        yield
    except urllib.error.HTTPError as error:
        raise _failure(name, archive, f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _failure(name, archive, str(getattr(error, "reason", error))) from error


def _failure(name: str, archive: Archive, problem: str) -> InputError:
    return InputError(
        f"{name} cannot be downloaded from {archive.url}: {problem}; run the same command again to go on, "
        f"or get the archive elsewhere and run 'data-leverage data add {name} PATH'"
    )
