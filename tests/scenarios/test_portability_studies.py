"""The portability studies: what they set apart, the state that the law finds, and what their report says."""

import html
import re

import pandas as pd
import pytest

from analysis.report import report_html
from analysis.study_report import study_report
from scenarios.assumptions import assumptions
from scenarios.batch import engines
from scenarios.batch.engines import Ended
from scenarios.batch.plan import scenario_of
from scenarios.report_folders import read_story
from scenarios.scenario import load_scenario
from scenarios.study import load_study

STUDIES = ("portability-pilot", "portability-full")


class Inline:
    """Does jobs in this process."""

    workers = 1

    def __init__(self):
        self.waiting = []

    def submit(self, job):
        self.waiting.append(job)

    def next(self, timeout):
        job = self.waiting.pop(0)
        return Ended(job, job.perform())

    def close(self):
        pass


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Text of a study, played -> its result, and the text of its report."""
    monkeypatch.setattr(engines, "open_engine", lambda name, workers, address: Inline())

    def tell(text):
        (tmp_path / "study.yaml").write_text(text)
        result = load_study(tmp_path / "study.yaml").run(tmp_path / "out")
        page = report_html(study_report(read_story(tmp_path / "out")))
        return result, re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))

    return tell


def law_of(arm):
    return next((law for law in arm.get("interventions", []) if law["kind"] == "portability_law"), None)


@pytest.mark.parametrize("name", STUDIES)
def test_everything_becomes_law_at_once_and_is_looked_at_just_before(name):
    file = load_study(name).file
    starts = {law["start"] for arm in file.arms.values() for law in arm["interventions"]}
    assert len(starts) == 1
    (start,) = starts
    outputs = {output.label: output for output in file.outputs}
    assert outputs["participation_before"].tick == start - 1
    assert outputs["ticks_to_parity"].start == start
    ends = {law_of(arm)["end"] for name, arm in file.arms.items() if name.endswith("-repealed")}
    assert {outputs["contributions_since_repeal"].start + 1} == ends


@pytest.mark.parametrize("name", STUDIES)
def test_a_dozen_assumptions_that_are_ours_are_sampled(name):
    study = load_study(name)
    ours = {line.key for line in assumptions(load_scenario("portability-law")) if line.ours}
    swept = set(study.file.swept) - {
        "companies.small.starts_with"
    }  # published studies have Small Co. start at 0
    assert swept <= ours
    assert len(swept) >= 12
    assert study.file.parameters.axes["companies.small.starts_with"] == [0.0, 0.01, 0.05, 0.2]


def test_forms_of_the_law_are_crossed_with_both_rights_and_compared_within_them():
    file = load_study("portability-full").file
    forms = ("none", "one-off", "continuous", "symmetric")
    for form in forms:
        for rights in ("", "-no-deletion", "-interoperable", "-no-deletion-interoperable"):
            arm = file.arms[form + rights]
            kinds = {law["kind"] for law in arm["interventions"]}
            assert ("deletion_right" in kinds) == ("no-deletion" in rights)
            assert ("interoperability" in kinds) == ("interoperable" in rights)
            assert (law_of(arm) or {"form": "none"})["form"] == form.replace("-", "_")
            if rights and form != "none":
                assert file.against[form + rights] == ["none" + rights]
    for form in forms[1:]:
        assert file.against[f"{form}-repealed"] == [form]


def first_ticks(study, arms, points, ticks):
    """Return the ticks of the first replicate of arms at some points, by arm and point."""
    plan, found = study.plan(), {}
    use_case = None
    for run in plan:
        if run.replicate == 0 and run.cell.arm in arms and run.cell.point in points:
            model = scenario_of(run.text, study.name).build(use_case=use_case)
            use_case = model.use_case
            for _ in range(ticks):
                model.step()
            rows = pd.DataFrame(model.ticks)
            found[run.cell.arm, run.cell.point] = rows.drop(columns=[c for c in rows if "seconds" in c])
    return found


@pytest.mark.slow
def test_the_law_finds_some_who_act_and_most_who_do_not(prepared, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    study = load_study("portability-pilot")
    points = range(0, 40, 8)
    found = first_ticks(study, ("none", "symmetric", "continuous-no-deletion"), points, 7)
    for point in points:
        before = found["none", point].iloc[:6]
        for arm in ("symmetric", "continuous-no-deletion"):
            pd.testing.assert_frame_equal(found[arm, point].iloc[:6], before)
        assert 0.02 < before["participation"].iloc[-1] < 0.8
        assert before["participation"].is_monotonic_increasing
    none, law = (sum(found[arm, p]["share_cdc"].iloc[-1] for p in points) for arm in ("none", "symmetric"))
    assert law > none


@pytest.mark.slow
def test_the_law_of_the_full_study_finds_an_interior_state_too(prepared, monkeypatch):
    monkeypatch.setenv("DATA_LEVERAGE_DATA", str(prepared("ml-100k")))
    study = load_study("portability-full")
    (rows,) = first_ticks(study, ("none",), [0], 13).values()
    assert 0.05 < rows["participation"].iloc[-1] < 0.8


SPACE = """\
name: town-law
question: Does it help?
base: published-curves
settings: {population.users: 60, companies.small.starts_with: 0.02}
ticks: 10
replicates: 2
arms:
  none: {interventions: []}
  law: {interventions: [{kind: portability_law, start: 3}]}
  law-repealed: {interventions: [{kind: portability_law, start: 3, end: 6}]}
