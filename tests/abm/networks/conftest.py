import numpy as np
import pytest
from pydantic import TypeAdapter

from abm.networks.build import NetworkParameters, build_network

UNION = TypeAdapter(NetworkParameters)


@pytest.fixture
def draw():
    """Draw a network of a family, by name."""

    def drawn(family, n_users=600, seed=1, groups=None, **fields):
        parameters = UNION.validate_python({"family": family, **fields})
        return build_network(parameters, n_users, np.random.default_rng(seed), groups=groups)

    return drawn
