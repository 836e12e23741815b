"""Blocks of people in the view of who acts: by community, or by coalition.

Communities stay; who is in which coalition changes at every tick, and with it where people stand.

Core Objects: Blocks, by_community, by_coalition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abm.actions import ACTIONS
from scenarios.dashboard.messages import IN_NONE, Facts, Snapshot

MOST = 15
"""Coalitions that are told apart, in the order in which they were founded; later ones are shown together."""

NONE = "in none"
"""What the block of those is called who are in no coalition."""


@dataclass(frozen=True)
class Blocks:
    """People by where they belong, the last of them perhaps nowhere.

    Attributes
    ----------
    kind
        What the blocks are: ``community`` or ``coalition``.
    labels
        What each is called.
    acting
        For each the number of people in each action, in the order of :data:`abm.actions.ACTIONS`.
    codes
        Action of each person who is drawn, a byte each, block by block.
    pixels
        Number of people of each block who are drawn.
    """

    kind: str
    labels: tuple[str, ...]
    acting: tuple[tuple[int, ...], ...]
    codes: bytes
    pixels: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of people in each block."""
        return tuple(map(sum, self.acting))

    def shares(self, action: int) -> list[float]:
        """Return the share of each block in an action, by its number."""
        return [row[action] / size for row, size in zip(self.acting, self.sizes, strict=True)]


def by_community(facts: Facts, snapshot: Snapshot) -> Blocks:
    """Return the people by community, the largest first."""
    labels = tuple(community.label for community in facts.communities)
    return Blocks("community", labels, snapshot.acting, snapshot.pixels, facts.community_pixels)


def by_coalition(snapshot: Snapshot) -> Blocks:
    """Return the people by coalition, the first founded first; within one they stand by community."""
    coalitions = snapshot.coalitions
    counts = np.array([coalition.acting for coalition in coalitions.shown], np.int64).reshape(
        -1, len(ACTIONS)
    )
    everybody = np.array(snapshot.acting, np.int64).sum(axis=0)
    counts = np.vstack([counts, everybody - counts.sum(axis=0)])
    labels = [*coalitions.labels, NONE]
    block = np.arange(len(labels))
    if len(coalitions.labels) > MOST:
        together = len(coalitions.labels) - MOST
        labels = [*labels[:MOST], f"{together} later ones", NONE]
        block = np.append(np.minimum(block[:-1], MOST), MOST + 1)
    acting = np.zeros((len(labels), len(ACTIONS)), np.int64)
    np.add.at(acting, block, counts)
    of_pixels = np.frombuffer(coalitions.of_pixels, np.uint8)
    drawn = block[np.where(of_pixels == IN_NONE, len(block) - 1, of_pixels)]
    order = np.argsort(drawn, kind="stable")
    there = np.flatnonzero(acting.sum(axis=1))
    return Blocks(
        "coalition",
        tuple(labels[number] for number in there),
        tuple(tuple(acting[number].tolist()) for number in there),
        np.frombuffer(snapshot.pixels, np.uint8)[order].tobytes(),
        tuple(np.bincount(drawn, minlength=len(labels))[there].tolist()),
    )
