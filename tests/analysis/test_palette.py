import re

import pytest

from abm.actions import ACTIONS
from analysis.palette import COMPANIES, LEVERS, REFERENCES, STANCES
from learners.leverage import VARIANTS

EVERYTHING = {"stances": STANCES, "levers": LEVERS, "companies": COMPANIES, "references": REFERENCES}
OKABE_ITO = {
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#999999",
}


def test_every_action_has_a_look_in_the_order_of_the_actions():
    assert tuple(STANCES) == ACTIONS


def test_every_variant_of_leverage_has_the_look_of_its_stance():
    assert set(LEVERS) == set(VARIANTS)
    for variant, look in LEVERS.items():
        assert look[1:] == STANCES[variant][1:]
        assert look.label != STANCES[variant].label


def test_both_companies_and_both_ends_of_the_scale_have_a_look():
    assert set(COMPANIES) == {"large", "small"}
    assert set(REFERENCES) == {"baseline", "best"}


@pytest.mark.parametrize("group", EVERYTHING)
def test_nothing_in_one_figure_looks_or_is_called_the_same(group):
    looks = list(EVERYTHING[group].values())
    assert len({(look.colour, look.dash, look.marker) for look in looks}) == len(looks)
    assert len({look.label for look in looks}) == len(looks)


def test_what_shares_a_figure_with_the_companies_differs_from_them():
    together = [*COMPANIES.values(), *REFERENCES.values()]
    assert len({(look.colour, look.dash, look.marker) for look in together}) == 4


def test_colour_is_never_the_only_cue():
    for looks in (STANCES, COMPANIES):
        drawn = [look for name, look in looks.items() if name != "stay"]
        assert len({look.marker for look in drawn}) == len(drawn)
        assert "" not in {look.marker for look in drawn}


def test_looks_can_be_drawn_by_matplotlib():
    from matplotlib.lines import Line2D

    for looks in EVERYTHING.values():
        for look in looks.values():
            line = Line2D([0, 1], [0, 1], color=look.colour, linestyle=look.dash, marker=look.marker)
            assert line.get_color() == look.colour
            assert re.fullmatch("#[0-9A-F]{6}", look.colour)
            assert look.colour in OKABE_ITO
