import os

import numpy as np
import pytest

from abm.costs import CostParameters, action_costs
from abm.model import DataLeverageModel
from abm.population import Population, PopulationParameters
from abm.streams import Streams
from abm.survey import TRAITS
from abm.survey_file import read_survey
from learners.curves.published_curves import published_curve
from learners.errors import InputError

N = 20_000
GENDER = np.where(np.arange(N) % 4 == 0, "F", "M")
AGE = np.arange(N) % 3 * 10 + 18
GROUPS = {"gender": GENDER, "age": AGE}


@pytest.fixture
def people(tmp_path):
    """Return a function that makes a population from the text of a survey, or without one."""

    def make(text=None, n=N, seed=1, groups=None, **parameters):
        if text is not None:
            (tmp_path / "people.csv").write_text(text)
            parameters["survey"] = str(tmp_path / "people.csv")
        records = np.random.default_rng(2).permutation(n) + 1
        return Population(PopulationParameters(**parameters), records, Streams(seed), groups or {})

    return make


@pytest.fixture
def bare():
    """Names of the traits that a population has as arrays."""
    return [trait for trait in TRAITS if not trait.startswith("barrier_")]


def test_without_a_survey_nobody_has_costs_of_their_own(people):
    users = people()
    assert users.survey is None
    assert users.barriers == {}
    assert (users.cost == 1).all()


# Drawn


def test_users_are_drawn_from_respondents_whole_rows_at_a_time(people, bare):
    users = people("interest,grievance,risk\n2.5,.8,.1\n.5,.1,.9\n1,.3,.4\n")
    rows, counts = np.unique(
        np.stack([users.interest, users.grievance, users.risk], axis=1), axis=0, return_counts=True
    )
    np.testing.assert_allclose(rows, [[0.5, 0.1, 0.9], [1, 0.3, 0.4], [2.5, 0.8, 0.1]])
    np.testing.assert_allclose(counts / N, 1 / 3, atol=0.015)
    without = people()
    for trait in set(bare) - {"interest", "grievance", "risk"}:
        np.testing.assert_array_equal(getattr(users, trait), getattr(without, trait))
    np.testing.assert_array_equal(users.family, without.family)


def test_weights_are_shares_of_the_users(people):
    users = people("weight,grievance\n3,.8\n7,.2\n0,.5\n")
    values, counts = np.unique(users.grievance, return_counts=True)
    np.testing.assert_allclose(values, [0.2, 0.8], rtol=1e-6)
    assert counts[1] / N == pytest.approx(0.3, abs=0.01)


def test_empty_cell_leaves_the_user_the_draw_of_the_model(people):
    users, without = people("grievance,privacy\n.8,\n,.1\n"), people()
    first = users.grievance == np.float32(0.8)
    assert first.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(users.privacy[first], without.privacy[first])
    np.testing.assert_array_equal(users.grievance[~first], without.grievance[~first])
    assert (users.privacy[~first] == np.float32(0.1)).all()


def test_draw_is_of_the_seed_and_of_nothing_else(people):
    text = "grievance\n.1\n.2\n.3\n"
    one, same, other = people(text), people(text), people(text, seed=2)
    np.testing.assert_array_equal(one.grievance, same.grievance)
    assert not np.array_equal(one.grievance, other.grievance)
    np.testing.assert_array_equal(one.grievance, people(text, interest={"median": 5.0}).grievance)


def test_respondents_of_a_group_stand_for_its_members(people):
    rows = ["F,18,.1,1", "F,28,.2,1", "F,38,.3,5", "M,18,.4,1", "M,28,.5,3", "M,28,.6,1", "M,38,.7,1"]
    text = "\n".join(["gender,age,grievance,weight", *rows])
    users = people(text, groups=GROUPS)
    means = {("F", 18): 0.1, ("F", 28): 0.2, ("F", 38): 0.3, ("M", 18): 0.4, ("M", 38): 0.7}
    for (gender, age), value in means.items():
        assert set(users.grievance[(gender == GENDER) & (age == AGE)]) == {np.float32(value)}
    both = users.grievance[(GENDER == "M") & (AGE == 28)]
    assert (both == np.float32(0.5)).mean() == pytest.approx(0.75, abs=0.02)
    assert set(both) == {np.float32(0.5), np.float32(0.6)}
    assert users.survey.warnings == ()


