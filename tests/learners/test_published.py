import pandas as pd
import pytest

from learners.errors import InputError
from learners.published import contribution_rows, contribution_table, strike_table


@pytest.mark.parametrize("name", ["cifar-10", "toxic", "ml-10m"])
def test_rows_are_the_models_behind_the_table(name):
    rows, table = contribution_rows(name), contribution_table(name).set_index("rate")
    assert list(rows.columns) == [
        "company", "rate", "seed", "quality_company", "quality_holdout", "train_records",
    ]  # fmt: skip
    assert set(rows["company"]) == {"small", "large"}
    assert rows[["quality_company", "quality_holdout"]].notna().all(axis=None)
    assert (rows.groupby(["company", "rate"])["seed"].nunique() == 5).all()
    means = rows.groupby(["company", "rate"])["quality_company"].mean()
    for company in ("small", "large"):
        for rate in (0.01, 0.05, 0.1, 0.2, 0.3, 0.4):
            assert means[company, rate] == pytest.approx(table.loc[rate, f"quality_{company}"], abs=1e-12)


def test_only_toxic_says_how_many_records_were_trained_on():
    toxic = contribution_rows("toxic")
    assert toxic["train_records"].between(1000, 130_000).all()
    together = toxic.groupby(["rate", "seed"])["train_records"].sum()
    assert together.between(129_000, 129_400).all()
    assert contribution_rows("cifar-10")["train_records"].isna().all()


def test_pinterest_has_a_table_but_no_rows():
    assert contribution_rows("pinterest-20").empty
    assert len(contribution_table("pinterest-20")) == 13


def test_nothing_is_published_for_other_use_cases():
    for read in (contribution_rows, contribution_table):
        with pytest.raises(InputError, match="nothing is published for 'digits'"):
            read("digits")


def test_strikes_published_add_up():
    values = strike_table().set_index(["quantity", "who", "lever", "rate"])["value"]
    assert isinstance(values, pd.Series)
    assert not values.index.duplicated().any()
    for lever in ("none", "strike"):
        parts = sum(values["surfaced_hits", who, lever, 0.3] for who in ("participants", "non_participants"))
        whole = values["surfaced_hits", "svd", "none", 0] if lever == "none" else None
        whole = whole or values["surfaced_hits", "all", "strike", 0.3]
        assert parts == pytest.approx(whole, abs=1e-4)
    full, means = (values["surfaced_hits", who, "none", 0] for who in ("svd", "item_mean"))
    loss = (full - values["surfaced_hits", "all", "strike", 0.3]) / (full - means)
    assert loss == pytest.approx(values["normalised_loss", "all", "strike", 0.3], abs=0.001)
    # Models in the order of their errors.
    rmse = [values["rmse", who, "none", 0] for who in ("svd", "item_knn", "user_knn", "item_mean")]
    assert rmse == sorted(rmse)
