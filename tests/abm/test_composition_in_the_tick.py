"""Who took part against random people with as many records, measured during a run."""

import numpy as np
import pytest

from learners.usecase import load_use_case

COLUMNS = [f"composition_gap{which}{end}" for which in ("", "_cdc", "_tied") for end in ("", "_low", "_high")]


def script(**shares):
    return {"rule": "scripted", "steps": [{"tick": 1, "shares": shares}]}


def gap_of(model, which=""):
    row = model.ticks[-1]
    return tuple(row[f"composition_gap{which}{end}"] for end in ("_low", "", "_high"))


def gaps_of_random_strikes(society, use_case, seeds, shadows=6):
    gaps = []
    for seed in seeds:
        model = society(
            use_case,
            record={"composition": 1, "shadows": shadows},
            decision=script(strike=0.3, cdc=0.2),
            rng=seed,
        )
        model.step()
        gaps += [gap_of(model), gap_of(model, "_cdc")]
    return np.array(gaps)


def assert_nothing_but_chance(gaps):
    """Zero lies in a 95 % interval but for about one time in twenty, and gaps do not lean to one side."""
    low, gap, high = gaps.T
    assert (low < gap).all()
    assert (gap < high).all()
    outside = ((low > 0) | (high < 0)).sum()
    assert outside <= max(1, 0.15 * len(gaps))
    assert abs(np.sign(gap).sum()) < 0.8 * len(gap)


def test_random_participants_have_no_gap(few_digits, society):
    assert_nothing_but_chance(gaps_of_random_strikes(society, few_digits, range(12)))


@pytest.mark.slow
def test_random_participants_have_no_gap_in_ml_100k(prepared, society):
    raters = load_use_case("ml-100k", prepared("ml-100k"), device="cpu", owners=250)
    assert_nothing_but_chance(gaps_of_random_strikes(society, raters, range(5)))


def most_of_one_class(use_case, share):
    """Return the owners with the greatest share of one digit."""
    mix = use_case.tastes()
    concentration = mix[:, 8] / mix.sum(1)
    return np.argsort(-concentration, kind="stable")[: round(share * use_case.owners)]


def test_strikers_of_one_taste_do_more_than_random_ones(digits, society, prescribed):
    """The owners of most of the eights take them with them."""
    strikers = most_of_one_class(digits, 0.3)
    model = society(digits, record={"composition": 1}, decision=prescribed({1: {"strike": strikers}}))
    model.step()
    low, gap, high = gap_of(model)
    assert 0 < low < gap < high
    assert model.ticks[-1]["dlp_strike_holdout"] > gap


def test_contributors_of_one_taste_do_less_than_random_ones(digits, society, prescribed):
    contributors = most_of_one_class(digits, 0.15)
    model = society(digits, record={"composition": 1}, decision=prescribed({1: {"cdc": contributors}}))
    model.step()
    low, gap, high = gap_of(model, "_cdc")
    assert low < gap < high < 0


@pytest.mark.parametrize(("network", "tied"), [("taste_similarity", True), ("erdos_renyi", False)])
def test_strikers_harm_their_like_more_than_random_ones_do(digits, society, prescribed, network, tied):
    """Three in four of those with most eights strike; on a random network who is close to them is anybody."""
    holders = most_of_one_class(digits, 0.3)
    strikers = holders[np.arange(len(holders)) % 4 > 0]
    model = society(
        digits,
        network={"family": network, "degree": 20},
        record={"composition": 1},
        decision=prescribed({1: {"strike": strikers}}),
    )
    model.step()
    low, gap, _ = gap_of(model, "_tied")
    assert np.isfinite(gap_of(model)).all()
    if tied:
        assert 0 < low <= gap
        assert gap > gap_of(model)[1]
    else:
        assert not gap > 0.05


def test_raters_alike_in_taste_are_reported_with_their_interval(prepared, society, prescribed):
    raters = load_use_case("ml-100k", prepared("ml-100k"), device="cpu", owners=250)
    tastes = raters.tastes()
    length = np.sqrt(tastes.multiply(tastes).sum(1))
    likeness = (tastes @ tastes[[7]].T).toarray()[:, 0] / length
    strikers = np.argsort(-likeness)[:60]
    model = society(
        raters, record={"composition": 2, "shadows": 4}, decision=prescribed({1: {"strike": strikers}})
    )
    model.step()
    assert np.isnan(gap_of(model)).all()
    model.step()
    low, gap, high = gap_of(model)
    assert low < gap < high
    assert np.isnan(gap_of(model, "_cdc")).all()


@pytest.mark.parametrize("every", [2, 3])
def test_columns_are_undefined_between_measurements(few_digits, society, every):
    model = society(few_digits, record={"composition": every}, decision=script(strike=0.3, cdc=0.2))
    for _ in range(7):
        model.step()
    for row in model.ticks:
        measured = row["tick"] > 0 and row["tick"] % every == 0
        assert [bool(np.isfinite(row[column])) for column in COLUMNS[:6]] == [measured] * 6


def test_off_is_off(few_digits, society):
    model = society(few_digits, record={"composition": "off"}, decision=script(strike=0.3))
    for _ in range(10):
        model.step()
    assert all(np.isnan(row[column]) for row in model.ticks for column in COLUMNS)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nobody_and_everybody_compare_with_nobody(few_digits, society, share):
    model = society(few_digits, record={"composition": 1}, decision=script(strike=share))
    model.step()
    assert np.isnan([model.ticks[-1][column] for column in COLUMNS]).all()


def test_poisoners_count_among_those_who_took_data_away(few_digits, society, prescribed):
    users = np.arange(12)
    gaps = []
    for stance in ("strike", "poison:label_flip"):
        model = society(few_digits, record={"composition": 1}, decision=prescribed({1: {stance: users}}))
        model.step()
        gaps.append(gap_of(model))
    assert gaps[0] == gaps[1]
    assert np.isfinite(gaps[0]).all()


def test_measuring_changes_nothing_else(few_digits, society, ticks_of):
    decision = {"revision_probability": 0.7}
    runs = [
        ticks_of(society(few_digits, record={"composition": every}, decision=decision), 5).drop(
            columns=COLUMNS
        )
        for every in ("off", 1)
    ]
    assert runs[0].equals(runs[1])


def test_more_shadows_tell_better(few_digits, society):
    widths = []
    for shadows in (2, 30):
        gaps = gaps_of_random_strikes(society, few_digits, range(3), shadows)
        widths.append((gaps[:, 2] - gaps[:, 0]).mean())
    assert widths[1] < widths[0]
