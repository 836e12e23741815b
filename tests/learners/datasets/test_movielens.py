from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.datasets import catalogue, tables
from learners.datasets.movielens import load_ml_1m, load_ml_10m, load_ml_100k, load_ratings_csv
from learners.datasets.records import RatingData
from learners.errors import InputError

GENRES_100K = 19


def item_100k(number, *genres):
    flags = "|".join("1" if genre in genres else "0" for genre in range(GENRES_100K))
    return f"{number}|Fa\xe7ade (1990)|01-Jan-1990||http://example.org/|{flags}\n"


FILES_100K = {
    "u.data": "7\t20\t3\t881250949\n3\t20\t5\t881250950\n7\t10\t1\t881250948\n3\t30\t4\t881250950\n",
    "u.item": item_100k(10, 1, 2) + item_100k(20, 0) + item_100k(30, 18) + item_100k(40),
    "u.user": "3|17|F|student|12345\n7|56|M|none|V1Y2Z\n",
}
FILES_1M = {
    "ratings.dat": "2::1193::5::978300760\n1::661::3::0\n1::1193::4::978302109\n",
    "movies.dat": "661::James (1996)::Animation|Children's\n1193::One :: Two (1975)::Drama\n",
    "users.dat": "1::F::1::10::48067\n2::M::56::0::70072\n",
}
FILES_10M = {
    "ratings.dat": "1::122::5::838985046\n1::185::3.5::838983525\n3::122::0.5::0\n",
    "movies.dat": "122::Boomerang (1992)::Comedy|IMAX\n185::Caf\xe9 (1995)::(no genres listed)\n",
}
FILES_CSV = {
    "ratings.csv": "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,4.0,1112484676\n",
    "movies.csv": 'movieId,title,genres\n2,"Me, You ""and"" It ",Adventure|Children\n29,City (1995),Drama\n',
}


def written(folder, files, **changes):
    """Write files in one of the layouts, with some of them changed (``u_data="..."`` is ``u.data``)."""
    for name, text in {**files, **{key.replace("_", "."): text for key, text in changes.items()}}.items():
        if text is not None:
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return folder


def test_ml_100k_layout(tmp_path):
    data = load_ml_100k(written(tmp_path, FILES_100K))
    assert data.owner_ids.tolist() == [3, 7]
    assert data.item_ids.tolist() == [10, 20, 30]
    assert data.owners.tolist() == [0, 0, 1, 1]
    assert data.items.tolist() == [1, 2, 0, 1]
    assert data.ratings.tolist() == [5, 4, 1, 3]
    assert data.timestamps.tolist() == [881250950, 881250950, 881250948, 881250949]
    dtypes = [a.dtype for a in (data.owners, data.items, data.ratings, data.timestamps, data.owner_ids)]
    assert dtypes == [np.int32, np.int32, np.float32, np.int64, np.int64]
    assert {name: labels.tolist() for name, labels in data.groups.items()} == {
        "gender": ["F", "M"],
        "age": ["under 18", "56+"],
        "occupation": ["student", "none"],
    }
    assert data.genres is not None
    assert data.genres.dtype == np.bool_
    named = [[data.genre_names[genre] for genre in np.flatnonzero(row)] for row in data.genres]
    assert named == [["Action", "Adventure"], ["unknown"], ["Western"]]
    assert data.warnings == (
        "ml-100k: 4 ratings, the published set has 100,000",
        "ml-100k: 2 users, the published set has 943",
        "ml-100k: 3 items, the published set has 1,682",
    )


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (17, "under 18"),
        (18, "18-24"),
        (24, "18-24"),
        (25, "25-34"),
        (44, "35-44"),
        (49, "45-49"),
        (55, "50-55"),
    ],
)
def test_ages_fall_into_the_bands_of_ml_1m(tmp_path, age, band):
    users = f"3|{age}|F|student|12345\n7|56|M|none|V1Y2Z\n"
    assert load_ml_100k(written(tmp_path, FILES_100K, u_user=users)).groups["age"][0] == band


def test_ml_1m_layout(tmp_path):
    data = load_ml_1m(written(tmp_path, FILES_1M))
    assert data.owners.tolist() == [0, 0, 1]
    assert data.items.tolist() == [0, 1, 1]
    assert data.timestamps.tolist() == [0, 978302109, 978300760]
    assert not data.has_time
    assert data.groups["age"].tolist() == ["under 18", "56+"]
    assert data.groups["occupation"].tolist() == ["K-12 student", "other"]
    assert data.genre_names == ("Animation", "Children's", "Drama")
    assert data.genres is not None
    assert data.genres.tolist() == [[True, True, False], [False, False, True]]
    assert "ml-1m: 1 of 3 timestamps are 0 (unknown)" in data.warnings


