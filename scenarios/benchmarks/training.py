"""Our learners against peers on real data: a cold fit, and an update after 1 % of the owners have left.

Core Objects: learners.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.errors import InputError
from learners.evaluation import Predictions
from learners.holdings import Holding
from learners.ratings.matrix_factorisation import FactorisationLearner
from learners.ratings.use_case import RatingUseCase
from learners.text.use_case import TextUseCase
from learners.topn.co_occurrence import CoOccurrence
from learners.topn.item_knn import ItemKNNLearner, item_weights, owner_weights
from learners.topn.similarities import Similarities
from learners.topn.use_case import TopNUseCase
from learners.usecase import Effort, Learner, UseCase, load_use_case
from scenarios.benchmarks.comparisons import HOW_TO_INSTALL, Comparison
from scenarios.benchmarks.machine_speed import MachineSpeed, Work
from scenarios.benchmarks.peer_learners import (
    IMPLICIT_NEIGHBOURS,
    MYFM_ITERATIONS,
    MYFM_RANK,
    Timed,
    implicit_cosine,
    is_installed,
    myfm_regression,
    published_text_pipeline,
    surprise_svd,
    timed,
)

SHARE = 0.01
"""Share of the owners who leave before an update."""

UPDATES = 5
"""Updates timed, one after the other; the median counts."""

LADDER = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40)
"""Numbers of sweeps after which a cold factorisation is stopped to see whether it is as good as a peer."""

FEW_DIMENSIONS = 5
"""Length of factor vectors that is enough to pass scikit-surprise's SVD."""

TESTED_PINNERS = 5000

MYFM = f"myfm, rank {MYFM_RANK}, {MYFM_ITERATIONS} iterations, one-hot raters and items"
SVD = "scikit-surprise SVD, defaults"
COSINE = f"implicit CosineRecommender, K = {IMPLICIT_NEIGHBOURS}, one thread"
PIPELINE = "scikit-learn: both TfidfVectorizers and LogisticRegression(C=.1, solver='sag'), from the texts"

Peer = Callable[[Any, Holding], Timed[NDArray[np.float64]]]


def learners(data_dir: Path | None = None) -> dict[str, Any]:
    """Compare cold fits and updates with peers, in CPU seconds of one thread, each on the same records.

    Our seconds are of everything from the holding to predictions of the test records, those of a peer of its
    fit alone. Where data or a peer are missing, the row says so.
    """
    speed = MachineSpeed.measured()
    sections: tuple[tuple[str, dict[str, Any], Callable[[Any, MachineSpeed], list[Comparison]]], ...] = (
        ("ml-1m", {}, rating_rows),
        ("pinterest-20", {"test_owners": TESTED_PINNERS}, interaction_rows),
        ("toxic", {}, text_rows),
    )
    rows: list[Comparison] = []
    for name, parameters, compare in sections:
        try:
            case = load_use_case(name, data_dir, "cpu", "holdout", **parameters)
        except InputError as error:
            rows.append(Comparison(name, note=str(error)))
            continue
        rows += compare(case, speed)
    return {
        "benchmark": "learners",
        "measured": "CPU seconds of one thread; updates after 1 % of the owners left",
        "gigaflops_per_second": speed.flops_per_second / 1e9,
        "gigabytes_per_second": speed.bytes_per_second / 1e9,
        "rows": [row.row() for row in rows],
        "text": [line for row in rows for line in row.lines()],
    }


def rating_rows(case: RatingUseCase, speed: MachineSpeed) -> list[Comparison]:
    """Compare matrix factorisation with myfm and with scikit-surprise."""
    full = Holding.full(case.owners)
    peers = {
        MYFM: _peer("myfm", myfm_regression, case, full),
        SVD: _peer("surprise", surprise_svd, case, full),
    }
    default = case.parameters.dimensions
    row = partial(_rating_row, case, speed)
    settled = cold(case, default, None)
    rows = [
        row("cold fit until it settles", name, peers[name], required, settled, default)
        for name, required in ((MYFM, 15), (SVD, None))
    ]
    for name, dimensions, required in ((MYFM, default, 15), (SVD, default, None), (SVD, FEW_DIMENSIONS, 30)):
        peer = peers[name]
        if peer is not None:
            target = _quality(case, peer.result)
            ours = until_as_good(case, dimensions, target)
            as_good = _quality(case, ours[1].result.holdout) <= target
            text = "cold fit stopped once as good" if as_good else "cold fit that does not become as good"
            rows.append(row(text, name, peer, required if as_good else None, ours, dimensions))
    for name, dimensions, required in (
        (SVD, default, 100),
        (MYFM, default, None),
        (SVD, FEW_DIMENSIONS, 100),
    ):
        learner = _factorisation(case, dimensions, None, "reference")
        updated = learner, update_timings(learner)
        rows.append(row("update, 1 % left", name, peers[name], required, updated, dimensions))
    return rows


