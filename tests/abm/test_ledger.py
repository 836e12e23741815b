"""The ledger is all that companies know: their holdings follow from it and from nothing else."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abm.actions import CONTRIBUTE, DELETE, LEAVE, POISON, WITHHOLD, Stances
from abm.decisions import DecisionRule
from abm.ledger import Ledger, Move
from learners.holdings import FIRST_POISON, GENUINE
from learners.poisoning import Poison

STANCES = Stances.of(["label_flip"])
NOBODY = np.empty(0, np.int64)

# Posting


def posted(before, after, has_copy=False):
    """Return the moves of one user who goes from one stance to another, in order."""
    ledger = Ledger()
    codes = [np.array([STANCES.code(name)], np.int8) for name in (before, after)]
    ledger.post_changes(4, STANCES, np.array([17]), *codes, np.array([has_copy]))
    assert all(entry.tick == 4 and entry.users.tolist() == [17] for entry in ledger.entries)
    return [entry.move.value for entry in ledger.at(4)]


@pytest.mark.parametrize(
    ("before", "after", "has_copy", "moves"),
    [
        ("stay", "strike", False, ["withhold", "delete"]),
        ("strike", "stay", False, ["reconsent", "resume"]),
        ("stay", "cdc", False, ["contribute"]),
        ("stay", "cdc_delete", False, ["contribute", "withhold", "delete"]),
        ("cdc", "cdc_delete", True, ["withhold", "delete"]),
        ("cdc_delete", "cdc", True, ["reconsent", "resume"]),
        ("cdc", "stay", True, ["revoke"]),
        ("cdc", "strike", True, ["revoke", "withhold", "delete"]),
        ("cdc", "strike_withhold", True, ["withhold"]),
        ("strike", "strike_withhold", False, ["reconsent"]),
        ("stay", "boycott", False, ["withhold", "delete", "leave"]),
        ("boycott", "stay", False, ["reconsent", "resume", "return"]),
        ("boycott", "strike", False, ["return"]),
        ("cdc", "move", True, ["withhold", "delete", "leave"]),
        ("stay", "poison:label_flip", False, ["poison"]),
        ("poison:label_flip", "strike", False, ["withhold", "delete", "clean"]),
        ("stay", "stay", False, []),
    ],
)
def test_moves_between_stances(before, after, has_copy, moves):
    assert posted(before, after, has_copy) == moves


def test_poison_is_named():
    ledger = Ledger()
    stay, poison = (np.array([STANCES.code(name)], np.int8) for name in ("stay", "poison:label_flip"))
    ledger.post_changes(1, STANCES, np.array([0]), stay, poison, np.array([False]))
    assert [entry.poison for entry in ledger.entries] == [Poison("label_flip")]


@pytest.mark.parametrize("kinds", [("a", "b"), ("b", "a")])
def test_from_one_poison_to_another(kinds):
    stances = Stances.of(["a", "b"])
    ledger = Ledger()
    before, after = (np.array([stances.code(f"poison:{kind}")], np.int8) for kind in kinds)
    ledger.post_changes(1, stances, np.array([0]), before, after, np.array([False]))
    assert [(entry.move, entry.poison.name) for entry in ledger.entries] == [
        (Move.CLEAN, kinds[0]),
        (Move.POISON, kinds[1]),
    ]


def test_moves_that_nobody_makes_are_not_posted():
    ledger = Ledger()
    ledger.post(1, Move.DELETE, NOBODY)
    assert ledger.entries == []
    assert ledger.at(1) == []


def test_entries_keep_the_order_of_posting():
    ledger = Ledger()
    for tick, move in ((1, Move.DELETE), (2, Move.LEAVE), (1, Move.WITHHOLD)):
        ledger.post(tick, move, np.array([1]))
    assert [entry.move for entry in ledger.entries] == [Move.DELETE, Move.LEAVE, Move.WITHHOLD]
    assert [entry.move for entry in ledger.at(1)] == [Move.DELETE, Move.WITHHOLD]


# Holdings follow from the ledger


class RandomMoves(DecisionRule):
    """Some users take any permitted stance at random."""

    def __init__(self, seed, share):
        self.seed, self.share = seed, share

    def choose(self, view):
        rng = np.random.default_rng([self.seed, view.tick])
        permitted = view.permitted(np.arange(view.population.n_users))
        wanted = (rng.random(permitted.shape) * permitted).argmax(1)
        moves = rng.random(len(wanted)) < self.share
        return np.where(moves, wanted, view.population.stance).astype(np.int8)


class NaiveBooks:
    """Both companies' holdings, user by user and record by record, from the entries of a ledger."""

    def __init__(self, model):
        self.owner_of = model.record_owners.tolist()
        self.rows_of = defaultdict(list)
        for row, owner in enumerate(self.owner_of):
            self.rows_of[owner].append(row)
        self.policy = model.policy
        parameters = model.clock_parameters
        self.streaming = parameters["kind"] == "stream"
        self.due = self._due(**parameters)
        self.users = range(model.population.n_users)
        self.large = {u: self._existing(u, 0) for u in self.users}
        # Whom Small Co. knows from the start is a draw of the model's, not an entry.
        self.small = {u: self._existing(u, 0) for u in np.flatnonzero(model.small.known).tolist()}
        self.poison = dict.fromkeys(self.users)
        self.flowing = dict.fromkeys(self.users, True)

    def _due(self, kind, at_start=0, slices=1):
        due = []
        for rows in self.rows_of.values():
            n = len(rows)
            for rank in range(n):
                age, tick, until = Fraction(2 * rank + 1, 2 * n), 0, Fraction(at_start)
                while kind == "stream" and age > until:
                    tick += 1
                    until += (1 - Fraction(at_start)) / slices
                due.append(tick)
        return due

    def _existing(self, user, tick):
        return {row for row in self.rows_of[user] if self.due[row] <= tick}

    def follow(self, entries, tick):
        before = {u: set(rows) if rows is not None else set() for u, rows in self.large.items()}
        for entry in entries:
            for u in entry.users.tolist():
                match str(entry.move):
                    case "contribute":
                        copy = self._existing(u, tick)
                        if self.streaming and not self.policy.keeps_archive:
                            copy &= before[u]
                        self.small[u] = self.small.get(u, set()) | copy
                    case "revoke":
                        self.small.pop(u, None)
                    case "delete":
                        self.large[u] = None
                    case "reconsent":
                        if self.streaming:
                            self.large[u] = set() if self.large[u] is None else self.large[u]
                        elif self.policy.return_restores:
                            self.large[u] = self._existing(u, tick)
                    case "withhold":
                        self.flowing[u] = False
                    case "resume":
                        self.flowing[u] = True
                    case "poison":
                        self.poison[u] = entry.poison
                    case "clean":
                        self.poison[u] = None
        for row, due in enumerate(self.due):
            u = self.owner_of[row]
            if due == tick and due > 0 and self.flowing[u] and self.large[u] is not None:
                self.large[u].add(row)