def test_ml_10m_layout(tmp_path):
    data = load_ml_10m(written(tmp_path, FILES_10M))
    assert data.ratings.tolist() == [3.5, 5.0, 0.5]
    assert data.scale == (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
    assert data.groups == {}
    assert data.genre_names == ("Comedy", "IMAX")
    assert data.genres is not None
    assert data.genres.tolist() == [[True, True], [False, False]]


def test_ratings_csv_layout(tmp_path):
    data = load_ratings_csv(written(tmp_path, FILES_CSV), "ml-tiny")
    assert data.name == "ml-tiny"
    assert data.item_ids.tolist() == [2, 29]
    assert data.items.tolist() == [1, 0]
    assert data.ratings.tolist() == [4.0, 3.5]
    assert data.genre_names == ("Adventure", "Children", "Drama")
    assert data.warnings == ()


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_byte_order_mark_and_blank_end_are_accepted(tmp_path, end):
    text = "\ufeff" + FILES_1M["ratings.dat"].replace("\n", end) + end
    changed = written(tmp_path, FILES_1M, ratings_dat=text.encode())
    assert load_ml_1m(changed).ratings.tolist() == [3, 4, 5]


def test_blocks_do_not_change_the_result(tmp_path, monkeypatch):
    whole = load_ml_1m(written(tmp_path, FILES_1M))
    monkeypatch.setattr(tables, "_BLOCK_BYTES", 5)
    assert load_ml_1m(tmp_path).digest == whole.digest


@pytest.mark.parametrize("block_bytes", [2**25, 30])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1::3::4", "'1::3::4' is not 4 columns separated by '::'"),
        ("1::3::4::5::6", "is not 4 columns"),
        ("1\t3\t4\t5", "is not 4 columns"),
        ("", "'' is not 4 columns"),
        ("x::3::4::5", "user 'x' is not a whole number between 1 and 2147483647"),
        ("0::3::4::5", "user '0' is not"),
        ("1::-3::4::5", "movie '-3' is not a whole number between 1 and 2147483647"),
        ("1::99999999999::4::5", "movie '99999999999' is not"),
        ("1::1.5::4::5", "movie '1.5' is not"),
        ("1::3::6::5", "rating '6' is not one of 1, 2, 3, 4, 5"),
        ("1::3::3.5::5", "rating '3.5' is not one of"),
        ("1::3::nan::5", "rating 'nan' is not one of"),
        ("1::3::inf::5", "rating 'inf' is not one of"),
        ("1::3::::5", "rating '' is not one of"),
        ("1::3::4::-5", "timestamp '-5' is not a whole number between 0 and"),
        ("1::3::4::1e9", "timestamp '1e9' is not"),
        ("1::3::4::\x1b[31m", r"timestamp '\\x1b\[31m' is not"),
        ("1::3::4::" + "9" * 5000, "timestamp '9{60}[.]{3}' is not"),
    ],
)
def test_a_bad_rating_is_refused_by_its_line(tmp_path, monkeypatch, line, expected, block_bytes):
    monkeypatch.setattr(tables, "_BLOCK_BYTES", block_bytes)
    rows = [f"1::{movie}::3::978300760" for movie in range(10, 16)]
    rows.insert(4, line)
    folder = written(tmp_path, FILES_1M, ratings_dat="\n".join(rows) + "\n")
    with pytest.raises(InputError, match=rf"ratings\.dat, line 5: .*{expected}") as refused:
        load_ml_1m(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"ratings\.dat"):
        load_ml_1m(written(tmp_path, FILES_1M, ratings_dat=text.encode()))