def test_groups_without_a_column_do_not_matter(people):
    users = people("gender,grievance\nF,.1\nM,.9\n", groups=GROUPS)
    np.testing.assert_array_equal(users.grievance == np.float32(0.1), GENDER == "F")


def test_respondents_like_nobody_are_reported(people):
    users = people("gender,grievance\nF,.1\nM,.9\nX,.5\nm,.5\n", groups=GROUPS)
    assert len(users.survey.warnings) == 1
    assert users.survey.warnings[0].endswith(
        "people.csv: 2 of 4 respondents stand for nobody: no user has their gender"
    )
    assert not (users.grievance == 0.5).any()


@pytest.mark.parametrize("rows", ["M,.9", "M,.9,1\nF,.1,0", "M,.9,1"])
def test_users_like_no_respondent_are_an_error(people, rows):
    weighted = rows.count(",") > 1
    text = f"gender,grievance{',weight' if weighted else ''}\n{rows}\n"
    with pytest.raises(
        InputError,
        match=r"people.csv: no respondent of positive weight has gender 'F', as 5000 users have; "
        r"add some, or leave gender out$",
    ):
        people(text, groups=GROUPS)


def test_a_million_users_are_drawn_without_a_loop(people):
    users = people("grievance,weight\n.1,1\n.2,2\n.3,1\n", n=1_000_000)
    assert (users.grievance == np.float32(0.2)).mean() == pytest.approx(0.5, abs=0.005)


def test_thresholds_are_shares_or_numbers_of_others(people):
    users = people("threshold\n.1\n12\n-1\n", n=3000)
    values, counts = np.unique(users.threshold, return_counts=True)
    assert values.tolist() == [-1, 0.1, 12]  # a tenth is not rounded to single precision
    assert counts.min() > 800


# Assigned


def test_rows_with_user_numbers_are_the_users(people):
    users = people(
        "user,grievance,gender\n2,.3,F\n0,.1,F\n1,,M\n", n=3, groups={"gender": np.array(list("FMF"))}
    )
    own = people(n=3).grievance[1]
    np.testing.assert_array_equal(users.grievance, np.array([0.1, own, 0.3], np.float32))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,.1\n1,.2\n3,.3", "people.csv:4: user: 3 is not one of 0 to 2"),
        ("0,.1\n1,.2\n1,.3", "people.csv:4: user: 1 is on line 3 already"),
        (
            "0,.1\n1,.2",
            "people.csv: 2 respondents are given as users, but there are 3 users; give a row for each",
        ),
        ("0,.1\n-1,.2", "people.csv:3: user: should be a user's number, from 0 (got '-1')"),
        ("0,.1\n1.0,.2", "people.csv:3: user: should be a user's number, from 0 (got '1.0')"),
        ("0,.1\n,.2", "people.csv:3: user: should be a user's number, from 0 (got '')"),
    ],
)
def test_user_numbers_that_fit_nobody(people, rows, message):
    with pytest.raises(InputError) as caught:
        people(f"user,grievance\n{rows}\n", n=3)
    assert message in str(caught.value)


def test_user_of_another_group_than_said(people):
    with pytest.raises(InputError, match=r"people.csv:3: gender: user 1 is 'M' \(got 'F'\)$"):
        people("user,gender,risk\n0,F,.5\n1,F,.5\n", n=2, groups={"gender": np.array(["F", "M"])})


# Distributions


