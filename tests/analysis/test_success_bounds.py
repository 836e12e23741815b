import pytest

from analysis.success_bounds import critical_mass
from learners.errors import InputError


@pytest.mark.parametrize(("uniqueness", "expected"), [(0.001, 0.0099), (0.01, 0.0909)])
def test_rare_signals_need_few_people(uniqueness, expected):
    assert critical_mass(0.9, uniqueness) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("success", "uniqueness", "gap"), [(0.5, 0.02, 0.7), (0.99, 0.3, 1.0), (0.0, 0.1, 0.2)]
)
def test_at_the_critical_mass_the_bound_is_the_success_wanted(success, uniqueness, gap):
    a = critical_mass(success, uniqueness, gap)
    assert 1 - (1 - a) / a * gap * uniqueness == pytest.approx(success)


def test_ends_of_the_range():
    assert critical_mass(1.0, 0.5) == 1
    assert critical_mass(1.0, 0.0) == 0
    with pytest.raises(InputError, match=r"success: must be in 0..1 \(got 1.2\)"):
        critical_mass(1.2, 0.5)
