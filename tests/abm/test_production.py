"""Production functions: templates of Oliver, Marwell and Teixeira (1985), and what is measured."""

import numpy as np
import pytest

from abm.production import MeasuredCurves, ProductionParameters, between_points, measured_production
from abm.production_shape import TEMPLATE, production_shape
from learners.curves.published_curves import published_curve
from learners.errors import InputError
from learners.parameters import parsed
from learners.published import contribution_table

R = np.linspace(0, 1, 41)


def template(**given):
    return parsed(ProductionParameters, given, "production").function()


@pytest.mark.parametrize(
    ("given", "formula", "shape"),
    [
        ({}, R, "linear"),
        ({"kind": "decelerating"}, R**0.5, "decelerating"),
        ({"kind": "decelerating", "form": "complement", "exponent": 3.0}, 1 - (1 - R) ** 3, "decelerating"),
        ({"kind": "accelerating", "exponent": 3.0}, R**3, "accelerating"),
        ({"kind": "third_order"}, 3 * R**2 - 2 * R**3, "third-order"),
        (
            {"kind": "third_order", "form": "hill", "steepness": 3.0, "middle": 0.5},
            R**3 * 1.125 / (R**3 + 0.125),
            "third-order",
        ),
        ({"kind": "step", "at": 0.4}, R >= 0.4, "third-order"),
    ],
)
def test_templates(given, formula, shape):
    production = template(**given)
    np.testing.assert_allclose(production(R), formula, atol=1e-12)
    assert float(production(0.0)) == 0
    assert float(production(1.0)) == 1
    measured = production_shape(production, TEMPLATE)
    assert (measured.name, measured.perspective) == (shape, "template")


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "decelerating", "exponent": 2.0},
        {"kind": "decelerating", "form": "complement", "exponent": 0.5},
        {"kind": "accelerating", "exponent": 1.0},
        {"kind": "third_order", "form": "hill", "steepness": 1.0},
        {"kind": "measured", "lever": "strike"},
        {"kind": "cubic"},
    ],
)
def test_templates_bend_the_way_they_are_called(given):
    with pytest.raises(InputError, match=r"^production[^\n]*$"):
        template(**given)


# Shape


def test_what_the_shape_is_made_of():
    accelerating = production_shape(template(kind="accelerating"), TEMPLATE)
    assert accelerating.slope_ratio == pytest.approx(0.05 / 0.9)
    assert accelerating.area == pytest.approx(1 / 3, abs=1e-6)
    assert accelerating.inflection is None
    decelerating = production_shape(template(kind="decelerating"), TEMPLATE)
    assert decelerating.slope_ratio == pytest.approx((0.05**0.5 / 0.05) / ((0.5**0.5 - 0.4**0.5) / 0.1))
    assert decelerating.area == pytest.approx(2 / 3, abs=1e-4)
    third = production_shape(template(kind="third_order"), TEMPLATE)
    assert third.inflection == pytest.approx(0.5, abs=0.03)
    assert production_shape(lambda x: 0.2 * np.asarray(x, float) ** 2, TEMPLATE).area == pytest.approx(
        1 / 3, abs=1e-6
    )


def measured_shape(use_case, lever, perspective):
    curve = published_curve(use_case, "grid")
    shares = curve.shares(perspective)
    g = between_points(shares, [1 - curve.at(perspective, share).loss for share in shares])
    ends = np.concatenate([[0.0], shares])
    return production_shape(
        measured_production(g, lever), perspective, ends if lever == "contribute" else np.sort(1 - ends)
    )


@pytest.mark.parametrize(
    ("use_case", "lever", "perspective", "name"),
    [
        ("pinterest-20", "contribute", "company", "decelerating"),
        ("pinterest-20", "strike", "company", "accelerating"),
        ("pinterest-20", "contribute", "holdout", "linear"),
        ("pinterest-20", "strike", "holdout", "linear"),
        ("ml-10m", "contribute", "company", "decelerating"),
        ("ml-10m", "strike", "company", "accelerating"),
        ("toxic", "contribute", "company", "decelerating"),
        ("cifar-10", "contribute", "company", "third-order"),
        ("cifar-10", "strike", "company", "third-order"),
    ],
)
def test_shapes_of_published_curves(use_case, lever, perspective, name):
    """Vincent and Hecht (2021): what bends on a company's own test records is straight on a fixed holdout."""
    shape = measured_shape(use_case, lever, perspective)
    assert (shape.name, shape.perspective) == (name, perspective)


def test_figures_of_published_shapes():
    """CIFAR-10 contribution: slope 7.2 up to 1 %, 13.6 from there to 5 %; Pinterest covers .93 and .49."""
    shape = measured_shape("cifar-10", "contribute", "company")
    assert shape.inflection == pytest.approx(0.03)
    assert measured_shape("pinterest-20", "contribute", "company").area == pytest.approx(0.93, abs=0.015)
    assert measured_shape("pinterest-20", "contribute", "holdout").area == pytest.approx(0.49, abs=0.015)
    assert measured_shape("ml-10m", "contribute", "holdout").area == pytest.approx(0.54, abs=0.015)


# Measured


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
@pytest.mark.parametrize("use_case", ["pinterest-20", "ml-10m", "cifar-10", "toxic"])
def test_measured_production_is_the_published_leverage(use_case, mode):
    """At the rates of the tables, of all three levers (Vincent and Hecht 2021, figure 2)."""
    curve = published_curve(use_case, mode)

    def points(perspective):
        shares = curve.shares(perspective)
        return shares, np.array([1 - curve.at(perspective, share).loss for share in shares])

    curves = MeasuredCurves(points, start=0.0)
    table = contribution_table(use_case).query("rate <= 0.5")
    for lever, column in (("contribute", "cdc"), ("strike", "strike"), ("cdc_delete", "cdc_delete")):
        given = {"kind": "measured", "lever": lever, "perspective": "company"}
        production = parsed(ProductionParameters, given, "production").function(curves)
        np.testing.assert_allclose(production(table["rate"]), table[column], atol=2e-3)
        assert float(production(0.0)) == pytest.approx(0)


def test_the_first_record_adds_something():
    """A cubic in the logarithm of the share would be flat below the smallest share measured."""
    g = between_points([0.01, 0.1, 1.0], [0.3, 0.8, 1.0])
    assert 0.02 < float(g(0.001)) < 0.06
    np.testing.assert_allclose(g([0.0, 0.01, 0.1, 1.0, 1.2]), [0, 0.3, 0.8, 1, 1])
    assert (np.diff(g(np.linspace(0, 1, 500))) > 0).all()


def test_formulas_of_the_levers():
    def g(x):
        return np.asarray(x, float) ** 0.5

    contribute, strike, both = (
        measured_production(g, lever, 0.2) for lever in ("contribute", "strike", "cdc_delete")
    )
    np.testing.assert_allclose(contribute(R), (0.2 + 0.8 * R) ** 0.5 - 0.2**0.5)
    np.testing.assert_allclose(strike(R), 1 - (1 - R) ** 0.5)
    np.testing.assert_allclose(both(R[:-1]), (0.2 + 0.8 * R[:-1]) ** 0.5 / (1 - R[:-1]) ** 0.5 - 0.2**0.5)
    assert np.isnan(both(1.0))
