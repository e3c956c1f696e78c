"""The picture of a plan's waves, and the same in words."""

from datetime import timedelta

from drskit.draft import draft_of
from drskit.model import WaveStatus
from drskit.views.dag import Picture, WaveTimes, picture_html, picture_lines
from drskit.waves import stages

PLAN = """\
version: 1
plan: p
targets: {rto: PT30M}
sites: {main: {region: us-west-2}}
groups: {a: {select: {tags: {T: a}}}, b: {select: {tags: {T: b}}}, c: {select: {tags: {T: c}}}}
waves:
  - {name: A, groups: [a]}
  - {name: B, groups: [b], needs: [], approve: Look.}
  - {name: C, groups: [c], needs: [A, B]}
"""


def picture(text=PLAN, **minutes):
    times = {
        name: WaveTimes(timedelta(minutes=took), WaveStatus.COMPLETED, (timedelta(minutes=took),))
        for name, took in minutes.items()
    }
    return Picture(draft_of(text, source="p.yaml"), times)


def test_waves_stand_in_the_stage_after_all_that_they_need():
    """Those side by side can run side by side; unknown needs do not count, circles are in no stage."""
    assert (("A", "B"), ("C",)) == stages({"A": (), "B": (), "C": ("A", "B")})
    assert (("A",),) == stages({"A": ("X",), "B": ("C",), "C": ("B",)})
    assert () == stages({})


def test_the_words_say_what_the_picture_shows():
    """In the order in which they run."""
    assert (
        "A: at once; launches a; last drill 5 min ✔ COMPLETED",
        "B: at once; launches b; ‖ waits for approval: Look.",
        "C: after A, B; launches c",
    ) == picture_lines(picture(A=5))
    assert "The same in words" in picture_html(picture())


def test_the_sum_of_past_drills_is_held_against_the_target():
    """The longest way counts; a wave without a time leaves the sum open."""
    assert timedelta(minutes=25) == picture(A=5, B=15, C=10).expected
    assert "✔ fits" in picture_html(picture(A=5, B=15, C=10))
    assert "✖ does not fit" in picture_html(picture(A=5, B=25, C=10))
    assert "at least 5 min; the times of some waves are not known" in picture_html(picture(A=5))
    assert "No past drill of this plan" in picture_html(picture())


def test_waves_that_wait_for_each_other_are_named():
    """A draft may be at fault."""
    assert "the waves wait for each other" in picture_html(picture(PLAN.replace("needs: []", "needs: [C]")))
    assert "no waves yet" in picture_html(picture("version: 1\n"))


def test_a_hostile_wave_is_harmless():
    """In an untrusted notebook, too: nothing that it would drop."""
    html = picture_html(picture(PLAN.replace("name: A", "name: <script>x</script>"), C=1))
    assert "<script>" not in html
    assert all(word not in html for word in ("<style", "<svg", "gradient"))
