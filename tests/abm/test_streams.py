import subprocess
import sys

import numpy as np

from abm.streams import Streams


def test_same_name_and_tick_give_the_same_numbers_whatever_was_drawn_before():
    one, other = Streams(7), Streams(7)
    one.generator("taste").random(1000)
    for tick in range(5):
        one.generator("portability", tick).random(3)
    np.testing.assert_array_equal(
        one.generator("revision", 3).random(50), other.generator("revision", 3).random(50)
    )


def test_names_ticks_and_seeds_tell_streams_apart():
    draws = [
        Streams(seed).generator(name, tick).random(4).tolist()
        for seed in (1, 2)
        for name in ("revision", "taste")
        for tick in (0, 1, 2)
    ]
    assert len({tuple(draw) for draw in draws}) == len(draws)


def test_draws_are_uncorrelated_between_ticks():
    draws = np.array([Streams(3).generator("revision", tick).random(2000) for tick in range(6)])
    correlations = np.corrcoef(draws)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 0.1


def test_integer_is_a_seed_that_depends_on_seed_and_name():
    seeds = {Streams(seed).integer(name) for seed in (1, 2) for name in ("learner", "other")}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert Streams(1).integer("learner") in seeds


def test_numbers_do_not_depend_on_the_hash_seed():
    program = "from abm.streams import Streams; print(Streams(5).generator('taste', 2).random(3).tolist())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert printed == {f"{Streams(5).generator('taste', 2).random(3).tolist()}\n"}
