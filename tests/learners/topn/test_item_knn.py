from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners.holdings import ABSENT, GENUINE, Holding
from learners.metrics import hit_rate_at
from learners.poisoning import Poison
from learners.published import contribution_table
from learners.topn.co_occurrence import CoOccurrence
from learners.topn.item_knn import owner_weights
from learners.topn.similarities import _kth_largest, _kth_largest_on_gpu, _sums, _sums_on_gpu
from learners.topn.use_case import ranking_report
from learners.usecase import Reference, load_use_case

KINDS = (
    "item_swap",
    Poison("hated_playlist", (("items", 3),)),
    Poison("plant", (("target", 4),)),
    Poison("plant", (("target", 9),)),
)


def plain_scores(profiles, n_items, neighbours, shrink, weighting):
    """Score every item for every owner, float64[m, n], written after Ferrari Dacrema et al. (2019).

    Okapi BM25 of the item-by-user matrix, cosine of items with shrinkage, the ``neighbours`` largest of each
    column, and the product of weighted profiles with what is left.
    """
    x = profiles.astype(float)
    if weighting == "bm25":
        idf = np.log(n_items / (1 + x.sum(1)))
        length = x.sum(0)
        norm = (1 - 0.75) + 0.75 * length / (length.sum() / n_items)
        x = x * (1.2 + 1) / (1.2 * norm[None, :] + x) * idf[:, None]
    norms = np.sqrt((x**2).sum(0))
    w = np.zeros((x.shape[1], x.shape[1]))
    for column in range(x.shape[1]):
        similar = x.T @ x[:, column]
        similar[column] = 0
        similar /= norms[column] * norms + shrink + 1e-6
        if neighbours != "all" and neighbours < len(similar):
            similar[similar < np.sort(similar)[-neighbours]] = 0
        w[:, column] = similar
    return x @ w


def held_profiles(case, holding):
    return case.profiles(holding, np.arange(case.owners)).toarray()


def plain_places(lists, scores):
    """Return the place of the first of each list by sorting it."""
    places = []
    for items, lots, score in zip(lists.items, lists.lots, scores, strict=True):
        order = sorted(range(len(items)), key=lambda k: (-score[items[k]], lots[k]))
        places.append(order.index(0))
    return np.array(places)


@pytest.mark.parametrize("weighting", ["bm25", "none"])
@pytest.mark.parametrize(("neighbours", "shrink"), [(40, 5.0), (7, 100.0), ("all", 0.0), (1000, 5.0)])
def test_scores_are_those_of_the_plain_formulas(interaction_case, neighbours, shrink, weighting):
    case = interaction_case(neighbours=neighbours, shrink=shrink, weighting=weighting)
    holding = Holding.full(case.owners).without(range(20)).poisoned([30, 31, 32, 33], KINDS[2])
    learner = case.learner(0)
    predictions = learner.fit(holding)
    profiles = case.profiles(holding, case.lists.owners)
    known = np.diff(profiles.indptr) > 0
    scores = learner._similarities().scores(case.lists, profiles, known)
    own_weight = owner_weights(np.diff(profiles.indptr), case.data.n_items, weighting)
    expected = plain_scores(held_profiles(case, holding), case.data.n_items, neighbours, shrink, weighting)
    asked = np.take_along_axis(expected[case.lists.owners], case.lists.items.astype(int), axis=1)
    assert np.count_nonzero(asked[known]) > 1000
    scale = asked.max()
    np.testing.assert_allclose((scores * own_weight[:, None])[known], asked[known], atol=2e-4 * scale)
    assert not scores[~known].any()
    places = plain_places(case.lists, expected)
    assert np.mean(predictions.holdout[known] == places[known]) > 0.95  # equals may fall differently


def test_unknown_owners_get_what_is_popular_with_those_known(interactions):
    holding = Holding.of(np.arange(interactions.owners) % 2 == 0)
    predictions = interactions.learner(0).fit(holding)
    counts = held_profiles(interactions, holding).sum(0)
    places = plain_places(interactions.lists, np.tile(counts, (interactions.owners, 1)))
    np.testing.assert_array_equal(predictions.fallback, places)
    np.testing.assert_array_equal(predictions.holdout[1::2], places[1::2])
    assert np.mean(predictions.holdout[::2] == places[::2]) < 0.7


