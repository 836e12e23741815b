"""Single files that are there whole or not at all, whatever stops the process that writes them.

Core Objects: parquet_bytes, replace_file, sync_folder.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from learners.errors import OutputError


def parquet_bytes(table: pd.DataFrame | pa.Table, metadata: Mapping[str, str]) -> bytes:
    """Return a table as a Parquet file with page checksums, so that a flipped bit is found when it is read.

    Parameters
    ----------
    table
        Of a data frame, columns are kept, the index is not.
    metadata
        Added to the metadata of the file's schema.
    """
    columns = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    columns = columns.replace_schema_metadata({**(columns.schema.metadata or {}), **metadata})
    buffer = io.BytesIO()
    pq.write_table(columns, buffer, write_page_checksum=True)
    return buffer.getvalue()


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place, flush it to the disk and rename it into place; its folder is there.

    Raises
    ------
    OutputError
        With one line that names the file; what was there before is as it was.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            sync_folder(path.parent)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names; Windows offers no way to."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
