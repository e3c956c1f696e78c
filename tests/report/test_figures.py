"""A drill in figures, and how two of them differ."""

import json
from datetime import timedelta

from drskit.model import Mode, Phase
from drskit.report.context import Context
from drskit.report.evidence import Evidence, load_execution_json, summary_of, write_run
from drskit.report.export import RENDERERS, render
from drskit.report.figures import differences, figures_of
from drskit.report.html import render_html
from drskit.report.summary import applied_words, summarise
from tests.report import samples
from tests.report.pages import Page


def figures(sample):
    return figures_of(sample.execution, sample.now)


def changes(now, then) -> dict[str, str]:
    return {row.what: row.change for row in differences(now, then)}


def test_the_figures_of_a_drill():
    """The same numbers as in its report, and how long phases took."""
    found = figures(samples.failing())
    assert (12, 6, ("s-00000000000000005", "s-00000000000000008")) == (found.servers, found.reached, found.failed)
    assert [Phase.SNAPSHOT, Phase.CONVERSION, Phase.LAUNCH] == [phase.phase for phase in found.phases]
    assert (timedelta(seconds=1), timedelta(seconds=289)) == (found.phases[0].median, found.phases[2].longest)
    assert summarise(samples.failing().execution, (), (), samples.failing().now).rto == found.rto


def test_a_phase_that_has_not_ended_has_no_figure():
    """Nothing is guessed."""
    assert {4} == {phase.servers for phase in figures(samples.under_way()).phases if phase.phase is Phase.CONVERSION}


def test_a_drill_does_not_differ_from_itself():
    """Every line is there, and none says a change."""
    found = figures(samples.completed())
    assert {""} == set(changes(found, found).values())


def test_differences_say_longer_shorter_and_which_servers():
    """What failed newly, what is mended, what cannot be compared."""
    good, bad = figures(samples.completed()), figures(samples.failing())
    told = changes(bad, good)
    assert ("changed", "not comparable") == (told["Status"], told["RTO actual"])
    assert "new: s-00000000000000005, s-00000000000000008" == told["Failed or unknown"]
    assert "no more: s-00000000000000005, s-00000000000000008" == changes(good, bad)["Failed or unknown"]
    slower = good.model_copy(update={"rto": good.rto.model_copy(update={"actual": timedelta(minutes=40)})})
    assert "9 min 08 s longer, +30%" == changes(slower, good)["RTO actual"]
    assert "9 min 08 s shorter, -23%" == changes(good, slower)["RTO actual"]
    assert (
        "another plan or other groups" == changes(good.model_copy(update={"digest": "0" * 64}), good)["Plan and groups"]
    )


# --- what is known beside an execution -------------------------------------------------------------------------------


def page(sample, context):
    return Page(render_html(summarise(sample.execution, sample.events, sample.logs, sample.now, context=context))).text


def test_a_report_shows_the_last_drill_the_cleanup_and_the_applied_plan():
    """All of it as of when the report was made."""
    sample = samples.after_cleanup()
    text = page(sample, samples.beside(sample))
    expected = [
        "The last drill of the plan in the same mode, SIMULATED: 01JCDRZ2V7KX5R0F3G9H1M2N4P",
        "34 s shorter, -6%",
        "4 of 12 instances proven to be gone",
        "i-00000000000c0ffef not listed by DRS, terminated in EC2; cleanup 01JDD6A0000000000000CLEAN0",
        "runs by this record; no cleanup has proven otherwise",
        "3 of 4 instances terminated",
        "The drill is over, says ticket OPS-4711.",
        "What was executed is what is applied: version 3",
    ]
    assert [] == [part for part in expected if part not in text]


def test_a_report_says_what_nobody_knows():
    """No tables, no last drill, no plan, another plan."""
    sample = samples.completed()
    text = page(sample, Context(made_at=sample.now, trouble="No Region is set for the tables."))
    assert "Not known: the tables were not asked when this report was made (No Region is set" in text
    assert "What is applied now is not known" in text
    alone = samples.beside(sample, last=None, applied=None, cleanups=())
    text = page(sample, alone)
    assert "There was none: the tables have no earlier SIMULATED drill of this plan." in text
    assert "No such plan is applied any more." in text
    assert "No cleanup of this drill is in the tables." in text
    other = samples.beside(sample).applied.model_copy(update={"digest": "1" * 64})
    changed = summarise(sample.execution, (), (), sample.now, context=samples.beside(sample, applied=other))
    assert "The plan was changed since: another one is applied now" in applied_words(changed)


def test_every_report_has_room_for_owners_a_retest_and_signatures():
    """Also one that found nothing."""
    text = page(samples.completed(), samples.beside(samples.completed()))
    assert [] == [word for word in ("Owner", "Retest by", "Signature", "Accepts the result") if word not in text]


def test_a_report_says_truly_that_no_checks_were_declared():
    """LAUNCHED is no more than DRS's word."""
    assert "nobody looked into the machines" in page(samples.completed(), None)


def test_every_format_can_be_made_again_from_the_runs_folder_alone(tmp_path):
    """To the byte: what was known beside the execution lies in the folder, too."""
    sample = samples.failing()
    written = write_run(
        tmp_path, sample.execution, sample.events, sample.logs, now=sample.now, context=samples.beside(sample)
    )
    again = load_execution_json(written.folder)
    assert written.report.read_bytes() == render(again, "html")
    before = Evidence(sample.execution, sample.events, sample.logs, context=samples.beside(sample))
    assert [render(before, name) for name in RENDERERS] == [render(again, name) for name in RENDERERS]


def test_a_run_without_a_context_is_reported_as_of_its_end(tmp_path):
    """One that an older drskit left."""
    sample = samples.completed()
    written = write_run(tmp_path, sample.execution, sample.events, sample.logs, now=sample.now)
    written.context.unlink()
    summary = summary_of(load_execution_json(written.folder))
    assert (sample.execution.end_time, False) == (summary.made_at, summary.context.asked)


def test_the_json_of_a_report_holds_the_execution_and_what_was_computed(tmp_path):
    """Saved as execution.json it is a run again; spans are ISO 8601."""
    sample = samples.completed()
    found = json.loads(render(Evidence(sample.execution, sample.events, sample.logs), "json"))
    assert ("PT30M52.5S", "met") == (found["Report"]["Rto"]["Actual"], found["Report"]["Rto"]["Verdict"])
    assert {"Verdict", "Path", "Criteria", "Untested", "Deviations", "Figures", "Waves"} <= set(found["Report"])
    (tmp_path / "execution.json").write_text(json.dumps(found), encoding="utf-8")
    assert sample.execution == load_execution_json(tmp_path).execution


def test_a_simulated_drill_is_not_compared_with_a_real_one_unsaid():
    """The caption names the mode of both."""
    sample = samples.failing()
    assert Mode.REAL is samples.beside(sample).last.mode
    assert "The last drill of the plan in the same mode, REAL" in page(sample, samples.beside(sample))