def assert_same_books(model, books):
    for company, rows_of in ((model.large, books.large), (model.small, books.small)):
        holding = company.store.holding()
        mask = holding.record_mask(model.record_owners).tolist()
        for u in books.users:
            rows = rows_of.get(u)
            code = holding.codes[u]
            assert (code != 0) == (rows is not None)
            if rows is None:
                continue
            assert {row for row in books.rows_of[u] if mask[row]} == rows
            poison = books.poison[u] if company is model.large else None
            assert code == (GENUINE if poison is None else FIRST_POISON + holding.poisons.index(poison))
        assert company.records == sum(len(rows) for rows in rows_of.values() if rows is not None)
    poisoned = [u for u in books.users if books.large[u] is not None and books.poison[u] is not None]
    assert model.large.poisoned_records == sum(len(books.large[u]) for u in poisoned)


def assert_same_stances(model, entries):
    """Rebuild every user's bits from the moves alone."""
    sets = {
        "withhold": ("resume", WITHHOLD),
        "delete": ("reconsent", DELETE),
        "poison": ("clean", POISON),
        "leave": ("return", LEAVE),
        "contribute": ("revoke", CONTRIBUTE),
    }
    population, stances = model.population, model.stances
    for begin, (end, bit) in sets.items():
        on = set()
        for entry in entries:
            if entry.move == begin:
                on |= set(entry.users.tolist())
            elif entry.move == end:
                on -= set(entry.users.tolist())
        if bit == CONTRIBUTE:
            assert on == set(np.flatnonzero(population.has_copy).tolist())
            # A user with a copy is in no stance that says there is none, nor the other way round.
            with_copy = stances.with_copy[population.stance] != population.stance
            assert not (population.has_copy & with_copy).any()
            assert not (~population.has_copy & stances.bits[population.stance, CONTRIBUTE]).any()
        else:
            assert on == set(np.flatnonzero(stances.bits[population.stance, bit]).tolist())
            if bit == LEAVE:
                assert on == set(np.flatnonzero(~model.uses_large).tolist())


