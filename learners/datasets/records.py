"""What a loaded data set is: records that belong to owners."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RatingData:
    """Ratings of items by owners, sorted by owner, then time, then item.

    Attributes
    ----------
    name
        Name of the data set in the catalogue.
    owners
        int32[n_records], 0..n_owners-1: who rated.
    items
        int32[n_records], 0..n_items-1: what was rated.
    ratings
        float32[n_records], on ``scale``.
    timestamps
        int64[n_records], seconds since 1970, 0 where unknown.
    scale
        The legal ratings in ascending order.
    owner_ids, item_ids
        int64[n_owners], int64[n_items]: the ids the publisher uses.
    groups
        Group name (``gender``, ``age``, ``occupation``) to one label an owner, str[n_owners].
    genres
        bool[n_items, n_genres], and ``genre_names`` its columns.
    warnings
        One line for each way in which this copy differs from the published set.
    """

    name: str
    owners: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float32]
    timestamps: NDArray[np.int64]
    scale: tuple[float, ...]
    owner_ids: NDArray[np.int64]
    item_ids: NDArray[np.int64]
    groups: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    genres: NDArray[np.bool_] | None = None
    genre_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def n_owners(self) -> int:
        """Number of people who rated."""
        return len(self.owner_ids)

    @property
    def n_items(self) -> int:
        """Number of items that somebody rated."""
        return len(self.item_ids)

    @property
    def has_time(self) -> bool:
        """Whether every record has a timestamp, as a stream clock needs."""
        return bool((self.timestamps > 0).all())

    @property
    def digest(self) -> str:
        """SHA-256 of the records: equal for equal data however they were stored."""
        return _digest(self.owners, self.items, self.ratings, self.timestamps)

    def restricted(self, chosen: NDArray[np.int64]) -> RatingData:
        """Return the records of the chosen owners (row numbers, ascending), owners renumbered, items kept."""
        new_number = np.full(self.n_owners, -1, np.int32)
        new_number[chosen] = np.arange(len(chosen), dtype=np.int32)
        kept = new_number[self.owners] >= 0
        return replace(
            self,
            owners=new_number[self.owners[kept]],
            items=self.items[kept],
            ratings=self.ratings[kept],
            timestamps=self.timestamps[kept],
            owner_ids=self.owner_ids[chosen],
            groups={name: labels[chosen] for name, labels in self.groups.items()},
        )


@dataclass(frozen=True)
class InteractionData:
    """Which owner has which items, with one item of each owner held out, sorted by owner, then item.

    Attributes
    ----------
    name
        Name of the data set in the catalogue.
    owners
        int32[n_records], 0..n_owners-1.
    items
        int32[n_records], 0..n_items-1; no pair is there twice.
    held_out
        int32[n_owners]: the item of each owner that is predicted, never trained on.
    negatives
        int32[n_owners, 99]: items the owner does not have, among which the held-out one is to be found.
    owner_ids, item_ids
        int64[n_owners], int64[n_items]: the ids the publisher uses.
    warnings
        One line for each way in which this copy differs from the published set.
    """

    name: str
    owners: NDArray[np.int32]
    items: NDArray[np.int32]
    held_out: NDArray[np.int32]
    negatives: NDArray[np.int32]
    owner_ids: NDArray[np.int64]
    item_ids: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    @property
    def n_owners(self) -> int:
        """Number of people."""
        return len(self.owner_ids)

    @property
    def n_items(self) -> int:
        """Number of items that somebody has."""
        return len(self.item_ids)

    @property
    def digest(self) -> str:
        """SHA-256 of the records."""
        return _digest(self.owners, self.items, self.held_out, self.negatives)

    def restricted(self, chosen: NDArray[np.int64]) -> InteractionData:
        """Return the records of the chosen owners (row numbers, ascending), owners renumbered, items kept."""
        new_number = np.full(self.n_owners, -1, np.int32)
        new_number[chosen] = np.arange(len(chosen), dtype=np.int32)
        kept = new_number[self.owners] >= 0
        return replace(
            self,
            owners=new_number[self.owners[kept]],
            items=self.items[kept],
            held_out=self.held_out[chosen],
            negatives=self.negatives[chosen],
            owner_ids=self.owner_ids[chosen],
        )


@dataclass(frozen=True)
class TextData:
    """Labelled texts.

    Attributes
    ----------
    name
        Name of the data set in the catalogue.
    texts
        One string a record.
    labels
        int64[n_records], 0..n_classes-1.
    class_names
        One name a class.
    warnings
        One line for each way in which this copy differs from the published set.
    """

    name: str
    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def digest(self) -> str:
        """SHA-256 of the records."""
        sha = hashlib.sha256(_digest(self.labels).encode())
        for text in self.texts:
            encoded = text.encode("utf-8", "surrogatepass")
            sha.update(len(encoded).to_bytes(8, "little"))
            sha.update(encoded)
        return sha.hexdigest()


@dataclass(frozen=True)
class ImageData:
    """Labelled images.

    Attributes
    ----------
    name
        Name of the data set in the catalogue.
    images
        uint8[n_records, channels, height, width].
    labels
        int64[n_records], 0..n_classes-1.
    class_names
        One name a class.
    test_images, test_labels
        The publisher's own test set, ``None`` where there is none.
    warnings
        One line for each way in which this copy differs from the published set.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    test_images: NDArray[np.uint8] | None = None
    test_labels: NDArray[np.int64] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def digest(self) -> str:
        """SHA-256 of the records: equal for equal data however they were stored."""
        return _digest(self.images, self.labels)


def _digest(*arrays: NDArray[Any]) -> str:
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(str((array.dtype.str, array.shape)).encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()