def _rating_row(
    case: RatingUseCase,
    speed: MachineSpeed,
    text: str,
    peer_name: str,
    peer: Timed[NDArray[np.float64]] | None,
    required: float | None,
    ours: tuple[FactorisationLearner, Timed[Predictions]],
    dimensions: int,
) -> Comparison:
    learner, fitted = ours
    measured = f"{case.name}: {text}, {dimensions} dimensions, {learner.sweeps} sweeps"
    floor = speed.floor(sweep_work(case, dimensions) * learner.sweeps)
    return _comparison(case, measured, fitted, peer_name, peer, required, floor)


def sweep_work(case: RatingUseCase, dimensions: int) -> Work:
    """Return what a sweep cannot do without.

    For each rating the half of an outer product is added up for its rater and for its item, from the other's
    vector, which is read with the rating and its place; each row's equations are factored and solved.
    """
    width, n_ratings = dimensions + 1, int(case.training_mask(Holding.full(case.owners)).sum())
    sums = Work(2 * n_ratings * width * (width + 1), 2 * n_ratings * (4 * width + 8))
    return sums + Work((case.owners + case.data.n_items) * width**3 / 3, 0)


def _factorisation(
    case: RatingUseCase, dimensions: int, sweeps: int | None, effort: Effort = "retraining"
) -> FactorisationLearner:
    changed = {"dimensions": dimensions} | ({} if sweeps is None else {"max_sweeps": sweeps})
    return FactorisationLearner(case, 0, case.parameters.model_copy(update=changed), effort)


def cold(
    case: RatingUseCase, dimensions: int, sweeps: int | None
) -> tuple[FactorisationLearner, Timed[Predictions]]:
    """Fit to everybody's ratings from nothing; ``None``: until the learner stops by its own rule."""
    learner = _factorisation(case, dimensions, sweeps)
    return learner, timed(lambda: learner.fit(Holding.full(case.owners)))


def until_as_good(
    case: RatingUseCase, dimensions: int, rmse: float
) -> tuple[FactorisationLearner, Timed[Predictions]]:
    """Return the shortest cold fit, of those on the ladder, whose RMSE is no higher; else the longest."""
    for sweeps in LADDER:
        learner, fitted = cold(case, dimensions, sweeps)
        if _quality(case, fitted.result.holdout) <= rmse:
            break
    again = [cold(case, dimensions, sweeps) for _ in range(2)]
    return sorted([(learner, fitted), *again], key=lambda one: one[1].seconds)[1]


def update_timings(learner: Learner) -> Timed[Predictions]:
    """Fit to everybody's records, then time updates while 1 % more leave each time.

    The median counts; what is returned beside it are the predictions after the first.
    """
    case = learner.use_case
    full, order = Holding.full(case.owners), np.random.default_rng(0).permutation(case.owners)
    learner.fit(full)
    step = max(1, round(SHARE * case.owners))
    fits = [
        timed(partial(learner.fit, full.without(order[: step * number]))) for number in range(1, UPDATES + 1)
    ]
    return Timed(statistics.median(fit.seconds for fit in fits), fits[0].result)