def test_owner_whose_records_are_all_withheld_is_unknown(interactions):
    arrived = interactions.record_owners != 6
    predictions = interactions.learner(0).fit(Holding.full(interactions.owners, arrived))
    assert predictions.holdout[6] == predictions.fallback[6]
    without = interactions.learner(0).fit(Holding.full(interactions.owners).without([6]))
    np.testing.assert_array_equal(predictions.holdout, without.holdout)


def test_model_beats_popularity(interactions):
    full = interactions.learner(0).update(Holding.full(interactions.owners))
    popular = hit_rate_at(interactions.uninformed().holdout, 5)
    assert full.holdout > popular + 0.15
    assert full.company == full.served == full.holdout


def test_company_is_measured_on_the_owners_whose_data_it_has(interactions):
    few = np.arange(interactions.owners) < 20
    evaluation = interactions.learner(0).update(Holding.of(few))
    assert evaluation.views["company"].n_test == 20
    ranks = evaluation.predictions.holdout
    assert evaluation.company == hit_rate_at(ranks[:20], 5)
    assert evaluation.holdout == hit_rate_at(ranks, 5)


def test_similarities_are_computed_only_for_candidates_asked_for(interactions):
    holding = Holding.full(interactions.owners)
    learner = interactions.learner(0)
    learner.fit(holding)
    lists = interactions.lists
    profiles = interactions.profiles(holding, lists.owners)
    similarities = learner._similarities()
    wanted = np.arange(len(lists.owners)) == 17
    everybody = similarities.scores(lists, profiles, np.ones(len(wanted), bool))
    one = similarities.scores(lists, profiles, wanted)
    np.testing.assert_array_equal(one[17], everybody[17])
    assert not np.delete(one, 17, axis=0).any()
    assert not similarities.scores(lists, profiles, np.zeros(len(wanted), bool)).any()


def test_blocks_are_the_rows_of_the_similarities(interactions):
    holding = Holding.full(interactions.owners)
    learner = interactions.learner(0)
    learner.fit(holding)
    items = np.random.default_rng(0).permutation(interactions.n_columns)
    rows = np.concatenate([block.numpy().copy() for block in learner._similarities().blocks(items)])
    assert rows.shape == (len(items), interactions.n_columns)
    assert not rows[np.arange(len(items)), items].any()
    assert np.count_nonzero(rows, axis=1).max() >= 40
    kept = np.where(rows > 0, rows, np.inf).min(1)
    for row, item, least in zip(rows, items, kept, strict=True):
        if np.count_nonzero(row) < 40:
            continue  # fewer co-occur with it
        others = rows[np.argsort(items)][:, item]
        assert np.sum(row > least) < 40
        assert np.all((row > 0) | (others <= least + 1e-7))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.lists(st.integers(0, 119), max_size=12)),
        st.tuples(st.just("leave"), st.lists(st.integers(0, 119), max_size=40)),
        st.tuples(st.just("poison"), st.lists(st.integers(0, 119), max_size=12), st.sampled_from(KINDS)),
        st.tuples(st.just("clean"), st.lists(st.integers(0, 119), max_size=12)),
        st.tuples(st.just("arrive"), st.integers(0, 3)),
        st.tuples(st.just("fork")),
        st.tuples(st.just("nobody")),
    ),
    min_size=1,
    max_size=8,
)


def moved(case, holding, step):
    """Return the holding after owners join, leave, poison, come clean, or with other records arrived."""
    codes = holding.codes.copy()
    match step:
        case "join", ids:
            codes[ids] = np.maximum(codes[ids], GENUINE)
        case "leave", ids:
            codes[ids] = ABSENT
        case "poison", ids, kind:
            return holding.poisoned(ids, kind)
        case "clean", ids:
            codes[ids] = np.minimum(codes[ids], GENUINE)
        case "arrive", part:
            mask = (np.arange(len(case.record_owners)) * 7) % 4 >= part
            return Holding(codes, holding.poisons, mask if part else None)
        case ("nobody",):
            codes[:] = ABSENT
    return Holding(codes, holding.poisons, holding.arrived)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_after_any_history_sums_and_predictions_are_exactly_those_from_scratch(interactions, steps):
    case = interactions
    learner, left_behind = case.learner(0), []
    holding = Holding.full(case.owners).without(range(0, case.owners, 5))
    learner.update(holding)
    for step in steps:
        if step == ("fork",):
            left_behind.append((learner, holding))
            learner = learner.fork()
        holding = moved(case, holding, step)
        learner.update(holding)
    for one, held in [(learner, holding), *left_behind]:
        evaluation, fresh = one.update(held), case.learner(0)
        expected = fresh.update(held)
        if not case.training_mask(held).any():
            continue  # served by popularity, nothing is trained
        assert torch.equal(one.sums.gram, fresh.sums.gram)
        np.testing.assert_array_equal(one.sums.counts, fresh.sums.counts)
        for name in ("holdout", "company", "fallback"):
            np.testing.assert_array_equal(
                getattr(evaluation.predictions, name), getattr(expected.predictions, name)
            )
        assert evaluation.predictions.planted == expected.predictions.planted


