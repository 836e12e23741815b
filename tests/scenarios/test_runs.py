import hashlib
import json
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from learners.errors import InputError
from learners.usecase import load_use_case
from scenarios.curves import measured_curve
from scenarios.run_directory import RunDirectory
from scenarios.runs import play
from scenarios.scenario import load_scenario

PERSPECTIVES = ("served", "company", "holdout")
ACTIONS = (
    "stay",
    "strike",
    "strike_withhold",
    "cdc",
    "cdc_delete",
    "boycott",
    "boycott_leave",
    "move",
    "poison",
)
VARIANTS = ("cdc", "strike", "cdc_delete")
TICK_COLUMNS = {
    *("tick", "mode", "random_participation_assumed", "stale"),
    *(f"{prefix}_{action}" for prefix in ("share", "data_share") for action in ACTIONS),
    *("participation", "data_participation", "switch_rate"),
    *(f"quality_{company}_{view}" for company in ("large", "small") for view in PERSPECTIVES),
    *(f"{end}_{view}" for end in ("baseline", "best") for view in PERSPECTIVES),
    *("n_test_large", "n_test_small"),
    *(f"dlp_{variant}" for variant in VARIANTS),
    *(f"dlp_{variant}_{view}" for variant in VARIANTS for view in PERSPECTIVES),
    *("revenue_large", "revenue_small"),
    *("consumer_power", "labour_power", "surfaced_hits_large", "composition_gap"),
    *("market_share_large", "market_share_small", "hhi", "changed_to_large", "changed_to_small"),
    *("welfare_all", "welfare_non_participants"),
    *("owners_large", "owners_small", "records_large", "records_small", "poisoned_large"),
    *("seconds_decide", "seconds_retrain_large", "seconds_retrain_small"),
}
"""The columns that every mode and every use case fills."""

FILES = {
    *("run.json", "summary.md", "assumptions.csv", "ticks.parquet", "events.parquet", "agents.parquet"),
    *(
        f"figures/{name}.{suffix}"
        for name in ("participation", "leverage", "quality", "revenue", "overview")
        for suffix in ("png", "svg")
    ),
}


@pytest.fixture(scope="module")
def out(played):
    folder, first, second = played
    assert (first.returncode, second.returncode) == (0, 0)
    return folder / "results" / "small-town"


@pytest.fixture(scope="module")
def ticks(out):
    return pd.read_parquet(out / "ticks.parquet")


@pytest.fixture(scope="module")
def manifest(out):
    return json.loads((out / "run.json").read_text())


def test_files_of_a_run(out):
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == FILES
    for name in FILES:
        assert (out / name).stat().st_size > 100
    for png in out.glob("figures/*.png"):
        assert png.read_bytes().startswith(b"\x89PNG\r\n")
    for svg in out.glob("figures/*.svg"):
        assert "</svg>" in svg.read_text()


def test_same_scenario_twice_gives_the_same_tables_figures_and_words(out):
    before = out.with_name("small-town.previous")
    for name in ("ticks", "events", "agents"):
        first, second = (pd.read_parquet(folder / f"{name}.parquet") for folder in (before, out))
        if name == "ticks":
            timed = [column for column in first if column.startswith("seconds")]
            assert len(timed) == 3
            first, second = first.drop(columns=timed), second.drop(columns=timed)
        if name == "events":
            for table in (first, second):
                table.loc[table["kind"] == "retrain", "value"] = 0  # seconds
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    for name in FILES:
        if name.startswith("figures") or name == "summary.md":
            assert (before / name).read_bytes() == (out / name).read_bytes(), name


def test_one_row_a_tick_from_before_anybody_acts(ticks):
    assert ticks["tick"].tolist() == [0, 1, 2, 3, 4]
    start = ticks.iloc[0]
    assert (start["participation"], start["switch_rate"], start["share_stay"]) == (0, 0, 1)
    assert (start["revenue_large"], start["revenue_small"]) == (1, 0)
    assert (start["owners_large"], start["owners_small"], start["poisoned_large"]) == (60, 0, 0)
    assert ticks["participation"].iloc[-1] > 0


def test_every_column_of_the_contract_is_filled(ticks):
    assert set(ticks.columns) >= TICK_COLUMNS
    assert all(column == column.lower() and column.isidentifier() for column in ticks)
    assert set(ticks["mode"]) == {"live"}
    assert ticks["stale"].dtype == ticks["random_participation_assumed"].dtype == bool
    assert not ticks["random_participation_assumed"].any()
    assert not ticks["stale"].any()
    # What Small Co. holds nothing of, it has no test records of its own to be measured on.
    needs_holding = {"quality_small_company", "dlp_cdc_company", "dlp_cdc_delete_company"}
    filled = TICK_COLUMNS - needs_holding - {"composition_gap"}
    assert not [column for column in sorted(filled) if ticks[column].isna().any()]
    assert not ticks.loc[ticks["owners_small"] > 0, sorted(needs_holding)].isna().any().any()
    assert ticks["composition_gap"].isna().all()  # it was switched off


