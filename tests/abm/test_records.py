import numpy as np
import pandas as pd
import pytest

from abm.actions import ACTIONS, CONTRIBUTE, DELETE, LEAVE
from abm.leverage import leverage
from abm.records import EventLog
from abm.services import Service
from learners.leverage import LeverageScale

STREAM = {"kind": "stream", "at_start": 0.5, "slices": 10}
LIVELY = {"revision_probability": 0.6, "cost_scale": 0.6, "precision": 1.0}


@pytest.fixture(params=["digits", "stream"])
def lively(request, few_digits, ratings, society):
    """A society in which much happens, live."""
    setting = {"digits": {"use_case": few_digits}, "stream": {"use_case": ratings, "clock": STREAM}}
    return society(
        decision=LIVELY,
        companies={"small": {"starts_with": 0.1}},
        policy={"revocation_right": True, "portability_success": 0.6},
        **setting[request.param],
    )


def assert_books_balance(model):
    row, population, stances = model.ticks[-1], model.population, model.stances
    names = [stances.names[code].partition(":")[0] for code in population.stance]
    total_records = sum(population.records.tolist())
    for action in ACTIONS:
        doing = [user for user, name in enumerate(names) if name == action]
        assert row[f"share_{action}"] == pytest.approx(len(doing) / population.n_users)
        assert row[f"data_share_{action}"] == pytest.approx(
            sum(population.records[user] for user in doing) / total_records
        )
    assert sum(row[f"share_{action}"] for action in ACTIONS) == pytest.approx(1)
    assert sum(row[f"data_share_{action}"] for action in ACTIONS) == pytest.approx(1)
    assert row["participation"] == pytest.approx(1 - row["share_stay"])
    assert row["data_participation"] == pytest.approx(1 - row["data_share_stay"])

    exists = np.ones(len(model.record_owners), bool) if model.clock.arrived is None else model.clock.arrived
    for key, company in (("large", model.large), ("small", model.small)):
        mask = company.store.holding().record_mask(model.record_owners)
        assert not (mask & ~exists).any()
        assert row[f"records_{key}"] == company.records == sum(mask.tolist())
        assert row[f"owners_{key}"] == sum(code != 0 for code in company.store.codes)
    mask = model.large.store.holding().record_mask(model.record_owners)
    poisoned = {user for user, name in enumerate(names) if name == "poison"}
    assert row["poisoned_large"] == sum(
        owner in poisoned for owner in model.record_owners[np.flatnonzero(mask)]
    )

    for user in range(population.n_users):
        bits = stances.bits[population.stance[user]]
        attention = model.attention.large[user] + model.attention.small[user]
        consumes = not bits[LEAVE] or model.small.known[user]
        assert attention == pytest.approx(1 if consumes else 0)
        if bits[LEAVE]:
            assert model.attention.large[user] == 0
        if bits[DELETE]:
            assert model.large.deleted[user]
        if bits[CONTRIBUTE]:
            assert model.small.known[user]


def test_books_balance_every_tick(lively):
    assert_books_balance(lively)
    moved = 0.0
    for _ in range(12):
        before = lively.population.stance.copy()
        lively.step()
        assert_books_balance(lively)
        row = lively.ticks[-1]
        assert row["switch_rate"] == pytest.approx((lively.population.stance != before).mean())
        moved += row["switch_rate"]
    assert moved > 0.5
    assert row["participation"] > 0.3
    assert row["share_poison"] > 0


def test_surfaced_hits_have_a_fixed_denominator(few_digits, society, prescribed):
    model = society(few_digits, decision=prescribed({1: {"boycott_leave": np.arange(20)}}))
    assert model.ticks[0]["surfaced_hits_large"] == pytest.approx(model.ticks[0]["utility_best"])
    model.step()
    service = model.large.service
    expected = sum(service.hits[20:].tolist()) / sum(service.relevant.tolist())
    assert model.ticks[1]["surfaced_hits_large"] == pytest.approx(expected)
    # Nobody's data went, so those who stay find what they did.
    np.testing.assert_array_equal(service.hits, service.best_hits)


def test_measured_on_the_people_served(few_digits, society, prescribed):
    model = society(
        few_digits, decision=prescribed({1: {"boycott": np.arange(15), "cdc": np.arange(20, 30)}})
    )
    model.step()
    row, owners = model.ticks[-1], few_digits.holdout.owners
    assert row["n_test_large"] == np.count_nonzero(owners >= 15)
    assert row["n_test_small"] == np.count_nonzero((owners >= 20) & (owners < 30))


