from __future__ import annotations

import zlib

import numpy as np
import pytest
from scipy.stats import kstest

from learners.record_hash import record_uniform

MASK = 2**64 - 1


def splitmix64(state):
    """Steele, Lea and Flood's mixer in plain integers."""
    z = (state + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_reference_mixer_is_splitmix64():
    assert splitmix64(0) == 0xE220A8397B1DCDAF  # the published first output of seed 0


@pytest.mark.parametrize("keys", [(0,), (1, 2), (2**40, 3, 17), (-1, 5)])
def test_equals_plain_integer_arithmetic(keys):
    state = splitmix64(zlib.crc32(b"split"))
    for key in keys:
        state = splitmix64(state ^ (key & MASK))
    assert record_uniform("split", *(np.array([key]) for key in keys))[0] == (state >> 11) * 2.0**-53


def test_uniform_on_the_unit_interval():
    u = record_uniform("test", np.arange(20_000))
    assert u.min() >= 0
    assert u.max() < 1
    assert kstest(u, "uniform").pvalue > 1e-3


def test_salts_and_key_order_give_unrelated_numbers():
    a, b = np.arange(20_000), np.arange(20_000)[::-1].copy()
    u = record_uniform("one", a, b)
    for other in (record_uniform("two", a, b), record_uniform("one", b, a), record_uniform("one", a, b + 1)):
        assert not np.any(other == u)
        assert abs(np.corrcoef(u, other)[0, 1]) < 0.03


def test_depends_on_the_keys_alone_not_on_type_shape_or_company():
    keys = np.arange(100)
    whole = record_uniform("test", keys, 7)
    np.testing.assert_array_equal(
        record_uniform("test", keys[40:60].astype(np.int32), np.full(20, 7)), whole[40:60]
    )
    table = record_uniform("test", keys[:, np.newaxis], np.arange(10))
    assert table.shape == (100, 10)
    np.testing.assert_array_equal(table[:, 7], whole)
