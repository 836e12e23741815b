"""Services read off a learning curve: quality follows from how much data a company holds, not from whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abm.services import Service
from abm.training import Training
from learners.composition import CompositionGap
from learners.curves.curve_table import Curve, CurveValue
from learners.evaluation import PERSPECTIVES
from learners.holdings import ABSENT, GENUINE, Holding


@dataclass(frozen=True, eq=False)
class _Held:
    """What a company's model was last trained on, as the curve sees it.

    ``share`` of all data that exist, ``poisoned`` kind to fraction of that; ``codes`` as in the holding.
    """

    share: float
    poisoned: dict[str, float]
    codes: NDArray[np.int8]


class CurveTraining(Training):
    """Quality by the share of the data, as if those who took part were a random set; trains nothing.

    People whose data a company holds are served as the curve says known people are, the others as strangers;
    what a company serves is the mixture of those who consume there, by their numbers of records.

    Parameters
    ----------
    curve
        What is reached on which share.
    records
        float64[N], records owned.
    record_owners
        int32[n_records], needed where records arrive over time.
    """

    random_participation_assumed = True
    curve_at_hand = True

    def __init__(self, curve: Curve, records: NDArray[np.float64], record_owners: NDArray[np.int32]) -> None:
        self.curve = curve
        self.mode = curve.mode
        self._records = records
        self._record_owners = record_owners
        self._arrived: NDArray[np.bool_] | None = None
        self._trained: dict[str, _Held] = {}

    def new_tick(self, tick: int, arrived: NDArray[np.bool_] | None, refit: bool) -> None:
        """Take note of what exists."""
        self._arrived = arrived

    def retrain(self, company: str, holding: Holding) -> None:
        """Take note of how much of what exists the holding is."""
        self._trained[company] = self._held(holding)

    def _held(self, holding: Holding) -> _Held:
        codes = holding.codes
        if holding.arrived is None or self._arrived is None:
            everything = float(self._records.sum())
            by_code = np.bincount(codes, self._records)
        else:
            everything = float(self._arrived.sum())
            by_code = np.bincount(codes[self._record_owners[holding.arrived]])
        held = float(by_code[ABSENT + 1 :].sum())
        poisoned = {
            str(poison): float(by_code[code]) / held
            for code, poison in holding.poisons_present
            if code < len(by_code) and by_code[code] > 0
        }
        return _Held(held / everything if everything else 0.0, poisoned, codes)

    def service(self, company: str, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        """Read off the curve what was last trained is worth to those who consume it; no test records."""
        return self._measured(self._trained[company], consuming, seconds, stale)

    def forget(self, company: str) -> None:
        """There are no weights."""

    def shadow(self, company: str, holding: Holding) -> Callable[[NDArray[np.bool_]], Service]:
        """Read what a holding would be worth off the curve."""
        held = self._held(holding)
        return lambda consuming: self._measured(held, consuming, 0.0, False)

    def _measured(self, held: _Held, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        curve = self.curve
        known, stranger = self._at("known", held), self._at("stranger", held)
        views = {
            "company": self._at("company", held),
            "holdout": self._at("holdout", held),
            "served": self._served(held, consuming),
        }
        genuine = held.codes == GENUINE
        return Service(
            quality={p: views[p].quality for p in PERSPECTIVES},
            baseline={p: views[p].baseline for p in PERSPECTIVES},
            best={p: views[p].best for p in PERSPECTIVES},
            n_test=dict.fromkeys(PERSPECTIVES, 0),
            known_loss=known.loss,
            unknown_loss=stranger.loss,
            hits=self._records * np.where(genuine, known.utility, stranger.utility),
            best_hits=self._records * curve.ends.utility_best,
            baseline_hits=self._records * curve.ends.utility_baseline,
            relevant=self._records,
            seconds=seconds,
            stale=stale,
        )

    def _at(self, perspective: str, held: _Held) -> CurveValue:
        return self.curve.at(perspective, held.share, held.poisoned)

    def _served(self, held: _Held, consuming: NDArray[np.bool_]) -> CurveValue:
        """Return what the people served get: who consumes; with nobody, who is held; with neither, all."""
        present = held.codes != ABSENT
        people = consuming if consuming.any() else present
        total = float(self._records @ people)
        share = float(self._records @ (people & present)) / total if total else 0.0
        return self.curve.mixed(self._at("served", held), self._at("stranger", held), share)

    def composition_gaps(
        self,
        removed: NDArray[np.bool_],
        contributed: NDArray[np.bool_],
        tied: NDArray[np.bool_],
        rng: np.random.Generator,
        shadows: int,
    ) -> dict[str, CompositionGap]:
        """Every set of people counts as a random one, so there is no gap to measure."""
        return {}

    def true_curve(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the curve on the holdout."""
        return self.curve.normalised(x)

    def curve_points(self, perspective: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what was measured from a perspective."""
        shares = self.curve.shares(perspective)
        return shares, np.array([1 - self.curve.at(perspective, share).loss for share in shares])