BOOLEAN = st.booleans()
POLICIES = st.fixed_dictionaries(
    {
        "revocation_right": BOOLEAN,
        "return_restores": BOOLEAN,
        "keeps_archive": BOOLEAN,
        "deletion_right": st.sampled_from([True, True, False]),
        "portability_success": st.sampled_from([0.0, 0.3, 1.0]),
    }
)
CLOCKS = st.one_of(
    st.just({"kind": "static"}),
    st.fixed_dictionaries(
        {
            "kind": st.just("stream"),
            # Powers of two: no record is due on the rounding of a boundary.
            "at_start": st.sampled_from([0.0625, 0.25, 0.5, 0.75, 1.0]),
            "slices": st.sampled_from([1, 4, 8]),
        }
    ),
)


def assert_books_follow(society, use_case, seed, share, policy, clock, starts_with, ticks=6):
    model = society(
        use_case,
        policy=policy,
        clock=clock,
        decision=RandomMoves(seed, share),
        companies={"small": {"starts_with": starts_with}},
        network={"degree": 4},
        rng=seed,
    )
    model.clock_parameters = clock
    books = NaiveBooks(model)
    assert_same_books(model, books)
    for tick in range(1, ticks + 1):
        model.step()
        books.follow([entry for entry in model.ledger.entries if entry.tick == tick], tick)
        assert_same_books(model, books)
        assert_same_stances(model, model.ledger.entries)
        assert model.ticks[-1]["records_large"] == model.large.records
        assert model.ticks[-1]["records_small"] == model.small.records
        assert model.ticks[-1]["poisoned_large"] == model.large.poisoned_records
    return model


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.1, 0.5, 1.0]),
    policy=POLICIES,
    clock=CLOCKS,
    starts_with=st.sampled_from([0.0, 0.3]),
)
def test_holdings_follow_from_the_ledger(society, untrained, seed, share, policy, clock, starts_with):
    assert_books_follow(society, untrained, seed, share, policy, clock, starts_with)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), policy=POLICIES)
def test_holdings_follow_from_the_ledger_with_real_models(society, few_digits, seed, policy):
    assert_books_follow(society, few_digits, seed, 0.5, policy, {"kind": "static"}, 0.2)


def test_random_moves_reach_every_kind_of_move(society, untrained):
    """The two tests above would say little if the moves were few."""
    policy = {"revocation_right": True, "portability_success": 1.0}
    clock = {"kind": "stream", "at_start": 0.5, "slices": 8}
    model = assert_books_follow(society, untrained, 3, 0.5, policy, clock, 0.3, ticks=8)
    assert {entry.move for entry in model.ledger.entries} == set(Move)
    assert {entry.poison.name for entry in model.ledger.entries if entry.poison} == {
        "random_vandal",
        "extreme_vandal",
    }
    assert 0 < model.large.records < len(model.record_owners)
    assert model.large.poisoned_records > 0
    assert model.small.records > 0
