"""Where services come from: models retrained on the exact holdings, or a recorded run played again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from abm.services import Service
from learners.composition import CompositionGap, composition_gap, contribution_effect, strike_effect
from learners.curves.measuring import BELIEF_RATES, learning_curve
from learners.errors import InputError
from learners.evaluation import PERSPECTIVES, Evaluation
from learners.holdings import GENUINE, Holding
from learners.sharded_ensemble import ShardedEnsemble
from learners.usecase import Learner, Reference, UseCase

LARGE, SMALL = "large", "small"
"""Keys of the companies in columns and calls."""

COMPOSITION_GAPS = ("composition_gap", "composition_gap_cdc", "composition_gap_tied")
"""What it changes, beside random sets with as many records, that these people removed their data: for all,
and for those tied to them; and, ``cdc``, that these people contributed."""


class Training(ABC):
    """A source of services."""

    mode: str
    random_participation_assumed = False
    """Whether quality follows from how many took part, as if they were a random set, not from who did."""

    @property
    def curve_at_hand(self) -> bool:
        """Whether :meth:`true_curve` answers without training anything."""
        return False

    @abstractmethod
    def new_tick(self, tick: int, arrived: NDArray[np.bool_] | None, refit: bool) -> None:
        """Prepare for a tick, refitting the reference models on what has arrived where ``refit``."""

    @abstractmethod
    def retrain(self, company: str, holding: Holding) -> None:
        """Retrain a company's model on a holding."""

    def found(self, company: str) -> None:  # noqa: B027 (most sources keep nothing of a company's own)
        """Prepare for a further small company."""

    @abstractmethod
    def forget(self, company: str) -> None:
        """Throw a company's weights away: its next retraining starts from scratch."""

    def divide(self, company: str, shards: int) -> NDArray[np.int64]:
        """Give a company a model for each of some shards of the users; return the shard of each, int64[N].

        Raises
        ------
        InputError
            If nothing is trained.
        """
        raise InputError(
            f"companies.large.forgetting: 'unlearn' needs models to train, and mode {self.mode} trains none"
        )

    @abstractmethod
    def service(self, company: str, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        """Return what the company's model is worth, measured on those who consume it, bool[N].

        ``seconds`` and ``stale`` are as in :class:`abm.services.Service`.
        """

    @abstractmethod
    def shadow(self, company: str, holding: Holding) -> Callable[[NDArray[np.bool_]], Service]:
        """Return what a model of a holding would be worth to those who consume it, bool[N].

        The company's own model stays as it is.
        """

    @abstractmethod
    def composition_gaps(
        self,
        removed: NDArray[np.bool_],
        contributed: NDArray[np.bool_],
        tied: NDArray[np.bool_],
        rng: np.random.Generator,
        shadows: int,
    ) -> dict[str, CompositionGap]:
        """Return the composition gaps that can be measured, by their names in :data:`COMPOSITION_GAPS`.

        Parameters
        ----------
        removed, contributed
            bool[N]: who took data from Large Co., who gave data to Small Co.
        tied
            bool[N]: those of the others who are close to who removed data.
        rng
            Draws the random sets.
        shadows
            Number of random sets.
        """

    @abstractmethod
    def true_curve(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return g(x): normalised quality of a model trained on a random share x of the data."""

    @abstractmethod
    def curve_points(self, perspective: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return shares of the data, ascending to 1, and normalised quality measured there, float64[n] both.

        Raises
        ------
        InputError
            If there is no curve from that perspective.
        """


class LiveTraining(Training):
    """Real models, retrained on exactly what a company holds."""

    mode = "live"

    def __init__(self, use_case: UseCase, seed: int, arrived: NDArray[np.bool_] | None) -> None:
        self.use_case = use_case
        self.seed = seed
        self.reference = Reference(use_case, seed, arrived)
        # Large Co. starts where the reference stands: both hold everything, so their chains are one until
        # the first record is missing.
        self.learners: dict[str, Learner] = {
            LARGE: self.reference.learner.fork(),
            SMALL: use_case.learner(seed),
        }
        self._shards: dict[str, int] = {}
        self._divided: dict[str, Learner] = {}  # company to its models of shards, trained on everything
        self._curve: Any = None
        self._evaluations: dict[str, Evaluation] = {}
        self._new_reference()

    def new_tick(self, tick: int, arrived: NDArray[np.bool_] | None, refit: bool) -> None:
        """Refit the reference models where records arrive."""
        if refit and arrived is not None:
            self.reference.refit(arrived)
            self._new_reference()

    def _new_reference(self) -> None:
        self._baseline_hits, _ = self.use_case.hits(self.reference.uninformed.holdout)

    def retrain(self, company: str, holding: Holding) -> None:
        """Train on exactly this holding."""
        self._evaluations[company] = self.learners[company].update(holding, self.reference.uninformed)

    def found(self, company: str) -> None:
        """Put a fresh learner in place, like that of the first small company."""
        self.learners[company] = self.use_case.learner(self.seed)

    def forget(self, company: str) -> None:
        """Put a fresh learner in the place of a company's; its first fit is one to convergence."""
        if company in self._shards:
            self.learners[company] = ShardedEnsemble(
                self.use_case, self.seed, self._shards[company], effort="reference"
            )
        else:
            self.learners[company] = self.use_case.learner(self.seed, effort="reference")

    def divide(self, company: str, shards: int) -> NDArray[np.int64]:
        """Train a model for each shard on everything its owners have."""
        ensemble = ShardedEnsemble(self.use_case, self.seed, shards, effort="reference")
        ensemble.update(self.reference.evaluation.holding, self.reference.uninformed)
        self._shards[company], self._divided[company] = shards, ensemble
        self.learners[company] = ensemble.fork()
        return ensemble.shard_of

    def service(self, company: str, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        """Measure the last trained model on the people it serves."""
        return self._measured(self._evaluations[company], consuming, seconds, stale)

    def shadow(self, company: str, holding: Holding) -> Callable[[NDArray[np.bool_]], Service]:
        """Train a shadow: warm from the reference at Large Co., anew at Small Co."""
        learner = (
            self._divided.get(company, self.reference.learner).fork(effort="shadow")
            if company == LARGE
            else self.use_case.learner(self.seed, effort="shadow")
        )
        evaluation = learner.update(holding, self.reference.uninformed)
        return lambda consuming: self._measured(evaluation, consuming, 0.0, False)

    def _measured(
        self, trained: Evaluation, consuming: NDArray[np.bool_], seconds: float, stale: bool
    ) -> Service:
        evaluation = trained.serving(consuming)
        known = evaluation.holding.codes == GENUINE
        if not self.use_case.personalised:
            known = unknown = np.ones_like(known)  # everybody gets the same
        else:
            unknown = ~known
        scales = {p: self.reference.scale(p, evaluation) for p in PERSPECTIVES}
        predictions = evaluation.predictions
        return Service(
            quality={p: evaluation.views[p].quality for p in PERSPECTIVES},
            baseline={p: scales[p].baseline for p in PERSPECTIVES},
            best={p: scales[p].best for p in PERSPECTIVES},
            n_test={p: evaluation.views[p].n_test for p in PERSPECTIVES},
            known_loss=self.reference.loss(predictions.holdout, known),
            unknown_loss=self.reference.loss(predictions.fallback, unknown),
            hits=evaluation.hits,
            best_hits=self.reference.evaluation.hits,
            baseline_hits=self._baseline_hits,
            relevant=evaluation.relevant,
            seconds=seconds,
            stale=stale,
            planted=float(np.mean([*predictions.planted.values()])) if predictions.planted else np.nan,
        )

    def composition_gaps(
        self,
        removed: NDArray[np.bool_],
        contributed: NDArray[np.bool_],
        tied: NDArray[np.bool_],
        rng: np.random.Generator,
        shadows: int,
    ) -> dict[str, CompositionGap]:
        """Measure the gaps by shadow retraining."""
        records = self.use_case.records_per_owner.astype(np.float64)
        of_removal, of_contribution, on_tied = COMPOSITION_GAPS
        strike = strike_effect(self.reference)
        contribute = contribution_effect(self.reference, self.seed)
        gaps = {
            of_removal: composition_gap(strike, removed, records, rng, shadows),
            of_contribution: composition_gap(contribute, contributed, records, rng, shadows),
        }
        if tied[self.use_case.holdout.owners].any():
            lost = strike_effect(self.reference, on=tied)
            gaps[on_tied] = composition_gap(lost, removed, records, rng, shadows, among=~tied)
        return gaps

    @property
    def curve_at_hand(self) -> bool:
        """Whether the curve of this run has been measured."""
        return self._curve is not None

    def true_curve(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the curve measured by real retraining on random shares, once a run."""
        if self._curve is None:
            self._curve = learning_curve(self.reference, self.seed)
        return np.asarray(self._curve(x), float)

    def curve_points(self, perspective: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the points of the curve that this run measures, which is on the holdout."""
        if perspective != "holdout":
            raise InputError(
                f"perspective: a live run measures its curve on the 'holdout', not as '{perspective}'; "
                "run on a curve instead"
            )
        shares = np.array([*BELIEF_RATES, 1.0])
        return shares, self.true_curve(shares)


class Replay(Training):
    """The qualities of a recorded run, tick by tick (its last row for later ticks); trains nothing."""

    mode = "replay"

    def __init__(self, ticks: pd.DataFrame, records: NDArray[np.float64]) -> None:
        self._rows = ticks[list(replay_columns())].to_dict("records")
        self._relevant = records
        self._row: dict[Any, Any] = self._rows[0]
        self._trained: dict[str, tuple[dict[Any, Any], NDArray[np.bool_]]] = {}

    def new_tick(self, tick: int, arrived: NDArray[np.bool_] | None, refit: bool) -> None:
        """Turn to the row of the tick."""
        self._row = self._rows[min(tick, len(self._rows) - 1)]

    def retrain(self, company: str, holding: Holding) -> None:
        """Take over what was recorded of the tick, and whom the holding makes known."""
        self._trained[company] = (self._row, holding.codes == GENUINE)

    def service(self, company: str, consuming: NDArray[np.bool_], seconds: float, stale: bool) -> Service:
        """Return what was recorded; a user's hits are the user's records times pooled utility.

        Whom the company served then is in the recorded quality, so ``consuming`` changes nothing.
        """
        row, knows = self._trained[company]
        known, unknown = row[f"utility_{company}_known"], row[f"utility_{company}_unknown"]
        return Service(
            quality={p: row[f"quality_{company}_{p}"] for p in PERSPECTIVES},
            baseline={p: row[scale_column("baseline", company, p)] for p in PERSPECTIVES},
            best={p: row[scale_column("best", company, p)] for p in PERSPECTIVES},
            n_test=dict.fromkeys(PERSPECTIVES, int(row[f"n_test_{company}"])),
            known_loss=row[f"loss_{company}_known"],
            unknown_loss=row[f"loss_{company}_unknown"],
            hits=self._relevant * np.where(knows, known, unknown),
            best_hits=self._relevant * row["utility_best"],
            baseline_hits=self._relevant * row["utility_baseline"],
            relevant=self._relevant,
            seconds=seconds,
            stale=stale,
        )

    def shadow(self, company: str, holding: Holding) -> Callable[[NDArray[np.bool_]], Service]:
        """Refuse: nothing is trained."""
        raise InputError("record.attribution: must be 'off' in mode replay, which trains no models")

    def forget(self, company: str) -> None:
        """There are no weights."""

    def composition_gaps(
        self,
        removed: NDArray[np.bool_],
        contributed: NDArray[np.bool_],
        tied: NDArray[np.bool_],
        rng: np.random.Generator,
        shadows: int,
    ) -> dict[str, CompositionGap]:
        """Nothing is trained, so there is nothing to compare."""
        return {}

    def true_curve(self, x: ArrayLike) -> NDArray[np.float64]:
        """Refuse: a recording of one path holds no curve."""
        raise InputError("a replay has no measured curve")

    def curve_points(self, perspective: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Refuse likewise."""
        raise InputError("a replay has no measured curve")


def scale_column(end: str, company: str, perspective: str) -> str:
    """Return the column of W (``baseline``) or B (``best``) on the records of a company's test set."""
    return f"{end}_{perspective}" if company == LARGE else f"{end}_{company}_{perspective}"


def recorded_users(ticks: pd.DataFrame) -> int:
    """Return the number of users of a recorded run.

    Raises
    ------
    InputError
        If the table lacks a column that :class:`Replay` reads, or has no row.
    """
    missing = [column for column in ("owners_large", *replay_columns()) if column not in ticks]
    if missing:
        raise InputError(f"replay: the recorded ticks have no column '{missing[0]}'")
    if ticks.empty:
        raise InputError("replay: the recorded ticks have no row")
    return int(ticks["owners_large"].iloc[0])


def replay_columns() -> tuple[str, ...]:
    """Return the columns of a tick table that :class:`Replay` reads."""
    companies = [
        name
        for c in (LARGE, SMALL)
        for name in (
            *(f"quality_{c}_{p}" for p in PERSPECTIVES),
            *(scale_column(end, c, p) for end in ("baseline", "best") for p in PERSPECTIVES),
            f"n_test_{c}",
            f"loss_{c}_known",
            f"loss_{c}_unknown",
            f"utility_{c}_known",
            f"utility_{c}_unknown",
        )
    ]
    return (*companies, "utility_best", "utility_baseline")
