import numpy as np
import pytest

from abm.money.inequality import TRANSFORMS, gini
from analysis.dividends import dividend_table, leave_one_out, sign_changes
from learners.errors import InputError
from learners.holdings import Holding
from learners.usecase import Reference, load_use_case


def test_worth_is_what_a_model_without_the_owner_lacks():
    use_case = load_use_case("digits", device="cpu", owners=20, filters=4)
    reference = Reference(use_case, seed=0)
    done = []
    values = leave_one_out(reference, done.append)
    assert done == [*range(1, 21)]
    scale = reference.scale("holdout", reference.evaluation)
    everybody = Holding.full(20)
    for owner in (0, 7, 19):
        # The learner of digits is exact: from scratch is the same.
        alone = use_case.learner(0).update(everybody.without([owner]))
        assert values[owner] == pytest.approx(1 - scale.cdc(alone.holdout))
    assert values.min() < 0 < values.max()


def test_signs_that_change():
    assert sign_changes(np.array([1.0, -1, 2, 0]), np.array([0.5, 1, 1, 0])) == 0.25
    with pytest.raises(InputError, match="2 measured first, 3 again"):
        sign_changes(np.zeros(2), np.zeros(3))


def test_inequality_by_transform():
    worth, records = np.array([-1.0, 0.0, 1.0]), np.array([1.0, 1.0, 2.0])
    table = dividend_table({0: worth, 3: -worth}, records).set_index(["transform", "seed"])
    assert set(table.index.get_level_values(0)) == set(TRANSFORMS)
    for seed in (0, 3):
        ginis = table["gini"].xs(seed, level="seed")
        assert ginis["shift"] == pytest.approx(4 / 9)
        assert ginis["absolute"] == pytest.approx(1 / 3)
        assert ginis["clip"] == pytest.approx(2 / 3)
        assert ginis["equal"] == pytest.approx(0)
        assert ginis["per_record"] == gini(records)
    assert table["unpaid"]["clip", 0] == pytest.approx(2 / 3)
    assert table["top_tenth"]["clip", 0] == 1  # a tenth of three is one of them
    assert table["top_tenth"]["per_record", 0] == 0.5
