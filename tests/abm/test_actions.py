import numpy as np
import pytest

from abm.actions import ACTIONS, CONTRIBUTE, DELETE, LEAVE, POISON, STAY, WITHHOLD, Stances
from learners.errors import InputError
from learners.poisoning import Poison

STANCES = Stances.of(["random_vandal", "extreme_vandal"])

# What each stance is, in words of the published framework: who trains on what, who is used.
MEANINGS = {
    "stay": set(),
    "strike_withhold": {WITHHOLD},
    "strike": {WITHHOLD, DELETE},
    "cdc": {CONTRIBUTE},
    "cdc_delete": {WITHHOLD, DELETE, CONTRIBUTE},
    "boycott_leave": {WITHHOLD, LEAVE},
    "boycott": {WITHHOLD, DELETE, LEAVE},
    "move": {WITHHOLD, DELETE, CONTRIBUTE, LEAVE},
    "poison:random_vandal": {POISON},
    "poison:extreme_vandal": {POISON},
}


def test_stances_mean_what_they_are_called():
    assert set(STANCES.names) == set(MEANINGS)
    for name, meaning in MEANINGS.items():
        assert set(np.flatnonzero(STANCES.bits[STANCES.code(name)])) == meaning, name


def test_stay_is_the_first_code():
    assert STANCES.code("stay") == STAY == 0


def test_only_poison_stances_have_a_poison():
    assert [poison for poison in STANCES.poisons if poison] == [
        Poison("random_vandal"),
        Poison("extreme_vandal"),
    ]
    assert STANCES.poisons[STANCES.code("poison:extreme_vandal")] == Poison("extreme_vandal")


def test_no_poison_stance_where_no_kind_applies():
    assert len(Stances.of(())) == len(STANCES) - 2
    with pytest.raises(InputError, match=r"^stance 'poison:random_vandal' is not one of stay, [^\n]*$"):
        Stances.of(()).code("poison:random_vandal")


@pytest.mark.parametrize(
    ("without", "with_copy"), [("stay", "cdc"), ("strike", "cdc_delete"), ("boycott", "move")]
)
def test_a_copy_renames_a_stance_and_changes_nothing_else(without, with_copy):
    renamed = STANCES.with_copy[STANCES.code(without)]
    assert STANCES.names[renamed] == with_copy
    changed = STANCES.bits[renamed] != STANCES.bits[STANCES.code(without)]
    assert np.flatnonzero(changed).tolist() == [CONTRIBUTE]


def test_other_stances_keep_their_name_with_a_copy():
    for name in set(STANCES.names) - {"stay", "strike", "boycott"}:
        assert STANCES.names[STANCES.with_copy[STANCES.code(name)]] == name


def test_every_action_is_reported_and_poison_kinds_together():
    actions = [ACTIONS[code] for code in STANCES.action]
    assert set(actions) == set(ACTIONS)
    assert actions == [name.partition(":")[0] for name in STANCES.names]
    assert actions.count("poison") == 2
