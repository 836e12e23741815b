import numpy as np
import pandas as pd
import pytest

from abm.model import DataLeverageModel
from analysis.audit import audit, audited_ticks, largest_error
from learners.curves.curve_files import load_curve
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.leverage import LeverageScale
from learners.usecase import Reference, load_use_case
from scenarios.curves import measured_curve

STEPS = [
    {"tick": 1, "shares": {"strike": 0.1, "cdc": 0.1}},
    {"tick": 3, "shares": {"strike": 0.3, "cdc": 0.3}},
]
OFF = {"record": {"composition": "off"}}


@pytest.fixture(scope="module")
def digits():
    return load_use_case("digits", device="cpu", owners=120)


@pytest.fixture(scope="module")
def curve(digits, tmp_path_factory):
    out = tmp_path_factory.mktemp("curve") / "digits"
    measured_curve(digits, out, rates=[0.05, 0.1, 0.3, 0.5], repeats=3)
    return load_curve(out, "digits", "grid")


@pytest.fixture
def society(digits, curve):
    """Return a function that builds a run of random participants at tick 0, always the same."""

    def build(**options):
        defaults = {"decision": {"rule": "scripted", "steps": STEPS}, "curve": curve, **OFF}
        return DataLeverageModel(digits, rng=5, **(defaults | options))

    return build


@pytest.mark.parametrize("entrants", [1, 2])
def test_an_audit_compares_what_was_read_with_models_trained_on_the_same_holdings(society, digits, entrants):
    companies = {"small": {"entrants": entrants}}
    table = audit(society(companies=companies), [2, 4])
    assert list(table.columns[:6]) == ["tick", "company", "perspective", "curve", "live", "error"]
    assert len(table) == 2 * (1 + entrants) * 3
    played = society(companies=companies)
    for tick in range(1, 5):
        played.step()
        if tick not in (2, 4):
            continue
        reference = Reference(digits, played.streams.integer("learner"))
        for key, company in played.companies.items():
            evaluation = digits.learner(0).update(company.store.holding())
            for view in ("company", "holdout"):
                row = table.set_index(["tick", "company", "perspective"]).loc[(tick, key, view)]
                real = evaluation.views[view].quality
                assert row["live"] == pytest.approx(real, abs=1e-12)
                assert row["curve"] == company.service.quality[view]
                assert row["error"] == pytest.approx(row["curve"] - real)
                scale = reference.scale(view, evaluation)
                assert row["live_normalised"] == pytest.approx(float(scale.normalised(real)))
                read = LeverageScale(company.service.baseline[view], company.service.best[view])
                difference = read.normalised(row["curve"]) - scale.normalised(real)
                assert row["error_dlp"] == pytest.approx(float(difference))


def test_random_participants_are_what_a_curve_expects(society):
    """The bounds are twice the largest errors of eight seeds; the view of few people is mostly noise."""
    table = audit(society(), [1, 2, 3, 4]).set_index(["company", "perspective"])["error_dlp"].abs()
    assert np.isfinite(table).all()
    assert 0 < table.xs("holdout", level="perspective").max() < 0.06
    assert table.xs("large").max() < 0.04
    assert table.max() < 0.25


def test_the_served_view_is_of_those_who_consume(society, digits):
    table = audit(society(companies={"small": {"serves_strangers": False}}), [4])
    rows = table.set_index(["company", "perspective"])
    assert rows.loc[("small", "served"), "live"] != rows.loc[("small", "holdout"), "live"]
    assert rows.loc[("large", "served"), "live"] == rows.loc[("large", "holdout"), "live"]  # nobody left


def test_a_company_without_records_has_no_test_records_of_its_own(society):
    table = audit(society(decision={"rule": "scripted", "steps": [{"tick": 9, "shares": {}}]}), [1])
    row = table.set_index(["company", "perspective"]).loc[("small", "company")]
    assert np.isnan(row["live"])
    assert np.isnan(row["error_dlp"])
    assert largest_error(table).error == pytest.approx(0)


def test_ticks_are_evenly_spaced_and_end_with_the_last(society):
    model = society()
    assert audited_ticks(model, 40, 4) == [10, 20, 30, 40]
    assert audited_ticks(model, 40, 1) == [40]
    assert audited_ticks(model, 3, 3) == [1, 2, 3]
    slow = society(companies={"large": {"retrain_every": 2}, "small": {"retrain_every": 3}})
    assert audited_ticks(slow, 20, 3) == [6, 12, 18]


@pytest.mark.parametrize("number", [0, 41, -1])
def test_so_many_ticks_there_are_not(society, number):
    with pytest.raises(InputError, match=rf"^audit: {number} is not from 1 to 40, [^\n]*$"):
        audited_ticks(society(), 40, number)


def test_runs_that_cannot_be_audited(society, digits):
    with pytest.raises(InputError, match=r"^audit: only a run of mode grid or surrogate can be audited$"):
        audited_ticks(society(curve=None), 4, 1)
    with pytest.raises(InputError, match=r"^audit: the users are not the owners of the use case's data"):
        audited_ticks(society(population={"users": 50}), 4, 1)
    published = DataLeverageModel("toxic", curve=published_curve("toxic", "grid"), rng=1, **OFF)
    with pytest.raises(InputError, match=r"^audit: the users are not the owners"):
        audited_ticks(published, 4, 1)


def test_largest_error_says_where_it_was():
    table = pd.DataFrame(
        {
            "tick": [1, 1, 2],
            "company": ["large", "small", "small"],
            "perspective": ["served", "company", "holdout"],
            "error_dlp": [0.1, np.nan, -0.3],
        }
    )
    assert largest_error(table) == (0.3, 2, "small", "holdout")