def test_shares_are_shares_and_add_up(ticks):
    for prefix in ("share", "data_share"):
        shares = ticks[[f"{prefix}_{action}" for action in ACTIONS]]
        assert ((shares >= 0) & (shares <= 1 + 1e-12)).all().all()
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(ticks["participation"], 1 - ticks["share_stay"], atol=1e-12)
    np.testing.assert_allclose(ticks["data_participation"], 1 - ticks["data_share_stay"], atol=1e-12)
    for column in ("participation", "data_participation", "switch_rate", "surfaced_hits_large"):
        assert ticks[column].between(-1e-12, 1).all()


def test_headline_leverage_is_that_of_the_configured_view(ticks):
    for variant in VARIANTS:
        pd.testing.assert_series_equal(
            ticks[f"dlp_{variant}"], ticks[f"dlp_{variant}_served"], check_names=False, check_exact=True
        )


def test_leverage_follows_from_the_recorded_qualities(ticks):
    span = ticks["best_holdout"] - ticks["baseline_holdout"]
    left = (ticks["quality_large_holdout"] - ticks["baseline_holdout"]) / span
    gained = (ticks["quality_small_holdout"] - ticks["baseline_holdout"]) / span
    np.testing.assert_allclose(ticks["dlp_strike_holdout"], 1 - left, atol=1e-12)
    np.testing.assert_allclose(ticks["dlp_cdc_holdout"], gained, atol=1e-12)


def test_events_say_what_happened(out, ticks):
    events = pd.read_parquet(out / "events.parquet")
    assert list(events.columns) == ["tick", "kind", "subject", "value", "text"]
    assert set(events["kind"]) >= {"intervention", "retrain", "move"}
    assert events["tick"].is_monotonic_increasing
    assert events["tick"].between(0, 4).all()
    laws = events[events["kind"] == "intervention"]
    assert list(zip(laws["tick"], laws["subject"], laws["value"], strict=True)) == [
        (2, "portability_law", 1.0),
        (4, "portability_law", 0.0),
    ]
    retrains = events[events["kind"] == "retrain"].groupby("tick")["subject"].agg(list)
    assert retrains.to_dict() == {tick: ["Large Co.", "Small Co."] for tick in range(5)}


def test_users_are_recorded_at_the_ticks_asked_for(out, ticks):
    agents = pd.read_parquet(out / "agents.parquet")
    assert agents["tick"].unique().tolist() == [0, 2, 4]
    for tick, group in agents.groupby("tick"):
        assert group["user"].tolist() == list(range(60))
        shares = group["stance"].astype(str).str.partition(":")[0].value_counts(normalize=True)
        row = ticks.set_index("tick").loc[tick]
        for action in ACTIONS:
            assert row[f"share_{action}"] == pytest.approx(shares.get(action, 0.0))
        assert row["owners_small"] == group["at_small"].sum()
    assert agents[["interest", "records", "degree"]].gt(0).all().all()


def test_users_are_recorded_once_at_the_end_by_default(small_scenario, tmp_path):
    (tmp_path / "town.yaml").write_text(small_scenario)
    run = play(load_scenario(tmp_path / "town.yaml", **{"record.agents": "end"}))
    assert run.agents["tick"].tolist() == [4] * 60
    assert run.agents["user"].tolist() == list(range(60))


def test_manifest_says_what_was_played_and_with_what(manifest, played):
    scenario = load_scenario(played[0] / "town.yaml")
    assert manifest["scenario"] == scenario.model_dump(mode="json")
    assert load_scenario("digits-default", **manifest["scenario"]) == scenario  # it can be played again
    assert (manifest["seed"], manifest["status"], manifest["mode"]) == (7, "finished", "live")
    assert (manifest["device"], manifest["threads"]) == ("cpu", 1)
    assert set(manifest["versions"]) >= {"mesa", "numpy", "scipy", "pandas", "scikit-learn", "torch"}
    assert manifest["versions"]["numpy"] == np.__version__
    assert len(manifest["code"]) == 64
    assert set(manifest["data"]) == {"digits"}
    assert len(manifest["data"]["digits"]) == 64
    assert manifest["wall_seconds"] > 0
    assert manifest["cpu_seconds"] > 0
    assert any(warning.startswith("digits: ") for warning in manifest["warnings"])