against: {law-repealed: [law]}
parameters:
  design: latin_hypercube
  n: 8
  axes: {policy.portability_success: {low: 0.0, high: 1.0}, decision.precision: {low: 3.0, high: 8.0}}
outputs:
  - {column: revenue_small, over: [revenue_small, revenue_large], name: revenue_share_small}
  - {take: ticks_until, column: dlp_cdc_delete, threshold: 0.95, start: 3, name: ticks_to_parity}
  - {take: reached, column: dlp_cdc_delete, threshold: 0.95, start: 3, name: parity}
"""


def test_report_says_in_how_much_of_the_space_and_counts_whom_the_end_came_first(told):
    result, text = told(SPACE)
    assert re.search(
        r"law, against none, raises revenue_share_small in \d+% of the assumption space "
        r"\(seeds \d+% to \d+%, assumptions \d+% to \d+%\), lowers it in \d+%; by 0\.\d+ on average",
        text,
    )
    assert "law-repealed, against law, raises revenue_share_small in" in text
    assert "revenue_share_small: revenue_small / (revenue_small + revenue_large) at the last tick" in text
    runs = result.runs
    never = {arm: int((rows["parity"] == 0).sum()) for arm, rows in runs.groupby("arm", sort=False)}
    assert 0 < sum(never.values()) < len(runs)
    assert (runs["ticks_to_parity"] == 8).eq(runs["parity"] == 0).all()  # ticks 3 to 10 were watched
    counted = ", ".join(f"{arm} {count} of 16" for arm, count in never.items())
    assert f"ticks_to_parity: not seen by the end of the run, and counted as 8 ticks, in {counted}." in text
    # Every run counts, so nothing is undefined.
    assert (result.effects["undefined"] == 0).all()


CLAIMED = """\
name: town-law
base: published-curves
settings: {population.users: 300, companies.small.starts_with: 0.02}
ticks: 12
replicates: 4
arms:
  none: {interventions: []}
  law: {interventions: [{kind: portability_law, start: 1}]}
outputs: [share_cdc, dlp_cdc_company]
claims:
  - claim: A law makes people contribute
    variants:
      - {variant: 'logit', arm: law, against: none, output: share_cdc}
      - {variant: 'threshold', not_defined: nobody weighs a law}
  - claim: A law lowers the leverage of contribution
    side: below
    variants: [{variant: 'logit, company', arm: law, against: none, output: dlp_cdc_company}]
"""


def test_report_says_which_claims_survive(told):
    result, text = told(CLAIMED)
    assert list(result.claims["verdict"]) == ["survives", "not defined", "reverses"]
    assert list(pd.read_csv(result.out / "claims.csv")["verdict"]) == ["survives", "not defined", "reverses"]
    assert "Which findings survive" in text
    assert re.search(r"A law makes people contribute Variant Verdict .* logit survives 0\.\d+", text)
    assert "threshold not defined" in text
    assert "nobody weighs a law" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("against: {law: [nobody]}", "against.law: 'nobody' is not one of the arms: none, law"),
        ("against: {law: [law]}", "against.law: an arm cannot be compared with itself"),
        (
            "claims: [{claim: Yes, variants: [{variant: logit, arm: low, output: share_cdc}]}]",
            "variants.0.arm: 'low' is not one of none, law",
        ),
    ],
)
def test_arms_that_are_not_there_are_refused(tmp_path, change, says):
    path = tmp_path / "study.yaml"
    path.write_text(CLAIMED.partition("claims:")[0] + change)
    with pytest.raises(ValueError, match=re.escape(says)):
        load_study(path)
