import math

import pandas as pd
import pytest

from analysis.reproduction import COLUMNS
from analysis.strike_report import group_lines, strike_report, strike_verdicts
from analysis.strike_results import FURTHER, counts_of_groups, group_results, strike_results
from learners.published import strike_table

FOLDS = 2
HITS = 1000.0
CASES = {"ml-1m": {"folds": FOLDS, "hits_per_fold": HITS, "warnings": ["ml-1m: a line is missing"]}}
ITEM_MEAN, SVD = 0.7598825617393934, 0.7739313483323802


def sums(before, after, item_mean, records=400.0):
    """Hits as shares, whatever the errors."""
    return {
        "records": records,
        "hits_before": HITS * before,
        "hits_after": HITS * after,
        "hits_item_mean": HITS * item_mean,
        "squares_before": 0.81 * records,
        "squares_after": 0.84 * records,
        "squares_item_mean": 0.96 * records,
    }


def added(*parts):
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def run(kind, who, *, label="", size=0.0, sample=0, fold=1, missing=0.0, learner="surprise"):
    return {
        "learner": learner,
        "kind": kind,
        "label": label,
        "size": size,
        "sample": sample,
        "fold": fold,
        "missing": missing,
        "who": who,
        "cpu_seconds": 0.0,
    }


def random_strike(size=0.3, sample=0, fold=1, more=0.0, **options):
    """The published strike of 30 %; ``more`` is lost by both in one sample or fold."""
    striking, others = sums(0.23227, 0.2277 - more, 0.2280537), sums(0.54167, 0.53917 - more, 0.5318289)
    who = {"participants": striking, "non_participants": others, "all": added(striking, others)}
    return run("random", who, size=size, sample=sample, fold=fold, missing=size, **options)


def group_strike(label, similar, others, *, kind="age", missing=0.1, fold=1, sample=0):
    """Half of a group strikes; the others lose these shares of what they had."""
    who = {
        "participants": sums(0.1, 0.09, 0.09),
        "similar": sums(0.1, 0.1 * (1 - similar), 0.09),
        "others": sums(0.5, 0.5 * (1 - others), 0.48),
    }
    who["non_participants"] = added(who["similar"], who["others"])
    who["all"] = added(who["participants"], who["non_participants"])
    return run(kind, who, label=label, size=0.5, sample=sample, fold=fold, missing=missing)


def published_study(learner="surprise"):
    """Everything that is published, as if we had measured it in two folds and samples that differ evenly."""
    nobody = {"all": sums(SVD, SVD, ITEM_MEAN)}
    runs = [run("none", nobody, fold=fold, learner=learner) for fold in (1, 2)]
    for sample in (0, 1):
        for fold in (1, 2):
            more = 0.0001 * ((1, -1)[sample] + (2, -2)[fold - 1])
            runs.append(random_strike(sample=sample, fold=fold, more=more, learner=learner))
    return runs


def point(table, **wanted):
    chosen = table
    for name, value in wanted.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_published_numbers_give_the_published_losses():
    table = strike_results(CASES, published_study())
    assert tuple(table.columns) == (*COLUMNS, *FURTHER)
    everybody = point(table, lever="strike", who="all", quantity="normalised_loss")
    assert everybody["ours"] == pytest.approx(0.50241, abs=0.003)
    assert everybody["published"] == 0.50241
    assert everybody["within"] is True
    assert everybody["repeats"] == 2
    for who, loss in (("participants", 1.08199), ("non_participants", 0.25399)):
        theirs = point(table, lever="strike", who=who, quantity="normalised_percent_change")
        assert theirs["published"] == loss
        assert theirs["ours"] == pytest.approx(loss, abs=0.003)
        own = point(table, lever="strike", who=who, quantity="normalised_loss")
        assert own["ours"] == pytest.approx(loss, abs=0.003)  # gaps of both are as large as everybody's
    hits = point(table, lever="strike", who="all", quantity="surfaced_hits")
    assert hits["ours"] == pytest.approx(0.76687)
    assert (hits["baseline"], hits["best"]) == (pytest.approx(0.7598826), pytest.approx(0.77394))


def test_samples_are_averaged_over_folds_before_they_spread():
    table = strike_results(CASES, published_study())
    hits = point(table, lever="strike", who="all", quantity="surfaced_hits")
    # Twice .0001 up or down between samples; the folds, twice as far apart, do not count.
    assert hits["ours_sd"] == pytest.approx(0.0004 / math.sqrt(2))


def test_boycotters_find_nothing():
    table = strike_results(CASES, published_study())
    boycott = point(table, lever="boycott", quantity="surfaced_hits")
    assert boycott["ours"] == pytest.approx(0.53917)
    assert (boycott["published"], boycott["within"]) == (0.539, True)
    traditional = point(table, lever="traditional_boycott", quantity="surfaced_hits")
    assert traditional["ours"] == pytest.approx(0.54167)
    assert traditional["published"] == 0.54167


def test_models_that_nobody_left():
    table = strike_results(CASES, published_study())
    full = point(table, who="full_model", quantity="surfaced_hits")
    assert (full["ours"], full["published"], full["within"]) == (pytest.approx(SVD), pytest.approx(SVD), True)
    assert full["lever"] == "none"
    means = point(table, who="item_mean", quantity="surfaced_hits")
    assert (means["ours"], means["within"]) == (pytest.approx(ITEM_MEAN), True)
    assert point(table, who="full_model", quantity="rmse")["ours"] == pytest.approx(0.9)