def test_sums_are_those_of_the_weighted_profiles(interactions):
    holding = Holding.full(interactions.owners).without([1, 2]).poisoned([5, 6, 7], "item_swap")
    learner = interactions.learner(0)
    learner.fit(Holding.full(interactions.owners))
    learner.fit(holding)
    profiles = held_profiles(interactions, holding)
    weights = owner_weights(profiles.sum(1), interactions.data.n_items, "bm25") ** 2
    exact = profiles.T @ (np.rint(weights / learner.sums.unit)[:, None] * profiles)
    np.testing.assert_array_equal(learner.sums.gram.numpy(), exact)
    np.testing.assert_array_equal(learner.sums.counts, profiles.sum(0))
    # A rounded weight is off by half a unit at most.
    np.testing.assert_allclose(
        exact * learner.sums.unit, profiles.T @ (weights[:, None] * profiles), rtol=1e-4
    )


@pytest.mark.parametrize("heaviest", [0.3, 1.0, 72.3])
def test_sums_cannot_overflow(heaviest):
    n_profiles, n_items = 4000, 3
    sums = CoOccurrence(np.array([0, heaviest, heaviest, heaviest]), n_profiles, "cpu")
    everybody = sp.csr_array(np.ones((n_profiles, n_items), np.int32))
    sums.change(everybody[:0], everybody)
    weight = np.rint(heaviest / sums.unit)
    assert torch.all(sums.gram == int(n_profiles * weight))
    assert n_profiles * weight > 2**31 / 5  # and little of the range is left unused
    sums.change(everybody, everybody[:0])
    assert not sums.gram.any()
    assert not sums.counts.any()


def test_large_changes_are_made_in_portions(interactions, monkeypatch):
    full = Holding.full(interactions.owners)
    whole, portions = interactions.learner(0), interactions.learner(0)
    whole.fit(full)
    monkeypatch.setattr("learners.topn.co_occurrence._PRODUCTS_AT_ONCE", 500)
    portions.fit(full)
    assert torch.equal(whole.sums.gram, portions.sums.gram)


def test_sums_are_shared_until_one_of_two_forks_changes(interactions):
    full = Holding.full(interactions.owners)
    learner = interactions.learner(0)
    learner.update(full)
    before = learner.sums.gram.clone()
    fork = learner.fork(effort="shadow")
    assert fork.sums.gram.data_ptr() == learner.sums.gram.data_ptr()
    fork.update(full.without(range(10)))
    assert torch.equal(learner.sums.gram, before)
    assert not torch.equal(fork.sums.gram, before)
    own = fork.sums.gram.data_ptr()
    fork.update(full.without(range(11)))
    assert fork.sums.gram.data_ptr() == own  # alone with its sums it changes them in place
    learner.update(full.without(range(12)))
    assert fork.update(full.without(range(11))).holdout == (
        interactions.learner(0).update(full.without(range(11))).holdout
    )


def test_change_of_nobody_changes_nothing(interactions):
    learner = interactions.learner(0)
    full = Holding.full(interactions.owners)
    first = learner.fit(full)
    again = learner.fit(full.poisoned([], "plant"))
    np.testing.assert_array_equal(first.holdout, again.holdout)


def test_a_few_plant_a_signal(interactions):
    plant, other = (Poison("plant", (("target", target),)) for target in (9, 50))
    full = Holding.full(interactions.owners)
    learner = interactions.learner(0)
    assert learner.fit(full).planted == {}
    lists, profiles = interactions.planted_lists(plant)
    scores = learner._similarities().scores(lists, profiles, np.ones(len(lists.owners), bool))
    unplanted = hit_rate_at(lists.places(scores), 5)
    planted = learner.fit(full.poisoned(range(10), plant)).planted
    assert list(planted) == [plant]
    assert planted[plant] > unplanted + 0.1
    both = learner.fit(full.poisoned(range(10), plant).poisoned(range(10, 15), other)).planted
    assert set(both) == {plant, other}


