"""Regulators who look into Large Co.'s books."""

import numpy as np
import pytest

from learners.holdings import ABSENT
from scenarios.interventions import DeletionRight
from scenarios.regulation import Audit

LAUNDER = {"large": {"forgetting": "launder", "cold_retrain_ticks": 2}}


@pytest.fixture
def audited(few_digits, society, prescribed):
    def build(*laws, companies=LAUNDER, strike=10, **audit):
        return society(
            few_digits,
            companies=companies,
            interventions=[Audit(**{"start": 3, "probability": 1.0, "fine": 0.5} | audit), *laws],
            decision=prescribed({1: {"strike": np.arange(strike)}}),
        )

    return build


def test_what_was_laundered_is_found_once_fined_and_put_right(audited):
    model = audited()
    for _ in range(6):
        model.step()
    ticks, records = model.ticks, model.population.records[:10].sum()
    assert [row["laundered_large"] for row in ticks] == [0, records, records, records, records, 0, 0]
    assert [row["fines_large"] for row in ticks] == [0, 0, 0, 0.5 * ticks[3]["revenue_large"], 0, 0, 0]
    # Unlike an order an audit leaves the weights in service until others are trained.
    assert not any(row["weights_void_large"] for row in ticks)
    assert ticks[4]["quality_large_company"] == ticks[0]["quality_large_company"]
    assert np.flatnonzero(~model.large.knows).tolist() == list(range(10))
    audits = model.events.table().query("kind == 'audit'")
    assert audits["value"].tolist() == [10, 0, 0, 0]
    assert audits["text"].iloc[0] == "10 users' records laundered, 0 requests ignored"


def test_ignored_requests_are_executed_when_found(audited):
    model = audited(DeletionRight(executed=0.5), companies={"large": {"cold_retrain_ticks": 1}}, strike=20)
    for _ in range(3):
        model.step()
        asked, deleted = model.large.asked_to_delete, model.large.deleted
        if model.tick < 3:
            assert 4 < (asked & ~deleted).sum() < 16
    np.testing.assert_array_equal(asked, deleted)
    assert model.ticks[3]["fines_large"] > 0
    assert model.ticks[3]["laundered_large"] == 0
    model.step()
    assert model.ticks[4]["fines_large"] == 0
    assert model.events.table().query("kind == 'cold retrain'")["tick"].tolist() == [4]


def test_a_late_request_is_no_ignored_one(audited):
    model = audited(DeletionRight(delay=8), companies=None)
    for _ in range(4):
        model.step()
    assert not model.large.deleted.any()
    assert model.ticks[3]["fines_large"] == 0


def test_an_audit_looks_at_whom_it_reaches(audited):
    model = audited(DeletionRight(executed=0.0), companies=None, coverage=0.5, strike=40)
    for _ in range(3):
        model.step()
    np.testing.assert_array_equal(model.large.deleted, model.policy_schedule.reached(0))
    assert 8 < model.large.deleted.sum() < 32


def test_audits_come_as_often_as_they_should(few_digits, society):
    model = society(
        few_digits, interventions=[Audit(probability=0.3)], decision={"revision_probability": 0.0}
    )
    for _ in range(200):
        model.step()
    assert 40 <= len(model.events.table().query("kind == 'audit'")) <= 80
    assert sum(row["fines_large"] for row in model.ticks) == 0
    assert model.warnings == ("audit: Large Co. executes every request to delete and launders nothing",)


def test_an_audit_is_no_warning_where_there_is_something_to_find(audited):
    assert audited().warnings == ()
    assert audited(DeletionRight(executed=0.5), companies=None).warnings == ()


def test_laundering_after_an_audit_is_found_by_the_next(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies={"large": {"forgetting": "launder", "cold_retrain_ticks": 0}},
        interventions=[Audit(probability=1.0, fine=2.0)],
        decision=prescribed({1: {"strike": np.arange(5)}, 3: {"strike": np.arange(5, 12)}}),
    )
    for _ in range(4):
        model.step()
    assert [row["fines_large"] / row["revenue_large"] for row in model.ticks] == [0, 2, 0, 2, 0]
    assert (model.large.laundered.codes == ABSENT).all()
