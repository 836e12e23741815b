from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.datasets import archives, catalogue
from learners.datasets.local import add, check, status
from learners.errors import InputError, OutputError

FILES = {
    "ratings.dat": "2::1193::5::978300760\n1::661::3::978300761\n",
    "movies.dat": "661::James (1996)::Animation\n1193::One (1975)::Drama\n",
    "users.dat": "1::F::1::10::48067\n2::M::56::0::70072\n",
}


def write_folder(folder, files=FILES):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def write_zip(path, entries):
    """Write a zip of (name or ZipInfo, content) pairs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def write_tar(path, entries):
    """Write a tar.gz of (TarInfo, content) pairs."""
    with tarfile.open(path, "w:gz") as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_in_place(data_dir):
    assert names_in(data_dir) == ["ml-1m"]
    assert {name: (data_dir / "ml-1m" / name).read_text() for name in FILES} == FILES


@pytest.mark.parametrize("inner", ["", "ml-1m/", "renamed/"])
@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_add_takes_a_folder_or_an_archive_nested_or_not(tmp_path, kind, inner):
    path = tmp_path / f"mine.{kind}"
    if kind == "folder":
        write_folder(path / inner)
    elif kind == "zip":
        write_zip(path, [(inner + name, text) for name, text in FILES.items()])
    else:
        write_tar(path, [(tarfile.TarInfo(inner + name), text.encode()) for name, text in FILES.items()])
    assert add("ml-1m", path, tmp_path / "data") == tmp_path / "data" / "ml-1m"
    assert_in_place(tmp_path / "data")
    assert path.exists()


def test_add_copies_what_belongs_to_the_set_and_nothing_else(tmp_path):
    source = write_folder(tmp_path / "mine", {**FILES, "README": "terms", "private.txt": "mine"})
    (source / "ratings.dat").chmod(stat.S_IRUSR)
    folder = add("ml-1m", source, tmp_path / "data")
    assert names_in(folder) == ["README", "movies.dat", "ratings.dat", "users.dat"]
    assert os.access(folder / "ratings.dat", os.W_OK)


def test_add_leaves_out_what_surrounds_the_set_in_an_archive(tmp_path):
    entries = [(f"ml-1m/{name}", text) for name, text in FILES.items()]
    path = write_zip(tmp_path / "mine.zip", [("__MACOSX/._ratings.dat", "x"), ("notes.txt", "x"), *entries])
    add("ml-1m", path, tmp_path / "data")
    assert_in_place(tmp_path / "data")


def test_add_does_not_replace_what_is_there(tmp_path):
    source = write_folder(tmp_path / "mine")
    there = write_folder(tmp_path / "data" / "ml-1m", {"ratings.dat": "precious"})
    with pytest.raises(InputError, match="is already there"):
        add("ml-1m", source, tmp_path / "data")
    assert (there / "ratings.dat").read_text() == "precious"


def test_add_names_the_users_own_file_when_it_is_broken(tmp_path):
    broken = {**FILES, "ratings.dat": "1::2::3\n"}
    source = write_folder(tmp_path / "mine", broken)
    with pytest.raises(InputError, match=rf"{source}/ratings\.dat, line 1: "):
        add("ml-1m", source, tmp_path / "data")
    path = write_zip(tmp_path / "mine.zip", [(f"ml-1m/{name}", text) for name, text in broken.items()])
    with pytest.raises(InputError, match=rf"{path}/ml-1m/ratings\.dat, line 1: "):
        add("ml-1m", path, tmp_path / "data")
    assert names_in(tmp_path / "data") == []


def test_add_refuses_what_does_not_hold_the_set(tmp_path):
    source = write_folder(tmp_path / "mine", {"u.data": "1\t2\t3\t4\n"})
    with pytest.raises(
        InputError, match=r"holds none of the files of ml-1m \(ratings\.dat, movies\.dat, users"
    ):
        add("ml-1m", source, tmp_path / "data")
    with pytest.raises(InputError, match="no such file or folder"):
        add("ml-1m", tmp_path / "nowhere", tmp_path / "data")
    with pytest.raises(InputError, match="unknown data set 'ml-2m': the data sets are digits, ml-100k"):
        add("ml-2m", source, tmp_path / "data")
    with pytest.raises(InputError, match="digits comes with an installed library"):
        add("digits", source, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_add_reports_a_data_directory_that_cannot_be_written(tmp_path):
    source = write_folder(tmp_path / "mine")
    (tmp_path / "data").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        add("ml-1m", source, tmp_path / "data")


def zip_link():
    info = zipfile.ZipInfo("ml-1m/ratings.dat")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def zip_bzip2():
    info = zipfile.ZipInfo("ml-1m/ratings.dat")
    info.compress_type = zipfile.ZIP_BZIP2
    return info


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("../escaped", "x")], r"'\.\./escaped' is not a path inside the archive"),
        ([("ml-1m/../../escaped", "x")], "is not a path inside"),
        ([("/tmp/escaped", "x")], "'/tmp/escaped' is not a path inside"),
        ([("..\\escaped", "x")], "is not a path inside"),
        ([("C:escaped", "x")], "'C:escaped' is not a path inside"),
        ([("ml-1m/a\nb", "x")], r"'ml-1m/a\\nb' is not a path inside"),
        ([("a/" * 17 + "b", "x")], "folders deep, at most 16"),
        ([("a" * 501, "x")], "a name of 501 characters, at most 500"),
        ([(zip_link(), "/etc/passwd")], "is a link or a device"),
        ([(zip_bzip2(), "x")], "is a file in a compression other than deflate"),
        ([("a", "x"), ("A", "x")], "'A' is there twice"),
        ([("a", "x"), ("a/b", "x")], "'a' is both a file and a folder"),
        ([(".", "x")], "both a file and a folder"),
    ],
)
def test_a_hostile_zip_is_refused_before_anything_is_written(tmp_path, entries, expected):
    ours = [(f"ml-1m/first-{name}", text) for name, text in FILES.items()]
    path = write_zip(tmp_path / "mine.zip", [*ours, *entries])
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(InputError, match=expected) as refused:
        archives.unpack(path, target)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    assert names_in(target) == []
    assert names_in(tmp_path) == ["mine.zip", "target"]


def tar_entry(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (tar_entry("../escaped"), "is not a path inside"),
        (tar_entry("/tmp/escaped"), "is not a path inside"),
        (tar_entry("link", tarfile.SYMTYPE, "/etc/passwd"), "'link' is a link or a device"),
        (tar_entry("link", tarfile.LNKTYPE, "../escaped"), "is a link or a device"),
        (tar_entry("pipe", tarfile.FIFOTYPE), "is a link or a device"),
        (tar_entry("device", tarfile.CHRTYPE), "is a link or a device"),
        (tar_entry("x" * 2**21), "its directory is too long"),
    ],
)
def test_a_hostile_tar_is_refused_before_anything_is_written(tmp_path, info, expected):
    path = write_tar(tmp_path / "mine.tar.gz", [(tarfile.TarInfo("ml-1m/first"), b"x"), (info, b"")])
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(InputError, match=expected):
        archives.unpack(path, target)
    assert names_in(target) == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_refused_by_its_declared_size(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 3_000_000)
    path = tmp_path / f"bomb.{kind}"
    if kind == "zip":
        write_zip(path, [(f"ml-1m/{number}", bytes(1_000_000)) for number in range(4)])
    else:
        write_tar(path, [(tarfile.TarInfo(f"ml-1m/{number}"), bytes(1_000_000)) for number in range(4)])
    assert path.stat().st_size < 20_000
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(InputError, match="it unpacks to more than 3,000,000 bytes"):
        archives.unpack(path, target)
    assert names_in(target) == []


def test_a_tar_bomb_is_not_decompressed_to_find_its_end(tmp_path):
    info = tarfile.TarInfo("ml-1m/ratings.dat")
    info.size = 2**40
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(10_000)))
    with pytest.raises(InputError, match="it unpacks to more than"):
        archives.unpack(path, tmp_path)


def test_what_is_written_is_counted_whatever_was_declared(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "mine.zip", [("ml-1m/ratings.dat", bytes(2_000_000))])
    monkeypatch.setattr(archives, "_accepted", list)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1_500_000)
    with pytest.raises(InputError, match="it unpacks to more than 1,500,000 bytes"):
        archives.unpack(path, tmp_path)
    assert (tmp_path / "ml-1m" / "ratings.dat").stat().st_size <= 1_500_000


def test_a_zip_that_understates_a_size_is_refused(tmp_path):
    path = write_zip(tmp_path / "mine.zip", [("ratings.dat", bytes(100_000))])
    content = path.read_bytes()
    assert content.count(struct.pack("<L", 100_000)) == 2
    path.write_bytes(content.replace(struct.pack("<L", 100_000), struct.pack("<L", 10)))
    with pytest.raises(InputError, match="cannot be unpacked"):
        archives.unpack(path, tmp_path)


def test_too_many_entries_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    zipped = write_zip(tmp_path / "many.zip", [(f"ml-1m/{number}", "") for number in range(11)])
    tarred = write_tar(tmp_path / "many.tar.gz", [(tarfile.TarInfo(f"ml-1m/{n}"), b"") for n in range(11)])
    for path in (zipped, tarred):
        with pytest.raises(InputError, match="it has more than 10 entries"):
            archives.unpack(path, tmp_path)


def test_a_million_entries_are_refused_before_they_are_listed(tmp_path, monkeypatch):
    # One entry of a central directory a million times over, with an end record that declares them all.
    name = b"ml-1m/x"
    entry = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, len(name), *[0] * 6)
        + name
    )
    directory = entry * 1_000_000
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 10**6, 10**6, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path = tmp_path / "many.zip"
    path.write_bytes(directory + record + locator + end)
    listed = []
    monkeypatch.setattr(zipfile, "ZipInfo", lambda *_: listed.append(1))
    with pytest.raises(InputError, match="its directory is too long, at most 5,000 entries are allowed"):
        archives.unpack(path, tmp_path)
    assert listed == []


def test_an_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "mine.zip", [("ratings.dat", "x")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"'ratings\.dat' is an encrypted file"):
        archives.unpack(path, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"\x1f\x8b", b"\x1f\x8bxxxx", b"Rar!"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.zip: (cannot be unpacked|it is neither)"):
        add("ml-1m", path, tmp_path / "data")


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["zip", "tar.gz"]))
def test_a_damaged_archive_unpacks_inside_or_is_refused(tmp_path_factory, data, kind):
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / f"mine.{kind}"
    if kind == "zip":
        write_zip(path, [(f"ml-1m/{name}", text) for name, text in FILES.items()])
        content = bytearray(path.read_bytes())
    else:
        write_tar(path, [(tarfile.TarInfo(f"ml-1m/{name}"), text.encode()) for name, text in FILES.items()])
        content = bytearray(gzip.decompress(path.read_bytes())[:6_000])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content if kind == "zip" else gzip.compress(content))
    target = folder / "target"
    target.mkdir()
    try:
        archives.unpack(path, target)
    except InputError as refused:
        message = str(refused)
        assert "\n" not in message
    assert names_in(folder) == [path.name, "target"]


def test_check_tells_what_differs(tmp_path):
    folder = write_folder(tmp_path / "ml-1m", {name: FILES[name] for name in ("ratings.dat", "movies.dat")})
    findings = check("ml-1m", tmp_path)
    assert findings[0].startswith("ml-1m: ratings.dat is not the published file (SHA-256 ")
    assert findings[1].startswith("ml-1m: movies.dat is not the published file (SHA-256 ")
    assert "ml-1m: 2 ratings, the published set has 1,000,209" in findings
    assert "ml-1m: users.dat is missing: no groups" in findings
    (folder / "ratings.dat").unlink()
    findings = check("ml-1m", tmp_path)
    assert len(findings) == 2
    assert "ratings.dat: No such file" in findings[1]


def test_check_of_a_library_finds_nothing(tmp_path):
    assert check("digits", tmp_path) == []


@pytest.mark.parametrize("use", [check, lambda name, data_dir: catalogue.load(name, data_dir)])
def test_a_missing_set_tells_how_to_get_it(tmp_path, use):
    with pytest.raises(InputError) as refused:
        use("ml-100k", tmp_path)
    assert str(refused.value) == (
        f"ml-100k is not in {tmp_path}: run 'data-leverage data fetch ml-100k' "
        "or 'data-leverage data add ml-100k PATH'"
    )


def test_status_lists_every_set(tmp_path):
    write_folder(tmp_path / "ml-1m")
    lines = status(tmp_path)
    assert [line.name for line in lines] == list(catalogue.CATALOGUE)
    assert [line.name for line in lines if line.present] == ["digits", "ml-1m"]
    assert all(line.title and line.licence for line in lines)


def test_data_directory_prefers_what_is_explicit(tmp_path, monkeypatch):
    monkeypatch.setenv(catalogue.DATA_VARIABLE, str(tmp_path))
    assert catalogue.data_directory(Path("here")) == Path("here")
    assert catalogue.data_directory() == tmp_path
    monkeypatch.setenv(catalogue.DATA_VARIABLE, "")
    assert catalogue.data_directory().name == "data-leverage"


def test_the_real_ml_100k_is_the_published_one(prepared):
    assert check("ml-100k", prepared("ml-100k")) == []
