"""The data sets in the data directory: added from the user's files, checked against the published, listed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from learners.datasets.archives import unpack
from learners.datasets.catalogue import CATALOGUE, DataSetEntry, entry, installed, is_present, location
from learners.errors import InputError, OutputError


class DataSetStatus(NamedTuple):
    """One line of the list of data sets."""

    name: str
    present: bool
    title: str
    licence: str


def add(name: str, path: Path, data_dir: Path) -> Path:
    """Put a data set that the user has into the data directory.

    Nothing is seen under its final name before it is complete and has been loaded once.

    Parameters
    ----------
    name
        A key of the catalogue.
    path
        A folder in the publisher's layout, or a ``.zip`` or ``.tar.gz`` of one; the files may lie in it or
        one folder down. It is left as it is.
    data_dir
        The data directory; made where it does not exist.

    Returns
    -------
    Path
        The folder of the data set in the data directory.

    Raises
    ------
    InputError
        When the name is unknown, the data set is there already, ``path`` does not hold it or holds it broken,
        or an archive is unsafe to unpack.
    OutputError
        When the data directory cannot be written.
    """
    target = location(name, data_dir)
    if target.exists():
        raise InputError(f"{target} is already there: move it away to add {name} anew")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    wanted = entry(name)
    if path.is_dir():
        # Before anything is copied, so that a message names the user's own file.
        found = _layout_folder(wanted, path, path)
        wanted.load(found)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=data_dir) as temporary:
            staged = Path(temporary) / target.name
            staged.mkdir()
            if path.is_dir():
                _copy(wanted, found, staged)
            else:
                staged = _unpacked(wanted, path, staged)
            staged.rename(target)
    except OSError as error:
        raise OutputError(f"{data_dir}: {name} cannot be written ({error.strerror or error})") from error
    return target


def check(name: str, data_dir: Path) -> list[str]:
    """Compare a data set in the data directory with the published one.

    Parameters
    ----------
    name
        A key of the catalogue.
    data_dir
        The data directory.

    Returns
    -------
    list of str
        One line for each file whose SHA-256 is not the published one and for each warning or error of the
        loader, which reports missing files. Empty where nothing differs; a file whose published checksum is
        not known is judged by the loader alone.

    Raises
    ------
    InputError
        When the name is unknown or the data set is not in the data directory.
    """
    wanted = entry(name)
    if wanted.folder is None:
        return []
    folder = installed(name, data_dir)
    findings = []
    for file, published in wanted.files.items():
        if published is None or not (folder / file).is_file():
            continue
        with (folder / file).open("rb") as opened:
            actual = hashlib.file_digest(opened, "sha256").hexdigest()
        if actual != published:
            findings.append(
                f"{name}: {file} is not the published file (SHA-256 {actual}, published {published})"
            )
    try:
        findings.extend(wanted.load(folder).warnings)
    except InputError as error:
        findings.append(str(error))
    return findings


def status(data_dir: Path) -> list[DataSetStatus]:
    """Return one line for each data set of the catalogue: name, whether it is there, title and terms."""
    return [
        DataSetStatus(known.name, is_present(known.name, data_dir), known.title, known.licence)
        for known in CATALOGUE.values()
    ]


def _layout_folder(wanted: DataSetEntry, folder: Path, shown: Path) -> Path:
    """Return the folder itself, or the one folder down, that holds a file of the data set."""
    for candidate in (folder, *sorted(child for child in folder.iterdir() if child.is_dir())):
        if any((candidate / file).is_file() for file in wanted.files):
            return candidate
    raise InputError(f"{shown}: holds none of the files of {wanted.name} ({', '.join(wanted.files)})")


def _copy(wanted: DataSetEntry, found: Path, staged: Path) -> None:
    # Only what belongs to the data set: the user's folder may hold anything else, or links to it.
    for file in (*(found / file for file in wanted.files), *found.glob("README*")):
        if file.is_file():
            shutil.copyfile(file, staged / file.name)


def _unpacked(wanted: DataSetEntry, archive: Path, staged: Path) -> Path:
    unpack(archive, staged)
    found = _layout_folder(wanted, staged, archive)
    try:
        wanted.load(found)
    except InputError as error:
        # The folder that the message names is about to go.
        raise InputError(str(error).replace(str(staged), str(archive))) from error
    return found