def test_a_repeated_pair_is_refused_by_its_lines(tmp_path):
    ratings = FILES_1M["ratings.dat"] + "2::661::1::978300760\n1::661::5::978300761\n2::661::1::978300762\n"
    expected = r"line 5: user 1 rates movie 661 again, first in line 2; each pair may occur once"
    with pytest.raises(InputError, match=expected):
        load_ml_1m(written(tmp_path, FILES_1M, ratings_dat=ratings))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"users_dat": "1::F::1::10::48067\n"}, r"ratings\.dat, line 1: user 2 is not in users\.dat"),
        ({"movies_dat": "1193::One::Drama\n"}, r"ratings\.dat, line 2: movie 661 is not in movies\.dat"),
        ({"users_dat": "1::F::1::10\n"}, r"users\.dat, line 1: '1::F::1::10' is not 5 columns"),
        ({"users_dat": "1::X::1::10::48067\n"}, r"users\.dat, line 1: gender 'X' is not one of F, M"),
        ({"users_dat": "1::F::2::10::48067\n"}, r"users\.dat, line 1: age code '2' is not one of 1, 18, 25"),
        (
            {"users_dat": "1::F::1::21::4\n"},
            r"users\.dat, line 1: occupation code '21' is not a whole number",
        ),
        ({"users_dat": "1::F::1::1::4\n1::F::1::1::4\n"}, r"users\.dat, line 2: id 1 again"),
        ({"movies_dat": "661\n"}, r"movies\.dat, line 1: '661' is not 3 columns"),
        ({"movies_dat": "661::James::\n"}, r"movies\.dat, line 1: genres '' are not names"),
        ({"movies_dat": "x::James::Drama\n"}, r"movies\.dat, line 1: movie 'x' is not"),
    ],
)
def test_bad_descriptions_are_refused(tmp_path, changes, expected):
    with pytest.raises(InputError, match=expected):
        load_ml_1m(written(tmp_path, FILES_1M, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"u_item": "10|title|0|1\n"}, r"u\.item, line 1: .* is not 24 columns"),
        ({"u_item": item_100k(10).replace("|0\n", "|2\n")}, r"u\.item, line 1: genre flag '2' is not"),
        (
            {"u_user": "3|0|F|student|1\n"},
            r"u\.user, line 1: age '0' is not a whole number between 1 and 120",
        ),
        ({"u_user": "3|20|F|poet|1\n"}, r"u\.user, line 1: occupation 'poet' is not one of administrator, "),
    ],
)
def test_bad_descriptions_of_ml_100k_are_refused(tmp_path, changes, expected):
    with pytest.raises(InputError, match=expected):
        load_ml_100k(written(tmp_path, FILES_100K, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ratings_csv": "1,2,3,4\n"}, r"ratings\.csv, line 1: '1,2,3,4' is not the header"),
        (
            {"ratings_csv": "userId,movieId,rating,timestamp\n1,2,5.5,4\n"},
            r"ratings\.csv, line 2: rating '5\.5'",
        ),
        ({"ratings_csv": "userId,movieId,rating,timestamp\n"}, r"ratings\.csv: there are no ratings in it"),
        (
            {"ratings_csv": "userId,movieId,rating,timestamp\n1,2,nan,4\n"},
            r"ratings\.csv, line 2: rating 'nan' is not one of",
        ),
        ({"movies_csv": "id,title\n"}, r"movies\.csv, line 1: 'id,title' is not the header"),
        ({"movies_csv": "movieId,title,genres\n2,a,b,c\n"}, r"movies\.csv, line 2: .* is not 3 columns"),
        ({"movies_csv": f"movieId,title,genres\n{'x' * 200_000}\n"}, r"movies\.csv, line 2: .* row of CSV"),
    ],
)
def test_bad_csv_is_refused(tmp_path, changes, expected):
    with pytest.raises(InputError, match=expected):
        load_ratings_csv(written(tmp_path, FILES_CSV, **changes), "ml-tiny")


def test_a_file_of_nothing_but_genres_is_refused(tmp_path):
    movies = FILES_1M["movies.dat"] + "".join(
        f"{number}::x::genre {number}\n" for number in range(2000, 2100)
    )
    with pytest.raises(InputError, match=r"movies\.dat: 103 different genres, at most 64 are allowed"):
        load_ml_1m(written(tmp_path, FILES_1M, movies_dat=movies))


def test_missing_descriptions_are_a_warning(tmp_path):
    data = load_ml_1m(written(tmp_path, FILES_1M, users_dat=None, movies_dat=None))
    assert data.groups == {}
    assert data.genres is None
    assert data.warnings[-2:] == (
        "ml-1m: movies.dat is missing: no genres",
        "ml-1m: users.dat is missing: no groups",
    )


def test_missing_ratings_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"ratings\.dat: No such file"):
        load_ml_1m(written(tmp_path, FILES_1M, ratings_dat=None))


FIELDS = ("0", "1", "2", "5", "3.5", "nan", "-1", "661", "1193", "x", "99999999999")
mangled = st.one_of(
    st.binary(max_size=200),
    st.lists(st.lists(st.sampled_from(FIELDS), max_size=5), max_size=5).map(
        lambda rows: "\n".join("::".join(row) for row in rows).encode()
    ),
)


@settings(max_examples=200, deadline=None)
@given(content=mangled, target=st.sampled_from(sorted(FILES_1M)))
def test_any_content_loads_or_is_refused_in_one_line(tmp_path_factory, content, target):
    folder = written(tmp_path_factory.mktemp("set"), {**FILES_1M, target: content})
    try:
        data = load_ml_1m(folder)
    except InputError as refused:
        message = str(refused)
        assert "\n" not in message
        assert str(folder) in message
    else:
        assert len(data.owners) == len(data.items) == len(data.ratings) == len(data.timestamps) > 0
        assert np.isin(data.ratings, data.scale).all()


def test_the_real_ml_100k(prepared):
    data = catalogue.load("ml-100k", prepared("ml-100k"))
    assert isinstance(data, RatingData)
    assert data.warnings == ()
    assert (len(data.ratings), data.n_owners, data.n_items) == (100_000, 943, 1_682)
    assert data.ratings.mean() == pytest.approx(3.52986)
    assert data.has_time
    assert np.bincount(data.owners).min() == 20
    genders = dict(zip(*np.unique(data.groups["gender"], return_counts=True), strict=True))
    assert genders == {"F": 273, "M": 670}


def test_the_real_ml_1m(prepared):
    data = catalogue.load("ml-1m", prepared("ml-1m"))
    assert isinstance(data, RatingData)
    assert (len(data.ratings), data.n_owners, data.n_items) == (1_000_209, 6_040, 3_706)
    assert data.ratings.mean(dtype=np.float64) == pytest.approx(3.581564, abs=1e-6)
    assert len(data.genre_names) == 18
    assert all("timestamps" in warning for warning in data.warnings)
