from dataclasses import replace

import numpy as np
import pytest

from analysis.group_strikes import groups_of, half_of
from learners.datasets.records import RatingData
from learners.ratings.matrix_factorisation import FactorisationParameters
from learners.ratings.use_case import RatingUseCase


@pytest.fixture(scope="module")
def use_case():
    """Twenty people: 0 rates 12 dramas with 4, 1 the same with 3.9, 2 only 10, 3 none; 4 rates most."""
    ratings = {
        0: [(item, 4.0) for item in range(12)],
        1: [(item, 4.0) for item in range(11)] + [(11, 3.0)],
        2: [(item, 5.0) for item in range(10)],
        3: [(item, 5.0) for item in range(12, 30)],
        4: [(item, 3.0) for item in range(30)],
        **{person: [(20, 5.0), (21, 1.0)] for person in range(5, 20)},
    }
    owners, items, values = (
        np.array(column)
        for column in zip(
            *((person, item, rating) for person, rated in ratings.items() for item, rating in rated),
            strict=True,
        )
    )
    genres = np.zeros((30, 2), bool)
    genres[:12, 0] = True
    genres[25, 1] = True
    data = RatingData(
        name="ml-small",
        owners=owners.astype(np.int32),
        items=items.astype(np.int32),
        ratings=values.astype(np.float32),
        timestamps=np.zeros(len(owners), np.int64),
        scale=(1.0, 2.0, 3.0, 4.0, 5.0),
        owner_ids=np.arange(20),
        item_ids=np.arange(30),
        groups={
            "gender": np.array(["F", "M"] * 10),
            "occupation": np.array(["miller", *["baker"] * 19]),
        },
        genres=genres,
        genre_names=("Drama", "Western"),
    )
    return RatingUseCase("ml-small", data, "cpu", "fold:1/5", FactorisationParameters())


def test_groups_are_those_of_the_study(use_case):
    groups = groups_of(use_case)
    # One miller, nobody who gave a western more than ten ratings, one fan of dramas: no halves.
    assert set(groups) == {
        ("gender", "F"),
        ("gender", "M"),
        ("occupation", "baker"),
        ("power users", "top tenth"),
    }
    assert np.flatnonzero(groups["gender", "F"]).tolist() == list(range(0, 20, 2))
    assert np.flatnonzero(groups["power users", "top tenth"]).tolist() == [3, 4]


def test_fans_gave_more_than_ten_ratings_of_at_least_four_on_average(use_case):
    genres = use_case.data.genres.copy()
    genres[:, 1] = True
    data = replace(use_case.data, genres=genres, genre_names=("Drama", "All"))
    groups = groups_of(RatingUseCase("ml-small", data, "cpu", "fold:1/5", FactorisationParameters()))
    # Of all films, 0 and 3 have a mean of at least four over more than ten; 2 rated only ten.
    assert np.flatnonzero(groups["genre fans", "All"]).tolist() == [0, 3]
    assert ("genre fans", "Drama") not in groups  # 0 alone: 1 is at 3.9


def test_half_of_a_group_is_drawn_by_name_and_sample():
    members = np.arange(100) % 2 == 0
    members[1] = True  # 51 of them
    half = half_of(members, "age", "25-34", 0, seed=1)
    assert half.sum() == 25
    assert not (half & ~members).any()
    assert (half == half_of(members, "age", "25-34", 0, seed=1)).all()
    for other in (("age", "25-34", 1, 1), ("age", "35-44", 0, 1), ("age", "25-34", 0, 2)):
        assert (half != half_of(members, *other)).any()