def test_traits_have_the_distributions_asked_for(people):
    users = people(
        "trait,distribution,parameters\n"
        "grievance,beta,mean=0.6 concentration=3\n"
        "interest,lognormal,median=2;sigma=0.5\n"
        'cost,uniform,"low=0.5 high=1.5"\n'
        "risk,constant,value=0.25\n"
    )
    assert users.grievance.mean() == pytest.approx(0.6, abs=0.01)
    assert users.grievance.var() == pytest.approx(0.24 / 4, rel=0.05)
    assert np.median(users.interest) == pytest.approx(2, rel=0.03)
    assert (users.cost.min(), users.cost.max()) == pytest.approx((0.5, 1.5), abs=0.01)
    assert set(users.risk) == {0.25}
    assert abs(np.corrcoef(users.grievance, users.cost)[0, 1]) < 0.03
    np.testing.assert_array_equal(users.privacy, people().privacy)
    assert users.survey.respondents is None


def test_one_more_distribution_leaves_the_others_as_they_were(people):
    head = "trait,distribution,parameters\ngrievance,beta,mean=0.6 concentration=3\n"
    one, other = people(head), people(f"{head}risk,constant,value=0.25\n")
    np.testing.assert_array_equal(one.grievance, other.grievance)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("anger,constant,value=1", ":2: trait: 'anger' is not one of interest, grievance, "),
        ("risk,gamma,value=1", ":2: distribution: 'gamma' is not one of constant, uniform, normal, "),
        ("risk,constant,value=x", ":2: parameters: 'value=x' is not written as name=number"),
        ("risk,constant,value=nan", ":2: parameters: 'value=nan' is not written as name=number"),
        ("risk,constant,value=1e999", ":2: parameters: 'value=1e999' is not written as name=number"),
        ("risk,constant,0.5", ":2: parameters: '0.5' is not written as name=number"),
        ("risk,constant,value=0.1 value=0.2", ":2: parameters: 'value' is given twice"),
        ("risk,constant,value=1.5", ":2: parameters: value must be from 0 to 1 (got 1.5)"),
        ("risk,constant,", ":2: parameters: constant takes value=..."),
        ("risk,constant,value=0.1\nrisk,constant,value=0.1", ":3: trait: risk is given twice"),
        ("", ": there are no distributions below the header"),
    ],
)
def test_distributions_that_are_none(people, rows, message):
    with pytest.raises(InputError) as caught:
        people(f"trait,distribution,parameters\n{rows}\n")
    assert f"people.csv{message}" in str(caught.value)
    assert "\n" not in str(caught.value)


# Files


