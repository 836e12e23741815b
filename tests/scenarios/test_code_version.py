from scenarios import code_version
from scenarios.code_version import code_digest


def test_code_digest_changes_with_the_source_files_only(tmp_path, monkeypatch):
    real = code_digest()
    assert (len(real), real) == (64, code_digest())
    monkeypatch.setattr(code_version, "__file__", str(tmp_path / "scenarios" / "code_version.py"))
    source = tmp_path / "abm" / "model.py"
    source.parent.mkdir()
    source.write_text("x = 1\n")
    first = code_digest()
    (tmp_path / "abm" / "notes.txt").write_text("not code")
    (tmp_path / "elsewhere.py").write_text("not ours")
    assert code_digest() == first
    source.write_text("x = 2\n")
    second = code_digest()
    source.rename(source.with_name("world.py"))
    assert len({real, first, second, code_digest()}) == 4
