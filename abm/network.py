"""Who influences whom: the families of networks, their parameters, and the network as a sparse matrix.

A further family is one parameter class here, listed in :data:`NetworkParameters`, and one function in
:mod:`abm.network_generators`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field
from scipy import sparse

from abm import network_generators as generators
from abm.network_generators import TasteProfiles, Ties
from learners.errors import InputError
from learners.parameters import Parameters, parameter, tagged

if TYPE_CHECKING:
    import networkx

_ROWS_IN_CACHE = 2**14
"""Rows of shares written together: their columns are interleaved in memory."""


@dataclass(frozen=True, eq=False)
class Network:
    """Undirected ties between users, as the symmetric matrix in compressed sparse rows.

    Attributes
    ----------
    indptr
        int32[n_users + 1]; user u's neighbours are ``indices[indptr[u]:indptr[u + 1]]``.
    indices
        int32[2 * n_ties], ascending within a user.
    """

    indptr: NDArray[np.int32]
    indices: NDArray[np.int32]

    @classmethod
    def from_edges(
        cls, src: NDArray[np.integer[Any]], dst: NDArray[np.integer[Any]], n_users: int
    ) -> Network:
        """Build the network of these ties, each given once and in either direction.

        Parameters
        ----------
        src, dst
            integer[n_ties], 0..n_users-1: the two ends of each tie.
        n_users
            Number of users, tied or not.

        Raises
        ------
        InputError
            If an end is no user, a user is tied to itself, or a tie is given twice.
        """
        if len(src) and not 0 <= min(src.min(), dst.min()) <= max(src.max(), dst.max()) < n_users:
            raise InputError(f"network: the ends of a tie must be user numbers in 0..{n_users - 1}")
        rows = np.concatenate([src, dst]).astype(np.int32)
        columns = np.concatenate([dst, src]).astype(np.int32)
        matrix = sparse.coo_array(
            (np.ones(len(rows), np.int8), (rows, columns)), shape=(n_users, n_users)
        ).tocsr()
        matrix.sum_duplicates()  # sorts each row, too
        if matrix.nnz != len(rows) or (src == dst).any():
            raise InputError("network: ties must be distinct, and between two different users")
        return cls(matrix.indptr, matrix.indices)

    @property
    def n_users(self) -> int:
        """Number of users, tied or not."""
        return len(self.indptr) - 1

    @cached_property
    def degree(self) -> NDArray[np.int32]:
        """int32[n_users]: number of neighbours."""
        return np.diff(self.indptr)

    @property
    def mean_degree(self) -> float:
        """Mean number of neighbours."""
        return len(self.indices) / self.n_users

    @cached_property
    def adjacency(self) -> sparse.csr_array:
        """float32 csr_array[n_users, n_users] of ones."""
        return self._matrix(np.float32)

    @cached_property
    def _lanes(self) -> sparse.csr_array:
        """uint64 csr_array[n_users, n_users] of ones: scipy would convert another type at each product."""
        return self._matrix(np.uint64)

    @cached_property
    def _inverse_degree(self) -> NDArray[np.float32]:
        """float32[n_users]: 1 / degree, 0 for isolated users."""
        return np.where(self.degree > 0, 1 / np.maximum(self.degree, 1), 0).astype(np.float32)

    def _matrix(self, dtype: type[np.generic]) -> sparse.csr_array:
        ones = np.ones(len(self.indices), dtype)
        return sparse.csr_array((ones, self.indices, self.indptr), shape=(self.n_users, self.n_users))

    def neighbour_counts(self, active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Count each user's active neighbours.

        Parameters
        ----------
        active
            bool[n_users].

        Returns
        -------
        float32[n_users]
        """
        counts: NDArray[np.float32] = self.adjacency @ active.astype(np.float32)
        return counts

    def neighbour_shares(self, codes: NDArray[np.int8], n_codes: int) -> NDArray[np.float32]:
        """Compute the share of each user's neighbours that is in each code.

        Parameters
        ----------
        codes
            int8[n_users], 0..n_codes-1: what each user does.
        n_codes
            Number of codes.

        Returns
        -------
        float32[n_users, n_codes]
            Rows sum to 1, and are 0 for isolated users.

        Notes
        -----
        One product with a vector of 64-bit words counts several codes at once, each in its own bits of the
        word. That is exact while no degree exceeds what those bits hold, and takes about a third of the time
        of a product with a dense 0/1 matrix. The last code is what remains of the degree.
        """
        word = np.dtype("<u8")
        lane = np.dtype("<u2") if self.degree.max(initial=0) < 2**16 else np.dtype("<u4")
        lanes = word.itemsize // lane.itemsize
        counts = []
        for first in range(0, n_codes - 1, lanes):
            counted = np.arange(first, min(first + lanes, n_codes - 1))
            bit = np.zeros(n_codes, np.uint64)
            bit[counted] = np.uint64(1) << (8 * lane.itemsize * (counted - first)).astype(np.uint64)
            words = self._lanes @ bit[codes]
            counts.append(words.astype(word, copy=False).view(lane).reshape(self.n_users, lanes))

        shares = np.empty((self.n_users, n_codes), np.float32)
        for begin in range(0, self.n_users, _ROWS_IN_CACHE):
            rows = slice(begin, begin + _ROWS_IN_CACHE)
            rest: NDArray[np.unsignedinteger[Any]] = self.degree[rows].astype(lane)
            for code in range(n_codes - 1):
                count = counts[code // lanes][rows, code % lanes]
                np.multiply(count, self._inverse_degree[rows], out=shares[rows, code])
                rest -= count
            np.multiply(rest, self._inverse_degree[rows], out=shares[rows, -1])
        return shares

    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return each tie once: int32[n_ties] lower ends, ascending, and int32[n_ties] higher ends."""
        src = np.repeat(np.arange(self.n_users, dtype=np.int32), self.degree)
        once = src < self.indices
        return src[once], self.indices[once]

    def within_group_share(self, labels: NDArray[Any]) -> float:
        """Share of the ties that join users of one label; NaN without ties.

        Parameters
        ----------
        labels
            Any dtype, [n_users].
        """
        src, dst = self.edges()
        return float((labels[src] == labels[dst]).mean()) if len(src) else float("nan")

    def to_networkx(self) -> networkx.Graph[int]:
        """Return the network as a networkx graph with nodes 0..n_users-1."""
        import networkx

        graph: networkx.Graph[int] = networkx.Graph()
        graph.add_nodes_from(range(self.n_users))
        src, dst = self.edges()
        graph.add_edges_from(zip(src.tolist(), dst.tolist(), strict=True))
        return graph


@dataclass(frozen=True)
class NetworkUsers:
    """What ties may depend on: the number of users, the groups they belong to and their tastes."""

    n_users: int
    groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tastes: TasteProfiles | None = None

    def __post_init__(self) -> None:
        for name, rows in [*self.groups.items(), ("tastes", self.tastes)]:
            if rows is not None and rows.shape[0] != self.n_users:
                raise InputError(
                    f"network: {name} has {rows.shape[0]} rows, but there are {self.n_users} users"
                )

    def group(self, key: str, name: str) -> NDArray[np.int64]:
        """Return int64[n_users], the number of each user's label in the group that parameter `key` names."""
        if name not in self.groups:
            known = ", ".join(sorted(self.groups)) or "none"
            raise InputError(f"{key} is {name!r}; the user groups here are: {known}")
        numbers: NDArray[np.int64] = np.unique(self.groups[name], return_inverse=True)[1]
        return numbers

    def require_room(self, degree: float, most: int) -> None:
        """Raise InputError where the degree exceeds `most`, the highest that this many users allow."""
        if degree > most:
            raise InputError(
                f"network.degree is {degree:g}; with {self.n_users} user(s) it can be at most {max(most, 0)}"
            )


class Homophily(Parameters):
    """Each tie is drawn within the group with probability `strength`, and as the family has it otherwise."""

    group: str = parameter(..., "User group whose members prefer one another", unit="-")
    strength: float = parameter(
        ..., "Probability that a tie across groups is redrawn within one", unit="probability", ge=0.0, le=1.0
    )


class _Family(Parameters):
    """What all families share."""

    homophily: Homophily | None = parameter(None, "Preference for one's own group, if any", unit="-")

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties, before homophily."""
        raise NotImplementedError


class WattsStrogatz(_Family):
    """Small world: a ring of near neighbours with some ties rewired at random."""

    family: Literal["watts_strogatz"] = parameter(
        "watts_strogatz", "Family of networks", unit="-", source="Watts, Strogatz (1998)"
    )
    degree: int = parameter(10, "Mean degree, even", unit="neighbours", ge=2, multiple_of=2)
    rewire: float = parameter(0.05, "Probability that a tie is rewired", unit="probability", ge=0.0, le=1.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties; with no rewiring, user u is tied to u +- 1 .. degree / 2."""
        users.require_room(self.degree, users.n_users - 2)
        return generators.watts_strogatz(users.n_users, self.degree, self.rewire, rng)


class BarabasiAlbert(_Family):
    """Scale-free: users arrive in turn and prefer those with many ties, so low numbers are hubs."""

    family: Literal["barabasi_albert"] = parameter(
        "barabasi_albert", "Family of networks", unit="-", source="Barabasi, Albert (1999)"
    )
    degree: int = parameter(
        10, "Mean degree, even: a new user brings half as many ties", unit="neighbours", ge=2, multiple_of=2
    )

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return generators.barabasi_albert(users.n_users, self.degree, rng)


class ErdosRenyi(_Family):
    """Every pair of users is tied with the same probability."""

    family: Literal["erdos_renyi"] = parameter(
        "erdos_renyi", "Family of networks", unit="-", source="Erdos, Renyi (1959)"
    )
    degree: float = parameter(10.0, "Expected degree", unit="neighbours", gt=0.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return generators.erdos_renyi(users.n_users, self.degree, rng)


class StochasticBlock(_Family):
    """Communities: most ties stay in a block, which is a label of a user group or an artificial community."""

    family: Literal["stochastic_block"] = parameter(
        "stochastic_block", "Family of networks", unit="-", source="Holland, Laskey, Leinhardt (1983)"
    )
    group: str = parameter(
        "blocks", "User group whose labels are the blocks, or 'blocks' for artificial ones", unit="-"
    )
    blocks: int = parameter(8, "Number of artificial blocks, equal runs of user numbers", unit="blocks", ge=2)
    degree: float = parameter(10.0, "Expected mean degree", unit="neighbours", gt=0.0)
    within: float = parameter(0.8, "Expected share of ties within a block", unit="share", ge=0.0, le=1.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        return generators.stochastic_block(self._block(users), self.degree, self.within, rng)

    def _block(self, users: NetworkUsers) -> NDArray[np.int64]:
        if self.group != "blocks":
            return users.group("network.group", self.group)
        if self.blocks > users.n_users:
            raise InputError(
                f"network.blocks is {self.blocks}; {users.n_users} user(s) allow at most that many"
            )
        return np.arange(users.n_users) * self.blocks // users.n_users


class TasteSimilarity(_Family):
    """Users with like tastes are tied, so that contagion runs between people whose data are alike."""

    family: Literal["taste_similarity"] = parameter("taste_similarity", "Family of networks", unit="-")
    degree: int = parameter(10, "Mean degree; everybody has at least half of it", unit="neighbours", ge=2)
    rewire: float = parameter(0.05, "Probability that a tie is rewired", unit="probability", ge=0.0, le=1.0)

    def ties(self, users: NetworkUsers, rng: np.random.Generator) -> Ties:
        """Draw the ties."""
        users.require_room(self.degree, users.n_users - 1)
        if users.tastes is None:
            raise InputError(
                "network.family is 'taste_similarity', which needs users with tastes; these have none"
            )
        alike = generators.taste_similarity(users.tastes, self.degree, rng)
        everybody = np.zeros(users.n_users, np.int64)
        return generators.far_ends_redrawn(alike, rng.random(len(alike[0])) < self.rewire, everybody, rng)


NetworkParameters: TypeAlias = Annotated[
    WattsStrogatz | BarabasiAlbert | ErdosRenyi | StochasticBlock | TasteSimilarity,
    Field(discriminator="family"),
    BeforeValidator(partial(tagged, tag="family", default="watts_strogatz")),
]
"""Any family's parameters, told apart by `family`."""


def build_network(
    parameters: NetworkParameters,
    n_users: int,
    rng: np.random.Generator,
    *,
    groups: Mapping[str, NDArray[Any]] | None = None,
    tastes: TasteProfiles | None = None,
) -> Network:
    """Draw a network; equal parameters and generator states give equal networks.

    Parameters
    ----------
    parameters
        The family and its parameters, with or without homophily.
    n_users
        Number of users; a user's number is also the place on the ring, the order of arrival, or the place
        among the artificial blocks.
    rng
        Source of all randomness.
    groups
        Group name to one label a user, int or str [n_users].
    tastes
        float[n_users, n_features], dense or sparse, for the family ``taste_similarity``.

    Raises
    ------
    InputError
        If so few users cannot have that degree, a group is unknown or tastes are missing.
    """
    users = NetworkUsers(n_users, groups or {}, tastes)
    ties = parameters.ties(users, rng)
    if parameters.homophily is not None:
        group = users.group("network.homophily.group", parameters.homophily.group)
        across = group[ties[0]] != group[ties[1]]
        redrawn = across & (rng.random(len(across)) < parameters.homophily.strength)
        ties = generators.far_ends_redrawn(ties, redrawn, group, rng)
    return Network.from_edges(*ties, n_users)