def read(tmp_path, data, groups=()):
    path = tmp_path / "people.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_survey(path, groups)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", ": the file is empty; a header and rows are expected"),
        (b"\n\r\n\n", ": the file is empty; a header and rows are expected"),
        (b"grievance\n", ": there are no respondents below the header"),
        (b"grievance\n.1\n\xe9\n", ":3: not UTF-8 text (byte 0xe9); save the file as UTF-8"),
        ("grievance\n.1\n".encode("utf-16"), ":1: not UTF-8 text (byte 0xff); save the file as UTF-8"),
        (
            b"grievance\nnan\n",
            ":2: grievance: should be a number from 0 to 1 (got 'nan'); leave a cell empty",
        ),
        (b"grievance\nNA\n", ":2: grievance: should be a number from 0 to 1 (got 'NA'); leave a cell empty"),
        (b"grievance\n.5\n\n\ninf\n", ":5: grievance: should be a number from 0 to 1 (got 'inf')"),
        (b"interest\n1e999\n", ":2: interest: should be a number from 0 to 1000 (got '1e999')"),
        (b"interest\n-0.5\n", ":2: interest: should be a number from 0 to 1000 (got '-0.5')"),
        (b"cost\n100.1\n", ":2: cost: should be a number from 0 to 100 (got '100.1')"),
        (b"barrier_leave\n11\n", ":2: barrier_leave: should be a number from 0 to 10 (got '11')"),
        (b"grievance\n1.0000001\n", ":2: grievance: should be a number from 0 to 1 (got '1.0000001')"),
        (b"grievance\n0_1\n", ":2: grievance: should be a number from 0 to 1 (got '0_1')"),
        ("grievance\n\u0660\n".encode(), ":2: grievance: should be a number from 0 to 1 (got '\u0660')"),
        (b'grievance\n"0,5"\n', ":2: grievance: should be a number from 0 to 1 (got '0,5')"),
        (b"grievance\n=1/2\n", ":2: grievance: should be a number from 0 to 1 (got '=1/2')"),
        (b"grievance\n=cmd|'/c calc'!A1\n", ":2: grievance: should be a number from 0 to 1 (got "),
        (b"grievance\n\x1b[31m\n", ":2: grievance: should be a number from 0 to 1 (got '\\x1b[31m')"),
        (b"grievance\n0.1\x00\n", ":2: "),
        (
            b"grievance\n" + b"9" * 200 + b"\n",
            f":2: grievance: should be a number from 0 to 1 (got '{'9' * 56}...)",
        ),
        (b"grievance\n.1,.2\n", ":2: 2 cells, but the header has 1"),
        (b"grievance,risk\n.1\n", ":2: 1 cells, but the header has 2"),
        (b"grievance;risk\n.1;.2\n", ":1: 'grievance;risk' is not a column; known are interest, grievance, "),
        (b"anger,risk\n.1,.2\n", ":1: 'anger' is not a column; known are interest, grievance, "),
        (b"gender,risk\nF,.2\n", ":1: 'gender' is not a column; known are interest, grievance, "),
        (b"=1+1,risk\n.1,.2\n", ":1: '=1+1' is not a column; known are "),
        (b"risk,\n.1,.2\n", ":1: '' is not a column; known are "),
        (b"risk,risk\n.1,.2\n", ":1: 'risk' heads two columns"),
        (b"weight,user\n1,2\n", ":1: no column is a trait; traits are interest, grievance, "),
        (b"weight,user,risk\n1,2,.1\n", ":1: user, weight: rows that are users are not drawn by weight"),
        (b"weight,risk\n-1,.1\n", ":2: weight: should be a number from 0 to 1e+09 (got '-1')"),
        (b"weight,risk\n1,.1\n,.1\n", ":3: weight: should be a number from 0 to 1e+09 (got '')"),
        (b"weight,risk\n0,.1\n0,.1\n", ": weight: nobody's is more than 0"),
        (b"trait,distribution\nrisk,beta\n", ":1: the columns must be trait, distribution, parameters"),
        (b'risk\n.1\n".2" x\n', ":3: not a row of a CSV file ("),
        (b'risk\n.1\n".2\n', ":3: not a row of a CSV file ("),
        (b"risk\n" + b"1" * 200_000 + b"\n", ":2: not a row of a CSV file (field larger than field limit"),
    ],
)
def test_files_that_are_no_survey(tmp_path, data, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, data)
    assert str(caught.value).startswith("population.survey: ")
    assert f"people.csv{message}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_label_is_needed_where_groups_are(tmp_path):
    with pytest.raises(InputError, match=r"people.csv:3: gender: every respondent needs a label$"):
        read(tmp_path, "gender,risk\nF,.1\n ,.2\n", {"gender"})


def test_what_spreadsheets_write_is_read(tmp_path):
    survey = read(tmp_path, '\ufeffgrievance,"risk"\r\n"0.25", 5e-1\r\n\r\n,1.\r\n')
    np.testing.assert_array_equal(survey.answers.traits["grievance"], np.array([0.25, np.nan]))
    np.testing.assert_array_equal(survey.answers.traits["risk"], np.array([0.5, 1]))
    assert list(survey.answers.lines) == [2, 4]
    assert survey.respondents == 2


def test_places_that_hold_no_file(tmp_path):
    for path, message in [
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "is not a file"),
        (tmp_path / "a\nb.csv", r"a\nb.csv: no such file"),
        (tmp_path / "\0", "cannot be read"),
        (tmp_path / ("x" * 5000), "cannot be read"),
    ]:
        with pytest.raises(InputError) as caught:
            read_survey(path, ())
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_endless_and_huge_files_are_refused(tmp_path, monkeypatch):
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    with pytest.raises(InputError, match=r"pipe\.csv: is not a file"):
        read_survey(fifo, ())
    monkeypatch.setattr("abm.survey_file.MAX_BYTES", 20)
    assert read(tmp_path, "risk\n.1\n" + "\n" * 12).respondents == 1
    with pytest.raises(InputError, match=r"people\.csv: larger than 20 bytes"):
        read(tmp_path, "risk\n.1\n" + "\n" * 13)


