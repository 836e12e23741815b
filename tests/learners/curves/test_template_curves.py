import numpy as np
import pytest

from learners.curves.template_curves import TEMPLATES, template_curve
from learners.errors import InputError

SHAPES = {
    "template:linear": (0.25, 0.5, 0.75),
    "template:accelerating": (0.0625, 0.25, 0.5625),
    "template:decelerating": (0.5, 0.70710678, 0.86602540),
    "template:third_order": (0.15625, 0.5, 0.84375),
}


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_quality_has_the_shape_of_the_name(name, mode):
    curve = template_curve("digits", name, mode)
    assert curve.normalised([0.25, 0.5, 0.75]) == pytest.approx(SHAPES[name], abs=1e-4)
    assert curve.normalised([0.0, 1.0]).tolist() == [0.0, 1.0]
    assert np.all(np.diff(curve.normalised(np.linspace(0, 1, 50))) > 0)


def test_people_known_and_strangers_get_the_same():
    curve = template_curve("digits", "template:linear", "grid")
    assert curve.at("stranger", 0.3) == curve.at("known", 0.3) == curve.at("company", 0.3)
    assert not curve.measured


def test_curves_differ_by_digest():
    assert len({template_curve("digits", name, "grid").digest for name in TEMPLATES}) == len(TEMPLATES)


def test_an_unknown_template_is_named():
    with pytest.raises(InputError, match=r"'template:round' is not one of template:linear"):
        template_curve("digits", "template:round", "grid")
