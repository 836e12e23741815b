import math

import numpy as np
import pytest

from analysis.progress_ladder import equivalent_year, ladder
from learners.published import strike_table


def published(quantity, who):
    rows = strike_table()
    return rows[(rows["quantity"] == quantity) & (rows["who"] == who)]["value"].iloc[0]


def test_ladder_by_rmse_rises_with_the_years():
    rungs = ladder("rmse")
    assert rungs["year"].tolist() == [1994, 1999, 2010]
    assert rungs["quality"].round(4).tolist() == [0.9229, 0.9145, 0.8855]
    worst, best = published("rmse", "item_mean"), published("rmse", "svd")
    np.testing.assert_allclose(rungs["loss"], (rungs["quality"] - best) / (worst - best))
    np.testing.assert_array_equal(rungs["monotone_loss"], rungs["loss"])


def test_ladder_by_surfaced_hits_is_made_monotone():
    rungs = ladder("surfaced_hits")
    assert rungs["loss"][0] < rungs["loss"][1]  # the technique of 1994 beats that of 1999
    pooled = rungs["loss"][:2].mean()
    np.testing.assert_allclose(rungs["monotone_loss"], [pooled, pooled, rungs["loss"][2]])
    assert (np.diff(rungs["monotone_loss"]) <= 0).all()


@pytest.mark.parametrize("metric", ["rmse", "surfaced_hits"])
def test_equivalent_years(metric):
    rungs = ladder(metric)
    losses, years = rungs["monotone_loss"], rungs["year"]
    assert equivalent_year(losses[1], metric) == 1999
    assert equivalent_year(losses[2], metric) == 2010
    assert equivalent_year((losses[1] + losses[2]) / 2, metric) == pytest.approx(2004.5)
    assert equivalent_year(losses[2] - 0.01, metric) == math.inf
    assert equivalent_year(losses[0] + 0.01, metric) == -math.inf
    assert math.isnan(equivalent_year(math.nan, metric))
    if metric == "rmse":
        assert equivalent_year(losses[0], metric) == years[0]
        assert equivalent_year((losses[0] + losses[1]) / 2, metric) == pytest.approx(1996.5)


def test_the_published_strike_of_a_third_falls_back_about_twenty_years():
    """Normalised loss .502 at 30 %; told in public as the technology of 2001."""
    assert equivalent_year(0.50241, "surfaced_hits") == pytest.approx(2002.8, abs=0.1)
