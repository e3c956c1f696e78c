"""The tables of statuses: whole, reachable, and never broken."""

import pytest

from drskit.model import AttemptStatus, Command, CommandKind, ExecutionStatus, ServerStatus, WaveStatus
from drskit.states import (
    ATTEMPT,
    EXECUTION,
    FINAL_EXECUTION,
    FINAL_WAVE,
    NEEDS_ATTENTION,
    RETRY_EXECUTION,
    RETRY_SERVER,
    RETRY_WAVE,
    SERVER,
    STARTED_WAVE,
    WAITS_FOR_A_PERSON,
    WAVE,
    IllegalTransition,
    check,
    diagram,
    final,
)
from tests.builders import attempt_of, execution_of, wave

TABLES = {ExecutionStatus: EXECUTION, WaveStatus: WAVE, AttemptStatus: ATTEMPT, ServerStatus: SERVER}
X, W, A, S = ExecutionStatus, WaveStatus, AttemptStatus, ServerStatus


@pytest.mark.parametrize("statuses", TABLES, ids=lambda statuses: statuses.__name__)
def test_every_status_has_a_row(statuses):
    """Nothing can be in a status that the table does not know, and no arrow leaves the table."""
    table = TABLES[statuses]
    assert set(statuses) == set(table)
    assert all(arrows <= set(statuses) for arrows in table.values())


@pytest.mark.parametrize("statuses", TABLES, ids=lambda statuses: statuses.__name__)
def test_every_status_can_be_reached(statuses):
    """From the first one, over the arrows."""
    table = TABLES[statuses]
    seen = {next(iter(table))}
    while (more := seen.union(*(table[status] for status in seen))) != seen:
        seen = more
    assert set(statuses) == seen


@pytest.mark.parametrize("statuses", TABLES, ids=lambda statuses: statuses.__name__)
def test_every_status_leads_to_a_final_one(statuses):
    """No execution, wave, attempt or server can go round for ever without a way out."""
    table = TABLES[statuses]
    ends = set(final(table))
    while (more := ends | {status for status, arrows in table.items() if arrows & ends}) != ends:
        ends = more
    assert set(statuses) == ends


REOPENS = {ExecutionStatus: RETRY_EXECUTION, WaveStatus: RETRY_WAVE, ServerStatus: RETRY_SERVER}


@pytest.mark.parametrize("statuses", REOPENS, ids=lambda statuses: statuses.__name__)
def test_a_retry_does_what_nothing_else_does(statuses):
    """The arrows of a retry stay in the table of their nouns, and repeat none of it but an unknown server's."""
    table = TABLES[statuses]
    for status, arrows in REOPENS[statuses].items():
        assert arrows <= set(statuses)
        assert status is S.UNKNOWN or not arrows & table[status]


def test_only_a_retry_reopens_what_is_final():
    """The same change is refused when nobody told it, and allowed in the write that records or obeys a retry."""
    failed = execution_of((wave("Database"), 1), status=X.FAILED)
    reopened = failed.model_copy(update={"status": X.POLLING})
    with pytest.raises(IllegalTransition, match="cannot go from FAILED to POLLING"):
        check(failed, reopened)
    told = reopened.model_copy(update={"commands": (retry_of(),)})
    check(failed, told)
    with pytest.raises(IllegalTransition):
        check(failed.model_copy(update={"commands": (retry_of(),)}), told)
    check(told, told.model_copy(update={"commands": (retry_of(acknowledged=failed.start_time),)}))


def retry_of(**changes):
    """A retry, told at the start."""
    return Command(
        command_id="C1", kind=CommandKind.RETRY, by="mira", at=execution_of((wave("Database"), 1)).start_time,
        reason="mended", **changes,
    )  # fmt: skip


def test_final_is_what_nothing_leaves():
    """Computed from the tables."""
    assert {X.COMPLETED, X.PARTIAL, X.FAILED, X.TIMED_OUT, X.CANCELLED} == FINAL_EXECUTION
    assert {W.COMPLETED, W.PARTIAL, W.FAILED, W.TIMED_OUT, W.SKIPPED, W.CANCELLED} == FINAL_WAVE
    assert {A.LAUNCHED, A.NOT_EXECUTED} == final(ATTEMPT)
    assert {S.FAILED, S.SKIPPED, S.TERMINATED} == final(SERVER)


def test_what_needs_attention_is_neither_final_nor_a_person_s_turn():
    """Exactly these the finder asks the index for."""
    assert {X.PENDING, X.POLLING, X.CANCELLING} == NEEDS_ATTENTION
    assert set(X) == NEEDS_ATTENTION | FINAL_EXECUTION | WAITS_FOR_A_PERSON
    assert {W.PREPARING, W.QUEUED, W.INITIATED, W.IN_PROGRESS, W.VERIFYING} == STARTED_WAVE


# --- check -----------------------------------------------------------------------------------------------------------


def changes():
    """Every pair of statuses of every kind of thing."""
    for statuses, table in TABLES.items():
        for old in statuses:
            for new in statuses:
                yield pytest.param(statuses, table, old, new, id=f"{statuses.__name__}-{old}-{new}")


def with_status(status):
    """An execution of one wave, one server and one attempt, of which one has the status."""
    execution = execution_of((wave("Database"), 1), attempts=(attempt_of(),))
    run = execution.waves[0]
    if isinstance(status, ExecutionStatus):
        return execution.model_copy(update={"status": status})
    if isinstance(status, AttemptStatus):
        return execution.model_copy(update={"attempts": (attempt_of(status=status),)})
    if isinstance(status, WaveStatus):
        return execution.model_copy(update={"waves": (run.model_copy(update={"status": status}),)})
    server = run.servers[0].model_copy(update={"status": status})
    return execution.model_copy(update={"waves": (run.model_copy(update={"servers": (server,)}),)})


@pytest.mark.parametrize(("statuses", "table", "old", "new"), list(changes()))
def test_a_change_is_allowed_exactly_when_it_is_an_arrow(statuses, table, old, new):
    """An illegal change raises, names the thing and both statuses, and changes nothing."""
    before, after = with_status(old), with_status(new)
    copies = before.model_copy(deep=True), after.model_copy(deep=True)
    if old is new or new in table[old]:
        check(before, after)
    else:
        with pytest.raises(IllegalTransition, match=f"cannot go from {old} to {new}$"):
            check(before, after)
    assert copies == (before, after)


def test_a_new_attempt_is_no_change():
    """It comes from nowhere, so no arrow is asked."""
    before = execution_of((wave("Database"), 1))
    check(before, before.model_copy(update={"attempts": (attempt_of(),)}))


def test_the_diagram_is_drawn_from_the_table():
    """One line for each status, in the table's order, final ones said to be."""
    assert [
        "INTENT           -> LAUNCHED | NOT_EXECUTED | FOREIGN",
        "LAUNCHED         -> (final)",
        "NOT_EXECUTED     -> (final)",
        "FOREIGN          -> INTENT | NOT_EXECUTED",
    ] == diagram(ATTEMPT).splitlines()
    for table in TABLES.values():
        lines = diagram(table).splitlines()
        assert list(table) == [line.split()[0] for line in lines]
        assert all(target in line for line, arrows in zip(lines, table.values(), strict=True) for target in arrows)