def interaction_rows(case: TopNUseCase, speed: MachineSpeed) -> list[Comparison]:
    """Compare the sums of item-kNN with counting anew, and its update without evaluation with implicit."""
    full, nobody = Holding.full(case.owners), Holding.of(np.zeros(case.owners, np.bool_))
    order = np.random.default_rng(0).permutation(case.owners)
    step = max(1, round(SHARE * case.owners))
    learner = case.learner(0)
    assert isinstance(learner, ItemKNNLearner)

    def change(sums: CoOccurrence, before: Holding, after: Holding) -> None:
        owners = case.changed(before, after)
        sums.change(case.profiles(before, owners), case.profiles(after, owners))

    weighting = case.parameters.weighting
    squares = owner_weights(np.arange(case.n_columns + 1), case.data.n_items, weighting) ** 2
    scratch = timed(lambda: change(CoOccurrence(squares, case.owners, "cpu"), nobody, full))
    before = timed(lambda: learner.fit(full)).result
    holdings = [full.without(order[: step * number]) for number in range(UPDATES + 1)]
    sums, whole = [], []
    for held, left in itertools.pairwise(holdings):
        sums.append(timed(partial(change, learner.sums, held, left)).seconds)
        whole.append(sums[-1] + timed(lambda: _all_similarities(case, learner.sums)).seconds)
    sizes = case.records_per_owner - 1.0  # without the one held out
    added = float(np.square(sizes[order[:step]]).sum())
    rows = [
        Comparison(
            f"{case.name}: sums brought up to date, 1 % left",
            "the same sums from scratch",
            statistics.median(sums),
            scratch.seconds,
            50,
            floor_seconds=speed.floor(Work(added, 8 * added)),
        )
    ]
    peer = _peer("implicit", implicit_cosine, case, full)
    cells = float(case.data.n_items**2)
    fitted = Timed(statistics.median(whole), before)
    floor = speed.floor(Work(2 * cells, 4 * cells))
    text = f"{case.name}: whole update without evaluation, 1 % left, K = {case.parameters.neighbours}"
    rows.append(_comparison(case, text, fitted, COSINE, peer, 1, floor))
    return rows


def _all_similarities(case: TopNUseCase, sums: CoOccurrence) -> None:
    """Compute every similarity, as ranking everybody's candidates does."""
    parameters, n_items = case.parameters, case.data.n_items
    weights = item_weights(sums.counts, n_items, parameters.weighting)
    for _ in Similarities(sums, weights, parameters.neighbours, parameters.shrink).blocks(np.arange(n_items)):
        pass


def text_rows(case: TextUseCase, speed: MachineSpeed) -> list[Comparison]:
    """Compare an update of the comment classifier with vectorising and fitting anew."""
    counted = timed(lambda: case.blocks)
    learner = case.learner(0, "reference")
    fitted = update_timings(learner)
    left = Holding.full(case.owners).without(
        np.random.default_rng(0).permutation(case.owners)[: max(1, round(SHARE * case.owners))]
    )
    peer = published_text_pipeline(case, left)
    texts = case.versions_genuine[case.training_mask(left)]
    entries = sum(
        block.of(texts)[:, terms].nnz for block, terms in zip(case.blocks, learner.rows.terms, strict=True)
    )
    # One step: the features times a vector, and their transpose times another; a number and its place each.
    floor = speed.floor(Work(4.0 * entries, 24.0 * entries))
    note = f"terms are counted once and kept on the disk: {counted.seconds:.2g} CPU-s of this run"
    text = f"{case.name}: update, 1 % left"
    return [_comparison(case, text, fitted, PIPELINE, peer, 100, floor, note)]


def _peer(package: str, fit: Peer, case: UseCase, holding: Holding) -> Timed[NDArray[np.float64]] | None:
    return fit(case, holding) if is_installed(package) else None


def _quality(case: UseCase, predicted: NDArray[np.floating[Any]]) -> float:
    return case.metric.of(predicted, case.holdout.targets)


def _comparison(
    case: UseCase,
    measured: str,
    fitted: Timed[Predictions],
    peer_name: str,
    peer: Timed[NDArray[np.float64]] | None,
    required: float | None,
    floor_seconds: float,
    note: str = "",
) -> Comparison:
    nan = float("nan")
    return Comparison(
        measured,
        peer_name if peer else f"{peer_name}: {HOW_TO_INSTALL}",
        fitted.seconds,
        peer.seconds if peer else nan,
        nan if required is None else required,
        case.metric.name,
        _quality(case, fitted.result.holdout),
        _quality(case, peer.result) if peer else nan,
        floor_seconds,
        note,
    )