def test_rmse_is_over_all_records():
    rmse = point(strike_results(CASES, published_study()), lever="strike", who="all", quantity="rmse")
    assert rmse["ours"] == pytest.approx(0.84**0.5)
    assert (rmse["baseline"], rmse["best"]) == (pytest.approx(0.96**0.5), pytest.approx(0.9))


def test_another_learner_is_beside_it_and_not_judged():
    table = strike_results(CASES, published_study() + published_study("ours"))
    ours, theirs = (table[table["learner"] == learner] for learner in ("ours", "surprise"))
    assert len(ours) == len(theirs)
    assert ours["published"].tolist() == pytest.approx(theirs["published"].tolist(), nan_ok=True)
    judged = ours[ours["within"].notna()]
    assert set(judged["who"]) == {"item_mean"}  # which no learner touches


def test_another_data_set_is_compared_with_nothing():
    table = strike_results({"ml-100k": CASES["ml-1m"]}, published_study())
    assert table["published"].isna().all()
    assert table["within"].isna().all()


def test_samples_without_all_folds_do_not_count():
    runs = published_study()
    table = strike_results(CASES, [*runs, random_strike(sample=2, more=0.1), random_strike(0.8)])
    pd.testing.assert_frame_equal(table, strike_results(CASES, runs))


def test_every_published_number_is_compared_with_something():
    sizes = [*published_study(), random_strike(0.375), random_strike(0.375, fold=2)]
    found = strike_results(CASES, sizes)["published"].dropna()
    table = strike_table()
    compared = ~table["who"].isin(["item_knn", "user_knn"]) & ~(
        (table["who"] == "participants") & (table["lever"] == "none")
    )
    assert set(found) == set(table.loc[compared, "value"])


def groups_study():
    runs = published_study()
    for fold in (1, 2):
        runs += [
            group_strike("18-24", 0.004, 0.002, fold=fold),
            group_strike("25-34", 0.001, 0.002, fold=fold),
        ]
        for sample in (0, 1):
            runs.append(
                group_strike(
                    "top tenth", 0.01, 0.002, kind="power users", missing=0.15, fold=fold, sample=sample
                )
            )
    return runs


def test_groups_against_others_and_against_random_strikes():
    groups = group_results(CASES, groups_study()).set_index("label")
    young = groups.loc["18-24"]
    assert young["change_similar"] == pytest.approx(-0.004)
    assert young["change_others"] == pytest.approx(-0.002)
    assert young["ratio"] == pytest.approx(2)
    rest = (0.1 * 0.004 + 0.5 * 0.002) / 0.6
    assert young["change_non_participants"] == pytest.approx(-rest)
    # A third of the missing ratings of a random strike of 30 %, so a third of its effect.
    random = 1 - 0.53917 / 0.54167
    assert young["expected"] == pytest.approx(-random / 3)
    assert young["against_expected"] == pytest.approx(rest / (random / 3))
    assert groups.loc["top tenth", "samples"] == 2
    assert groups.loc["top tenth", "sd_similar"] == pytest.approx(0, abs=1e-12)
    assert young["loss_similar"] == pytest.approx(0.004 * 0.1 / (0.1 - 0.09))
    assert young["loss_others"] == pytest.approx(0.002 * 0.5 / (0.5 - 0.48))
    # The gap of similar users is larger: only power users lose more of it than others of theirs.
    assert counts_of_groups(groups) == (3, 2, 1)


def test_nothing_is_expected_beyond_the_sizes_measured():
    runs = [*groups_study(), *(group_strike("M", 0.1, 0.1, missing=0.4, fold=fold) for fold in (1, 2))]
    groups = group_results(CASES, runs).set_index("label")
    assert math.isnan(groups.loc["M", "expected"])
    assert math.isnan(groups.loc["M", "against_expected"])
    assert not math.isnan(groups.loc["M", "ratio"])


def test_study_without_groups_has_none():
    groups = group_results(CASES, published_study())
    assert groups.empty
    assert group_lines(groups) == []


def test_report_says_what_differs_and_has_every_verdict():
    runs = groups_study() + published_study("ours")
    table, groups = strike_results(CASES, runs), group_results(CASES, runs)
    report = strike_report(table, groups, CASES, 9)
    lines = [*strike_verdicts(table), *group_lines(groups)]
    for text in (
        "Seed 9.",
        "- ml-1m: a line is missing",
        "our factorisation: another model than the published",
        "the folds are ours",
        "| 30 % | .767 |",
        *lines,
    ):
        assert text in report
    assert (
        "ml-1m scikit-surprise SVD: surfaced hits of all, boycott of 30 %: .539, published .539, "
        "difference +.000, within .010"
    ) in lines
    assert any("strikers lose more than the whole of their own gap (1.0" in line for line in lines)
    assert (
        "scikit-surprise SVD: a strike hits similar users harder than others in 2 of 3 groups; "
        "published: 39 of 50"
    ) in lines
    assert any("only these two facts" in line for line in lines)
    another = strike_report(table, groups, {"ml-100k": CASES["ml-1m"]}, 9)
    assert "ml-100k: another data set than the published ML-1M" in another
