import networkx
import numpy as np
import pytest
from pydantic import ValidationError

from abm.networks.random_graphs import configuration, power_law_degrees, random_geometric
from learners.errors import InputError


def written(tmp_path, text, name="ties.csv"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


# Random geometric


def test_random_geometric_ties_all_within_reach():
    places = np.random.default_rng(4).random((500, 2))
    src, dst = random_geometric(500, 8.0, np.random.default_rng(4))
    apart = np.abs(places[:, None] - places)
    apart = np.minimum(apart, 1 - apart)
    near = np.hypot(apart[..., 0], apart[..., 1]) <= np.sqrt(8 / 499 / np.pi)
    assert set(zip(src.tolist(), dst.tolist(), strict=True)) == set(
        zip(*np.nonzero(np.triu(near, 1)), strict=True)
    )


def test_random_geometric_degree_and_clustering(draw):
    network = draw("random_geometric", 20_000, degree=12.0)
    assert network.mean_degree == pytest.approx(12, abs=0.3)
    # In the plane, the expected share of tied pairs among neighbours: 1 - 3 sqrt(3) / (4 pi).
    clustering = networkx.average_clustering(network.to_networkx(), nodes=range(3000))
    assert clustering == pytest.approx(1 - 3 * np.sqrt(3) / (4 * np.pi), abs=0.02)


def test_random_geometric_reach_is_bounded(draw):
    with pytest.raises(InputError, match=r"network\.degree is 90; with 101 user\(s\) it can be at most 78"):
        draw("random_geometric", 101, degree=90.0)


# Configuration


@pytest.mark.parametrize("exponent", [2.2, 3.0, 6.0])
def test_heavy_tailed_degrees(exponent):
    rng = np.random.default_rng(1)
    drawn = [power_law_degrees(20_000, 10.0, exponent, rng) for _ in range(10)]
    degrees = np.concatenate(drawn)
    assert all(d.sum() % 2 == 0 for d in drawn)
    if exponent > 2.5:  # the mean of a heavier tail wanders
        assert degrees.mean() == pytest.approx(10, rel=0.03)
    # P(degree >= k) = (least / k) ** (exponent - 1), but for rounding.
    least = 10 * (exponent - 2) / (exponent - 1)
    ratio = (degrees >= 60).mean() / (degrees >= 30).mean()
    assert ratio == pytest.approx(2 ** (1 - exponent), rel=0.25)
    assert degrees.min() >= np.floor(least)


def test_configuration_has_the_degrees_drawn(draw):
    network = draw("configuration", 2000, exponent=2.3)
    expected = power_law_degrees(2000, 10.0, 2.3, np.random.default_rng(1))
    np.testing.assert_array_equal(network.degree, expected)


def test_configuration_without_correlation_of_degrees(draw):
    network = draw("configuration", 2000, exponent=6.0)
    assert networkx.degree_assortativity_coefficient(network.to_networkx()) == pytest.approx(0, abs=0.05)


def test_exactly_the_graphical_degrees_are_drawn():
    rng, graphical = np.random.default_rng(2), 0
    for _ in range(300):
        n_users = int(rng.integers(2, 8))
        degrees = rng.integers(0, n_users, n_users)
        if networkx.is_graphical(degrees.tolist()):
            graphical += 1
            src, dst = configuration(degrees, rng)
            np.testing.assert_array_equal(np.bincount(np.r_[src, dst], minlength=n_users), degrees)
            assert (src != dst).all()
            assert len({frozenset(tie) for tie in zip(src, dst, strict=True)}) == len(src)
        else:
            with pytest.raises(InputError, match="no network without loops and double ties"):
                configuration(degrees, rng)
    assert 50 < graphical < 250


def test_degrees_from_a_file(draw, tmp_path):
    degrees = [3, 1, 1, 2, 2, 1]
    path = written(tmp_path, "degree\n" + "\n".join(map(str, degrees)))
    assert draw("configuration", 6, degrees=path).degree.tolist() == degrees
    with pytest.raises(InputError, match=r"ties.csv: has 6 degrees, but there are 7 users$"):
        draw("configuration", 7, degrees=path)
    path = written(tmp_path, "1\n1\n3\n")
    with pytest.raises(InputError, match=r"ties.csv:3: degree 3; 3 users allow 0\.\.2$"):
        draw("configuration", 3, degrees=path)


# Empirical


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,2\n4,1\n",
        "user;friend\n0;1\n1;2\n4;1\n",
        "# observed\n\na\tb\n1\t0\n\n1\t2\n# late\n1\t4\n0\t1\n",
        "0 1\n1   2\n 4 1",
    ],
    ids=["comma", "header", "comments and repeats", "blanks"],
)
def test_observed_ties(draw, tmp_path, text):
    network = draw("empirical", 5, path=written(tmp_path, text))
    assert [end.tolist() for end in network.edges()] == [[0, 1, 1], [1, 2, 4]]
    assert network.degree.tolist() == [1, 3, 1, 0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,1\n1,5\n", r"ties.csv:2: a tie between 1 and 5; users are numbered 0\.\.4$"),
        ("a,b\n0,1\n\n-1,2\n", r"ties.csv:4: a tie between -1 and 2; users"),
        ("# x\n3,3\n", r"ties.csv:2: user 3 is tied to itself$"),
        ("0,1\n1,x\n", r"ties.csv:2: expected 2 whole number\(s\), found '1,x'$"),
        ("0,1\n1,2.5\n", r"ties.csv:2: expected 2 whole number\(s\), found '1,2.5'$"),
        ("0,1\n1,2,3\n", r"ties.csv:2: expected 2 whole number\(s\), found '1,2,3'$"),
        ("0,1,1\n1,2,3\n", r"ties.csv:1: expected 2 whole number\(s\), found '0,1,1'$"),
        ("0,1\n2\n", r"ties.csv:2: expected 2 whole number\(s\), found '2'$"),
        ("0,1\n1,99999999999999999999\n", r"ties.csv:2: expected 2 whole"),
    ],
)
def test_faulty_lines_are_named(draw, tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        draw("empirical", 5, path=written(tmp_path, text))


def test_files_that_cannot_be_read(draw, tmp_path):
    with pytest.raises(InputError, match=r"nowhere.csv: cannot be read \(No such file or directory\)$"):
        draw("empirical", 5, path=str(tmp_path / "nowhere.csv"))
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe0,1")
    with pytest.raises(InputError, match=r"bytes.csv: cannot be read \(no text in UTF-8\)$"):
        draw("empirical", 5, path=str(tmp_path / "bytes.csv"))


def test_an_empty_list_is_a_network_without_ties(draw, tmp_path):
    assert draw("empirical", 5, path=written(tmp_path, "# nobody\n")).mean_degree == 0


def test_observed_ties_are_kept(draw, tmp_path):
    with pytest.raises(ValidationError, match="an observed network keeps the ties it has"):
        draw("empirical", 5, path="x.csv", homophily={"group": "age", "strength": 0.5})


# Communities


def test_communities_hold_the_ties(draw):
    network = draw("communities", 2000, communities=40, memberships=3)
    joined = network.communities.toarray()
    assert joined.shape == (2000, 40)
    np.testing.assert_array_equal(joined.sum(axis=1), 3)
    src, dst = network.edges()
    assert (joined[src] & joined[dst]).any(axis=1).all()
    assert network.mean_degree == pytest.approx(10, abs=0.5)


def test_community_sizes_follow_the_exponent(draw):
    sizes = draw("communities", 20_000, memberships=1, exponent=1.0).communities.sum(axis=0)
    share = sizes / sizes.sum()
    expected = 1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum()
    np.testing.assert_allclose(share, expected, atol=5 * np.sqrt(0.25 / 20_000))
    alike = draw("communities", 20_000, memberships=1, exponent=0.0).communities.sum(axis=0)
    assert alike.max() < 1.3 * alike.min()


def test_everybody_in_one_community_is_a_random_graph(draw):
    network = draw("communities", 4000, communities=1, memberships=1, degree=6.5)
    assert network.mean_degree == pytest.approx(6.5, abs=0.25)
    assert network.degree.var() == pytest.approx(6.5, rel=0.1)


def test_communities_too_small_for_their_ties_are_complete(draw):
    network = draw("communities", 60, communities=20, memberships=1, exponent=0.0)
    joined = network.communities.toarray().astype(int)
    expected = joined @ joined.T
    np.fill_diagonal(expected, 0)
    np.testing.assert_array_equal(network.adjacency.toarray(), expected)


def test_all_communities_joined(draw):
    assert draw("communities", 30, communities=4, memberships=4, exponent=3.0).communities.toarray().all()


def test_no_more_memberships_than_communities(draw):
    with pytest.raises(ValidationError, match="memberships is 3, but there are only 2 communities"):
        draw("communities", communities=2)