# Leverage


def service(quality, baseline, best):
    nothing = np.zeros(1)
    views = [dict.fromkeys(("served", "holdout"), value) for value in (quality, baseline, best)]
    return Service(*views, {}, 0.0, 1.0, nothing, nothing, nothing, nothing)


def test_leverage_of_each_company_on_its_own_records():
    large, small = service(0.7, 0.1, 0.9), service(0.5, 0.2, 0.8)
    measured = leverage(large, small, "served", None)
    assert measured["strike"] == pytest.approx((0.9 - 0.7) / (0.9 - 0.1))
    assert measured["cdc"] == pytest.approx((0.5 - 0.2) / (0.8 - 0.2))
    assert measured["cdc_delete"] == pytest.approx(measured["cdc"] / (1 - measured["strike"]))


def test_leverage_of_contributing_and_deleting_on_one_scale():
    large, small = service(0.7, 0.1, 0.9), service(0.5, 0.1, 0.9)
    assert leverage(large, small, "holdout", None)["cdc_delete"] == pytest.approx(0.4 / 0.6)


def test_leverage_is_undefined_where_large_is_at_its_baseline_and_nowhere_clipped():
    measured = leverage(service(0.1, 0.1, 0.9), service(0.5, 0.1, 0.9), "served", None)
    assert np.isnan(measured["cdc_delete"])
    assert measured["strike"] == pytest.approx(1)
    worse = leverage(service(0.02, 0.1, 0.9), service(0.95, 0.1, 0.9), "served", None)
    assert worse["strike"] == pytest.approx(1.1)
    assert worse["cdc"] == pytest.approx(0.85 / 0.8)


def test_published_scale_replaces_both():
    large, small = service(0.7, 0.1, 0.9), service(0.5, 0.2, 0.8)
    measured = leverage(large, small, "served", LeverageScale(0.0, 1.0))
    assert measured == pytest.approx({"cdc": 0.5, "strike": 0.3, "cdc_delete": 0.5 / 0.7})


@pytest.mark.parametrize("perspective", ["served", "company", "holdout"])
def test_the_headline_is_the_perspective_asked_for(few_digits, society, prescribed, perspective):
    model = society(
        few_digits,
        leverage={"perspective": perspective},
        decision=prescribed({1: {"strike": np.arange(30), "cdc": np.arange(30, 38)}}),
    )
    model.step()
    row = model.ticks[-1]
    for variant in ("cdc", "strike", "cdc_delete"):
        assert row[f"dlp_{variant}"] == row[f"dlp_{variant}_{perspective}"]
        assert np.isfinite(row[f"dlp_{variant}"])
    measured = {
        tuple(row[f"dlp_{v}_{p}"] for v in ("cdc", "strike")) for p in ("served", "company", "holdout")
    }
    assert len(measured) == 3


def test_leverage_columns_follow_from_the_quality_columns(few_digits, society, prescribed):
    model = society(few_digits, decision=prescribed({1: {"strike": np.arange(34), "cdc": np.arange(34, 39)}}))
    model.step()
    row = model.ticks[-1]
    for p in ("served", "company", "holdout"):
        q, w, b = row[f"quality_large_{p}"], row[f"baseline_{p}"], row[f"best_{p}"]
        assert row[f"dlp_strike_{p}"] == pytest.approx((b - q) / (b - w))
        q, w, b = row[f"quality_small_{p}"], row[f"baseline_small_{p}"], row[f"best_small_{p}"]
        assert row[f"dlp_cdc_{p}"] == pytest.approx((q - w) / (b - w))
    assert row["dlp_strike_holdout"] > 0
    assert 0 < row["dlp_cdc_holdout"] < 1


def test_gain_is_what_small_has_beyond_its_start(few_digits, society, prescribed):
    model = society(
        few_digits,
        companies={"small": {"starts_with": 0.2}},
        leverage={"perspective": "holdout"},
        decision=prescribed({1: {"cdc": np.arange(40)}}),
    )
    assert model.ticks[0]["dlp_cdc_gain"] == 0 < model.ticks[0]["dlp_cdc"]
    model.step()
    assert model.ticks[1]["dlp_cdc_gain"] == pytest.approx(1 - model.ticks[0]["dlp_cdc"])


# Events and users


