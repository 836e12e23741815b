from __future__ import annotations

import hashlib
import io
import logging
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from learners.datasets import catalogue, download
from learners.datasets.catalogue import Archive, DataSetEntry
from learners.datasets.download import fetch
from learners.errors import InputError, OutputError

FILES = {
    "tiny/ratings.dat": "2::1193::5::978300760\n1::661::3::978300761\n",
    "tiny/movies.dat": "661::James (1996)::Animation\n1193::One (1975)::Drama\n",
    "tiny/users.dat": "1::F::1::10::48067\n2::M::56::0::70072\n",
}


def zipped(files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


class Publisher(BaseHTTPRequestHandler):
    """Serves ``server.content``, in the manner that ``server.manner`` asks for."""

    def do_GET(self):
        server = self.server
        server.ranges.append(self.headers.get("Range"))
        content, start = server.content, 0
        if server.manner == "missing":
            self.send_error(404)
            return
        if (asked := self.headers.get("Range")) and server.manner != "no ranges":
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            self.send_response(206)
            told = start + 1 if server.manner == "another part" else start
            self.send_header("Content-Range", f"bytes {told}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if server.manner != "endless":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = len(content) // 2 if server.manner == "breaks off" else len(content)
        self.wfile.write(content[start:stop])
        if server.manner == "endless":
            self.wfile.write(bytes(10_000_000))

    def log_message(self, *_):
        pass


@pytest.fixture
def publisher():
    server = HTTPServer(("127.0.0.1", 0), Publisher)
    server.content, server.manner, server.ranges = zipped(FILES), "well", []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def tiny(publisher, monkeypatch):
    """Enter "tiny", which the publisher serves, in the catalogue; return a function that enters it again."""

    def enter():
        content = publisher.content
        entry = DataSetEntry(
            name="tiny",
            title="Tiny",
            home_page="http://127.0.0.1/",
            licence="free",
            citation="none",
            loader="movielens:load_ml_1m",
            folder="tiny",
            archive=Archive(
                url=f"http://127.0.0.1:{publisher.server_port}/tiny.zip",
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
            ),
            files={name.removeprefix("tiny/"): None for name in FILES},
        )
        monkeypatch.setitem(catalogue.CATALOGUE, "tiny", entry)

    enter()
    return enter


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetch_downloads_verifies_and_unpacks(tmp_path, publisher, tiny):
    seen = []
    folder = fetch("tiny", tmp_path / "data", lambda here, total: seen.append((here, total)))
    assert folder == tmp_path / "data" / "tiny"
    assert {f"tiny/{name}": (folder / name).read_text() for name in names_in(folder)} == FILES
    assert names_in(tmp_path / "data") == ["tiny"]
    assert seen[-1] == (len(publisher.content), len(publisher.content))
    assert catalogue.load("tiny", tmp_path / "data").name == "ml-1m"


def test_what_is_there_is_left_alone(tmp_path, publisher, tiny, caplog):
    (tmp_path / "tiny").mkdir()
    with caplog.at_level(logging.INFO):
        assert fetch("tiny", tmp_path) == tmp_path / "tiny"
    assert "tiny is already in" in caplog.text
    assert publisher.ranges == []
    assert names_in(tmp_path / "tiny") == []


def test_an_interrupted_download_is_resumed(tmp_path, publisher, tiny):
    publisher.manner = "breaks off"
    half = len(publisher.content) // 2
    with pytest.raises(
        InputError, match=rf"closed after {half} of {len(publisher.content)} bytes; run the same"
    ):
        fetch("tiny", tmp_path)
    assert (tmp_path / "tiny.zip.part").stat().st_size == half
    publisher.manner = "well"
    seen = []
    fetch("tiny", tmp_path, lambda here, total: seen.append(here))
    assert publisher.ranges == [None, f"bytes={half}-"]
    assert min(seen) > half
    assert names_in(tmp_path) == ["tiny"]


def test_a_server_without_ranges_sends_the_whole_again(tmp_path, publisher, tiny):
    (tmp_path / "tiny.zip.part").write_bytes(publisher.content[:50])
    publisher.manner = "no ranges"
    fetch("tiny", tmp_path)
    assert names_in(tmp_path) == ["tiny"]


def test_a_complete_part_is_not_downloaded_again(tmp_path, publisher, tiny):
    (tmp_path / "tiny.zip.part").write_bytes(publisher.content)
    fetch("tiny", tmp_path)
    assert publisher.ranges == []
    assert names_in(tmp_path) == ["tiny"]


def test_another_part_than_asked_for_is_refused(tmp_path, publisher, tiny):
    (tmp_path / "tiny.zip.part").write_bytes(publisher.content[:50])
    publisher.manner = "another part"
    with pytest.raises(InputError, match="another part of it"):
        fetch("tiny", tmp_path)
    assert (tmp_path / "tiny.zip.part").stat().st_size == 50


def test_a_wrong_checksum_is_named_and_deletes_nothing_of_the_user(tmp_path, publisher, tiny):
    (tmp_path / "notes.txt").write_text("mine")
    expected = hashlib.sha256(publisher.content).hexdigest()
    publisher.content = publisher.content[:-1] + b"X"
    actual = hashlib.sha256(publisher.content).hexdigest()
    with pytest.raises(
        InputError, match=f"SHA-256 {actual}, not {expected}.*data-leverage data add tiny PATH"
    ):
        fetch("tiny", tmp_path)
    assert names_in(tmp_path) == ["notes.txt"]


def test_no_more_than_the_announced_length_is_taken(tmp_path, publisher, tiny):
    publisher.manner = "endless"
    seen = []
    fetch("tiny", tmp_path, lambda here, total: seen.append(here))
    assert max(seen) == len(publisher.content)


def test_a_refusing_server_is_reported_with_the_way_round(tmp_path, publisher, tiny):
    publisher.manner = "missing"
    with pytest.raises(
        InputError, match=r"the server answers 404 Not Found.*'data-leverage data add tiny PATH'"
    ):
        fetch("tiny", tmp_path)


def test_no_server_is_reported_with_the_way_round(tmp_path, publisher, tiny):
    publisher.shutdown()
    publisher.server_close()
    with pytest.raises(InputError, match=r"refused.*'data-leverage data add tiny PATH'") as refused:
        fetch("tiny", tmp_path)
    assert "\n" not in str(refused.value)


def test_a_silent_server_is_given_up(tmp_path, publisher, tiny, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
    publisher.shutdown()
    with pytest.raises(InputError, match="timed out"):
        fetch("tiny", tmp_path)


@pytest.mark.parametrize("name", ["", "ml-2m", "../tiny"])
def test_an_unknown_name_lists_the_known(tmp_path, name):
    with pytest.raises(InputError, match="the data sets are digits, ml-100k, ml-1m, ml-10m"):
        fetch(name, tmp_path)


def test_nothing_to_fetch(tmp_path):
    with pytest.raises(InputError, match="digits comes with an installed library"):
        fetch("digits", tmp_path)


def test_a_data_directory_that_cannot_be_made(tmp_path, tiny):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch("tiny", tmp_path / "data")


@pytest.mark.parametrize(
    "files",
    [{**FILES, "../escaped": "x"}, {"other/file": "x"}, {**FILES, "tiny/ratings.dat": "1::2::9::4\n"}],
)
def test_a_published_archive_is_not_trusted_either(tmp_path, publisher, tiny, files):
    publisher.content = zipped(files)
    tiny()
    with pytest.raises(InputError):
        fetch("tiny", tmp_path / "data")
    assert names_in(tmp_path) == ["data"]
    assert names_in(tmp_path / "data") == ["tiny.zip.part"]


def test_the_catalogue_pins_every_archive():
    for entry in catalogue.CATALOGUE.values():
        assert entry.licence
        assert "\n" not in entry.licence
        assert entry.citation
        if entry.archive is not None:
            assert entry.archive.url.startswith("https://")
            assert re.fullmatch("[0-9a-f]{64}", entry.archive.sha256)
            assert entry.archive.size > 0