def test_manifest_describes_the_network(manifest, played):
    scenario = load_scenario(played[0] / "town.yaml")
    network, described = scenario.build().network, manifest["network"]
    assert (described["users"], described["ties"]) == (60, len(network.edges()[0]))
    assert described["clustering"] == pytest.approx(networkx.average_clustering(network.to_networkx()))
    assert described["homophily"].keys() >= {"interest_quarter"}
    for group in described["homophily"].values():
        assert 0 <= group["within"] <= 1


def test_files_of_a_network_are_found_beside_the_scenario_and_named_in_the_manifest(tmp_path, small_scenario):
    ties = "".join(f"{user},{(user + 1) % 60}\n" for user in range(60))
    (tmp_path / "friends.csv").write_text(ties)
    observed = small_scenario.replace(
        "family: watts_strogatz, degree: 6", "family: empirical, path: friends.csv"
    )
    (tmp_path / "town.yaml").write_text(observed)
    run = play(load_scenario(tmp_path / "town.yaml"))
    assert run.manifest["network"]["ties"] == 60
    digest = hashlib.sha256(ties.encode()).hexdigest()
    assert run.manifest["data"][str(tmp_path / "friends.csv")] == digest


def test_people_whom_the_users_stand_for(tmp_path, small_scenario):
    (tmp_path / "town.yaml").write_text(small_scenario)
    run = play(load_scenario(tmp_path / "town.yaml", represents=55_000_000))
    assert "stand for 55,000,000 people" in run.summary()
    assert run.record()["people_acting"] == pytest.approx(55_000_000 - run.ticks["people_stay"].iloc[-1])
    with pytest.raises(InputError, match="represents"):
        load_scenario(tmp_path / "town.yaml", represents=0)


def test_tables_have_checksums_that_hold_and_say_whose_they_are(out):
    for name in ("ticks", "events", "agents"):
        path = out / f"{name}.parquet"
        table = pq.read_table(path, page_checksum_verification=True)
        table.validate(full=True)
        assert table.schema.metadata[b"scenario"] == b"small-town"
        assert table.schema.metadata[b"seed"] == b"7"
    path = out / "ticks.parquet"
    column = pq.read_metadata(path).row_group(0).column(0)
    data = bytearray(path.read_bytes())
    data[column.dictionary_page_offset + column.total_compressed_size - 1] ^= 1
    damaged = out.parents[1] / "damaged.parquet"
    damaged.write_bytes(data)
    try:
        with pytest.raises(OSError, match="CRC"):
            pq.read_table(damaged, page_checksum_verification=True)
    finally:
        damaged.unlink()


def test_replay_gives_the_recorded_leverage_to_any_number_of_users(out, ticks):
    beliefs = {"linear": 0.75, "pessimist": 0.25, "true": 0.0}
    scenario = load_scenario(
        out.parents[1] / "town.yaml",
        mode="replay",
        replay=str(out / "ticks.parquet"),
        ticks=6,
        population={"users": 5000, "beliefs": beliefs},
    )
    run = play(scenario)
    assert set(run.ticks.columns) >= TICK_COLUMNS
    assert set(run.ticks["mode"]) == {"replay"}
    assert run.ticks["owners_large"].iloc[0] == len(run.agents["user"].unique()) == 5000
    played_rows = [0, 1, 2, 3, 4, 4, 4]  # past its end, the recording stands still
    for column in [*(f"dlp_{v}_{p}" for v in VARIANTS for p in PERSPECTIVES), "quality_small_holdout"]:
        np.testing.assert_array_equal(run.ticks[column], ticks[column].iloc[played_rows])
    assert run.ticks["participation"].iloc[-1] > 0
    assert run.ticks["composition_gap"].isna().all()
    assert (run.metric, run.higher_is_better) == ("quality", True)
    recording = Path(run.scenario.replay)
    assert run.manifest["data"] == {str(recording): hashlib.sha256(recording.read_bytes()).hexdigest()}