def test_poison_harms_those_who_do_not_poison(interactions):
    full = Holding.full(interactions.owners)
    poisoners = np.arange(interactions.owners) < 60
    clean = interactions.learner(0).fit(full).holdout[~poisoners]
    swapped = interactions.learner(0).fit(full.poisoned(poisoners, "item_swap")).holdout[~poisoners]
    assert hit_rate_at(swapped, 5) < hit_rate_at(clean, 5)


def test_ways_of_a_gpu_give_what_the_processors_give():
    generator = torch.Generator().manual_seed(0)
    block = torch.rand(6, 50, generator=generator)
    block[block < 0.5] = 0
    for k in (1, 7, 50):
        assert torch.equal(_kth_largest(block, k), _kth_largest_on_gpu(block, k))
    rng = np.random.default_rng(0)
    profiles = sp.random_array((30, 50), density=0.03, format="csr", rng=rng, dtype=np.float32)
    profiles.data[:] = rng.random(profiles.nnz)
    assert (np.diff(profiles.indptr) == 0).any()
    cells = rng.integers(0, block.numel(), profiles.nnz).astype(np.int32)
    np.testing.assert_allclose(_sums(block, cells, profiles), _sums_on_gpu(block, cells, profiles), rtol=1e-5)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_sums_are_equal_and_qualities_agree(interaction_case):
    cases = [interaction_case(device=device) for device in ("cpu", "cuda")]
    learners = [case.learner(0) for case in cases]
    full = Holding.full(cases[0].owners)
    for holding in (full, full.without([1, 2, 3]), full.poisoned([4, 5], "plant")):
        one, other = (learner.update(holding) for learner in learners)
        assert torch.equal(learners[0].sums.gram, learners[1].sums.gram.cpu())
        assert one.holdout == pytest.approx(other.holdout, abs=0.02)


@pytest.mark.slow
def test_pinterest_quality_and_leverage_are_the_published(prepared):
    """Company perspective at 5 and 20 %, W and B on the same people, two draws; published: Fig. 2."""
    case = load_use_case("pinterest-20", prepared("pinterest-20"), device="cpu")
    reference = Reference(case, seed=0)
    report = ranking_report(reference.evaluation.predictions.holdout)
    assert report["HR@5"] == pytest.approx(0.70, abs=0.02)
    assert report["HR@5 standard error"] < 0.003
    assert 0.84 < report["HR@10"] < 0.9
    assert hit_rate_at(reference.uninformed.holdout, 5) == pytest.approx(0.1668, abs=0.01)
    published = contribution_table("pinterest-20").set_index("rate")["cdc"]
    small = case.learner(0)
    for rate in (0.05, 0.2):
        leverage = []
        for seed in (0, 1):
            chosen = np.random.default_rng(seed).permutation(case.owners)[: round(rate * case.owners)]
            evaluation = small.update(
                Holding.full(case.owners).without(~np.isin(np.arange(case.owners), chosen))
            )
            leverage.append(reference.scale("company", evaluation).cdc(evaluation.company))
        assert np.mean(leverage) == pytest.approx(published[rate], abs=0.03)


@pytest.mark.slow
def test_one_in_a_thousand_plants_a_signal_on_pinterest(prepared):
    case = load_use_case("pinterest-20", prepared("pinterest-20"), device="cpu", test_owners=3000)
    poisoners = np.random.default_rng(0).permutation(case.owners)[: case.owners // 1000]
    plant = Poison("plant", (("target", 5000),))
    full = Holding.full(case.owners)
    predictions = case.learner(0).fit(full.poisoned(poisoners, plant))
    assert predictions.planted[plant] > 0.8
    assert hit_rate_at(predictions.holdout, 5) > 0.68  # and the quality does not show it


@pytest.mark.slow
def test_plain_cosine_of_all_neighbours_serves_pinterest_as_well(prepared):
    case = load_use_case(
        "pinterest-20",
        prepared("pinterest-20"),
        device="cpu",
        neighbours="all",
        shrink=0.0,
        weighting="none",
        test_owners=5000,
    )
    assert case.learner(0).update(Holding.full(case.owners)).holdout > 0.69