def test_events_are_typed_even_without_any():
    log = EventLog()
    empty = log.table()
    assert list(empty.columns) == ["tick", "kind", "subject", "value", "text"]
    log.add(3, "move", "strike", 5, "5 users strike")
    table = log.table()
    assert table.to_dict("records") == [
        {"tick": 3, "kind": "move", "subject": "strike", "value": 5.0, "text": "5 users strike"}
    ]
    assert table.dtypes.equals(empty.dtypes)


def test_moves_are_events(few_digits, society, prescribed):
    moves = {1: {"strike": np.arange(5), "poison:label_flip": [8]}, 2: {"stay": np.arange(5)}}
    model = society(few_digits, decision=prescribed(moves))
    for _ in range(3):
        model.step()
    events = model.events.table().query("kind == 'move'")
    assert list(events[["tick", "subject", "value"]].itertuples(index=False, name=None)) == [
        (1, "withhold", 5.0),
        (1, "delete", 5.0),
        (1, "poison:label_flip", 1.0),
        (2, "reconsent", 5.0),
        (2, "resume", 5.0),
    ]


def test_users_are_recorded_every_so_many_ticks(few_digits, society, prescribed):
    model = society(
        few_digits,
        record={"agents": 3},
        decision=prescribed({2: {"cdc_delete": [7], "boycott": [9]}}),
    )
    for _ in range(7):
        model.step()
    assert [table["tick"].unique().tolist() for table in model.agent_tables] == [[0], [3], [6]]
    table = model.agent_tables[1]
    assert table["user"].tolist() == list(range(40))
    assert table["stance"].cat.categories.tolist() == list(model.stances.names)
    moved = table.set_index("user").loc[[7, 9, 10]]
    assert moved["stance"].tolist() == ["cdc_delete", "boycott", "stay"]
    assert moved["at_large"].tolist() == [False, False, True]
    assert moved["at_small"].tolist() == moved["contributed"].tolist() == [True, False, False]
    assert moved["attention_large"].tolist()[1] == 0
    np.testing.assert_array_equal(table["records"], model.population.records)
    np.testing.assert_array_equal(table["degree"], model.network.degree)
    np.testing.assert_array_equal(table["interest"], model.population.interest)


def test_rows_have_the_same_columns_and_scalar_values(lively):
    for _ in range(3):
        lively.step()
    columns = list(lively.ticks[0])
    for tick, row in enumerate(lively.ticks):
        assert list(row) == columns
        assert row["tick"] == tick
        assert all(isinstance(value, float | int | str | bool) for value in row.values())
    flags = ["mode", "random_participation_assumed", "stale"]
    assert pd.DataFrame(lively.ticks).drop(columns=flags).dtypes.map(lambda t: t.kind in "if").all()


def test_people_are_counted_where_the_users_stand_for_some(few_digits, society):
    run = society(few_digits, represents=5_000_000, decision=LIVELY, policy={"portability_success": 1.0})
    for _ in range(3):
        run.step()
    row = run.ticks[-1]
    assert row["share_cdc"] > 0
    assert row["people_cdc"] == pytest.approx(5_000_000 * row["share_cdc"])
    assert sum(row[f"people_{action}"] for action in ACTIONS) == pytest.approx(5_000_000)
    assert not [column for column in society(few_digits).ticks[0] if column.startswith("people_")]


def test_leverage_by_the_head(few_digits, society):
    script = {"rule": "scripted", "steps": [{"tick": 1, "shares": {"cdc": 0.3, "strike": 0.2}}]}
    run = society(few_digits, decision=script, companies={"small": {"starts_with": 0.1}})
    assert np.isnan(run.ticks[0]["leverage_per_contributor"])
    assert np.isnan(run.ticks[0]["leverage_per_remover"])
    run.step()
    row, users = run.ticks[-1], run.population.n_users
    new = round(0.3 * users) - np.count_nonzero(run.started_at_small[run.population.has_copy])
    assert row["leverage_per_contributor"] == pytest.approx(row["dlp_cdc_gain"] / new)
    assert row["leverage_per_remover"] == pytest.approx(row["dlp_strike"] / round(0.2 * users))


def test_market_columns_follow_attention(lively):
    for _ in range(4):
        lively.step()
    row, attention = lively.ticks[-1], lively.attention
    total = attention.large.sum() + attention.small.sum()
    assert row["market_share_small"] == pytest.approx(attention.small.sum() / total)
    assert row["market_share_large"] + row["market_share_small"] == pytest.approx(1)
    assert row["hhi"] == pytest.approx(row["market_share_large"] ** 2 + row["market_share_small"] ** 2)
    assert any(tick["changed_to_small"] > 0 for tick in lively.ticks)
