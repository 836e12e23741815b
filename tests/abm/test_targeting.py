import numpy as np
import pytest
from pydantic import ValidationError

from abm.streams import Streams
from abm.targeting import Audience, Target
from learners.errors import InputError

RECORDS = np.array([5.0, 1, 9, 2, 2, 30, 4, 4, 7, 1, 12, 3])
GROUPS = {"gender": np.array(["F", "M", "F", "M"] * 3), "age": np.array([1, 18, 25] * 4)}


def audience(records=RECORDS, seed=3):
    return Audience(np.asarray(records, float), GROUPS, Streams(seed))


def test_a_label_means_those_who_have_it():
    assert np.flatnonzero(audience().members(Target(group="gender", label="F"))).tolist() == list(
        range(0, 12, 2)
    )
    assert np.flatnonzero(audience().members(Target(group="age", label="25"))).tolist() == [2, 5, 8, 11]


def test_without_a_target_everybody_is_meant():
    assert audience().members(None).all()


@pytest.mark.parametrize(("n", "tenth"), [(10, 1), (12, 2), (20, 2), (21, 3)])
def test_power_users_are_the_tenth_with_most_records(n, tenth):
    records = np.random.default_rng(n).permutation(n) + 1.0
    chosen = audience(records).members(Target(power_users=True))
    assert chosen.sum() == tenth
    assert records[chosen].min() > records[~chosen].max()


def test_equal_power_users_are_ranked_by_lot_not_by_row():
    records = np.r_[1.0, np.full(99, 2.0)]
    chosen = [audience(records, seed).members(Target(power_users=True)) for seed in range(4)]
    assert all(members.sum() == 10 and not members[0] for members in chosen)
    assert len({tuple(np.flatnonzero(members)) for members in chosen}) == 4


def test_a_larger_share_contains_the_smaller_one_and_purposes_differ():
    people = audience(np.ones(400))
    lots = people.lots("portability_law")
    np.testing.assert_array_equal(lots, people.lots("portability_law"))
    assert (lots < 0.3).sum() == pytest.approx(120, abs=30)
    assert abs(np.corrcoef(lots, people.lots("assistant"))[0, 1]) < 0.2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Target(group="sex", label="F"), r"^target\.group: 'sex' is no grouping .* \(known: gender, age\)$"),
        (Target(group="gender", label="X"), r"^target\.label: no user's gender is 'X' \(known: F, M\)$"),
    ],
)
def test_what_is_not_known_is_refused(target, message):
    with pytest.raises(InputError, match=message):
        audience().members(target)


def test_no_power_users_where_all_own_equally_much():
    with pytest.raises(InputError, match=r"^target\.power_users: all users own equally many records$"):
        audience(np.ones(20)).members(Target(power_users=True))


@pytest.mark.parametrize(
    "fields",
    [{}, {"group": "gender"}, {"label": "F"}, {"group": "gender", "label": "F", "power_users": True}],
)
def test_a_target_says_one_thing(fields):
    with pytest.raises(ValidationError, match="takes either group and label, or power_users: true"):
        Target(**fields)