@pytest.mark.parametrize("survey", ["", "  ", "https://example.org/people.csv", "file:///people.csv"])
def test_survey_is_a_path(survey):
    with pytest.raises(ValueError, match="must be the path of a CSV file on this machine"):
        PopulationParameters(survey=survey)


def test_barriers_have_the_range_of_the_parameters():
    for trait, (low, high) in TRAITS.items():
        if trait.startswith("barrier_"):
            for value, outside in ((low, low - 0.1), (high, high + 0.1)):
                CostParameters(**{trait: value})
                with pytest.raises(ValueError, match=trait):
                    CostParameters(**{trait: outside})


# In the model


def model(tmp_path, text=None, **parameters):
    if text is not None:
        (tmp_path / "people.csv").write_text(text)
        parameters["survey"] = str(tmp_path / "people.csv")
    return DataLeverageModel(
        "ml-10m",
        curve=published_curve("ml-10m", "surrogate"),
        population={"users": 2000, **parameters},
        rng=3,
    )


def participation(model, ticks=8):
    for _ in range(ticks):
        model.step()
    return model.ticks[-1]


def test_who_is_aggrieved_acts_and_whose_costs_are_high_does_not(tmp_path):
    usual = participation(model(tmp_path))["participation"]
    angry = participation(model(tmp_path, "grievance\n1\n"))["participation"]
    burdened = participation(model(tmp_path, "cost\n5\n"))["participation"]
    assert burdened < 0.5 * usual < usual < angry


def test_cost_of_one_and_the_barriers_of_the_parameters_change_nothing(tmp_path):
    usual = participation(model(tmp_path))
    same = participation(model(tmp_path, "cost,barrier_leave,barrier_withhold\n1,.6,.3\n"))
    assert {k: v for k, v in usual.items() if not k.startswith("seconds")} == pytest.approx(
        {k: v for k, v in same.items() if not k.startswith("seconds")}, nan_ok=True
    )


@pytest.mark.parametrize("barrier", [trait for trait in TRAITS if trait.startswith("barrier_")])
@pytest.mark.parametrize("value", [0.0, 4.0])
def test_own_barrier_of_everybody_is_that_of_the_parameters(tmp_path, barrier, value):
    own = model(tmp_path, f"{barrier}\n{value}\n")
    said = model(tmp_path, costs={barrier: value})
    bits = np.tile(np.eye(5, dtype=bool), (2000, 1, 1))
    deleted = np.arange(2000) % 2 == 0
    costs, expected, usual = (
        action_costs(m.population, np.arange(2000), bits, deleted, m.policy)
        for m in (own, said, model(tmp_path))
    )
    np.testing.assert_allclose(costs, expected, rtol=1e-5, atol=1e-6)
    assert not np.allclose(costs, usual)
    assert participation(own)["participation"] == participation(said)["participation"]


def test_factor_on_costs_is_that_of_the_rule(tmp_path):
    """A factor of two for everybody is the rule's own cost scale, doubled."""
    scale = model(tmp_path).rule.parameters.cost_scale
    factor = participation(model(tmp_path, "cost\n2\n"))
    (tmp_path / "people.csv").unlink()
    rule = model(tmp_path)
    rule.rule.parameters = rule.rule.parameters.model_copy(update={"cost_scale": 2 * scale})
    assert factor["participation"] == participation(rule)["participation"]
    assert factor["participation"] < participation(model(tmp_path))["participation"]


def test_own_barriers_of_some_leave_the_others_theirs(tmp_path):
    built = model(tmp_path, 'barrier_leave\n10\n""\n')
    values, counts = np.unique(built.population.barriers["barrier_leave"], return_counts=True)
    np.testing.assert_allclose(values, [0.6, 10], rtol=1e-6)
    assert counts.min() > 800