def test_replay_knows_which_direction_is_better(out, ticks, tmp_path):
    worse = {
        f"{end}_{company}{view}": value
        for end, value in (("baseline", 1.0), ("best", 0.5))
        for company in ("", "small_")
        for view in PERSPECTIVES
    }
    ticks.assign(**worse).to_parquet(tmp_path / "errors.parquet")
    run = play(
        load_scenario(
            out.parents[1] / "town.yaml",
            mode="replay",
            replay=str(tmp_path / "errors.parquet"),
            **{"population.beliefs": {"linear": 0.75, "pessimist": 0.25, "true": 0.0}},
        )
    )
    assert not run.higher_is_better
    assert "lower is better" in run.summary()


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    """A curve of the digits as the small scenario has them."""
    folder = tmp_path_factory.mktemp("curves") / "digits"
    use_case = load_use_case("digits", device="cpu", filters=8)
    measured_curve(use_case, folder, rates=[0.1, 0.5], repeats=1)
    return folder


@pytest.fixture
def on_a_curve(small_scenario, curve, tmp_path):
    """Return a function that loads the small scenario with all owners and the measured curve."""
    (tmp_path / "town.yaml").write_text(small_scenario)

    def load(mode="grid", **overrides):
        settings = {"population.users": "all", "record.agents": "end", **overrides}
        return load_scenario(tmp_path / "town.yaml", mode=mode, curve=str(curve), **settings)

    return load


@pytest.mark.parametrize("mode", ["grid", "surrogate"])
def test_a_run_on_a_curve_says_so(on_a_curve, curve, mode):
    run = play(on_a_curve(mode), device="cpu")
    assert set(run.ticks.columns) >= TICK_COLUMNS
    assert set(run.ticks["mode"]) == {mode}
    assert run.ticks["random_participation_assumed"].all()
    assert (run.ticks[["n_test_large", "n_test_small"]] == 0).all().all()
    assert not any("test records belong" in warning for warning in run.manifest["warnings"])
    assert (run.metric, run.higher_is_better, run.audit) == ("accuracy", True, None)
    path = curve / "curve.csv"
    assert run.manifest["data"] == {
        "digits": load_use_case("digits", device="cpu").data_digest,
        str(path): hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert "nothing is trained" in run.summary()


def test_a_run_on_a_curve_is_audited(on_a_curve, tmp_path):
    plain, audited = play(on_a_curve(), device="cpu"), play(on_a_curve(), device="cpu", audits=2)
    timed = [column for column in plain.ticks if column.startswith("seconds")]
    pd.testing.assert_frame_equal(
        plain.ticks.drop(columns=timed), audited.ticks.drop(columns=timed), check_exact=True
    )
    assert audited.audit is not None
    assert audited.audit["tick"].unique().tolist() == [2, 4]
    for row in audited.audit.itertuples():
        recorded = audited.ticks.set_index("tick").loc[row.tick, f"quality_{row.company}_{row.perspective}"]
        assert row.curve == recorded  # of the run itself, though it was played again
    worst = audited.audit["error_dlp"].abs().max()
    assert audited.record()["audit"]["error"] == worst
    assert f"off by at most {worst:.3f}" in audited.summary()
    with RunDirectory(tmp_path / "out") as directory:
        audited.write(directory)
    stored = pd.read_csv(tmp_path / "out" / "audit.csv")
    pd.testing.assert_frame_equal(stored, audited.audit, rtol=1e-12)


def test_a_published_society_of_a_hundred_thousand_is_played(tmp_path):
    settings = {"ticks": 2, "interventions": [], "population.users": 100_000}
    run = play(load_scenario("published-curves", **settings), data_dir=tmp_path / "nothing")
    assert run.ticks["owners_large"].iloc[0] == len(run.agents) == 100_000
    assert (run.metric, run.unit) == ("HR@5", "share of held-out items")
    assert list(run.manifest["data"]) == ["published"]
    assert run.manifest["device"] is None
    assert run.ticks["dlp_cdc"].iloc[-1] > 0.3


def test_thin_test_sets_are_warned_of_where_they_are_the_headline(small_scenario, tmp_path):
    (tmp_path / "town.yaml").write_text(small_scenario)
    served = play(load_scenario(tmp_path / "town.yaml"))
    thin = (served.ticks["n_test_small"] < 100).sum()
    assert thin > 0
    assert any(
        warning.startswith(f"at {thin} of 5 ticks fewer than 100 test records")
        and warning.endswith("by Small Co.")
        for warning in served.manifest["warnings"]
    )
    holdout = play(load_scenario(tmp_path / "town.yaml", **{"leverage.perspective": "holdout"}))
    assert not any("test records" in warning for warning in holdout.manifest["warnings"])


def test_play_is_called_back_at_every_tick(small_scenario, tmp_path):
    (tmp_path / "town.yaml").write_text(small_scenario)
    seen = []
    play(load_scenario(tmp_path / "town.yaml"), progress=lambda model: seen.append(model.tick))
    assert seen == [0, 1, 2, 3, 4]
