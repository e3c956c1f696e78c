"""Faults put into drskit on purpose: a proof that cannot find them proves nothing.

Each takes one safeguard out, and says which part of the proof must show it.
"""

from tests.proof.mutation import Edit, Mutant

LAUNCHES = ("single", "--scenario", "launch", "--call", "StartRecovery", "--stop")
WRITES = ("single", "--scenario", "launch", "--call", "TransactWriteItems", "--stop")
ORDERED = ("single", "--scenario", "order", "--call", "StartRecovery", "--stop")
ACTIONS = ("single", "--scenario", "actions", "--call")
TERMINATIONS = ("single", "--scenario", "cleanup", "--call", "TerminateRecoveryInstances", "--stop")
NEVER_INELIGIBLE = Edit(
    "targets.py",
    "    instance = sight.instance\n    if instance is None:\n        where =",
    """    return None
    instance = sight.instance
    if instance is None:
        where =""",
)


def whole(scenario: str) -> tuple[str, ...]:
    """Arguments for what the undisturbed run of a scenario shows, or the first death of it."""
    return ("single", "--scenario", scenario, "--kind", "crash-after", "--stop")


TOLD = ("single", "--scenario", "notify", "--call", "Publish")
MUTANTS = (
    Mutant(
        "the header is written whatever its version",
        (
            Edit(
                "store/commits.py",
                """        unread = equals("Version", before.version) & (
            equals("Generation", generation) if generation else missing("Generation")
        )
""",
                """        unread = present("ExecutionId")
""",
            ),
            Edit(
                "store/commits.py",
                """{"Events": chunk}, missing("ExecutionId"))""",
                """{"Events": chunk}, missing("ExecutionId") | present("Events"))""",
            ),
        ),
        WRITES,
    ),
    Mutant(
        "the launch carries no tag of its attempt",
        (Edit("witness.py", "        ATTEMPT_TAG: attempt.attempt_id,\n", ""),),
        LAUNCHES,
    ),
    Mutant(
        "the launch is signed when it is sent",
        (Edit("aws/clients.py", "return signing.SIGNER", 'return "v4"'),),
        LAUNCHES,
    ),
    Mutant(
        "an absent job is proof at once",
        (Edit("settings.py", "BeforeValidator(_quiescence)] = 420", "BeforeValidator(_quiescence)] = 0"),),
        LAUNCHES,
    ),
    Mutant(
        "a page of jobs that cannot be read is an empty one",
        (
            Edit(
                "aws/recovery.py",
                """            return [read(item) for page in paginate(**arguments) for item in need(page, key, list)]
""",
                """            try:
                return [read(item) for page in paginate(**arguments) for item in need(page, key, list)]
            except Exception:
                return []
""",
            ),
        ),
        ("single", "--scenario", "outage", "--call", "StartRecovery", "--stop"),
    ),
    Mutant(
        "the time is the local clock's",
        (
            Edit(
                "session.py",
                "        return DynamoDbStore(",
                """        DynamoDbStore.now = lambda _: self.clock.now().replace(microsecond=0)
        return DynamoDbStore(""",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "the SDK sends a launch up to three times",
        (
            Edit(
                "aws/clients.py", "LAUNCH = Config(retries=ONCE,", 'LAUNCH = Config(retries={"total_max_attempts": 3},'
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "a launch whose outcome is unknown counts as refused",
        (
            Edit(
                "aws/faults.py",
                'return Unknown(f"{type(error).__name__}: {error}")',
                "return NotExecuted(type(error).__name__, str(error))",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "nobody looks before a launch is repeated",
        (
            Edit(
                "engine.py",
                """        recovery, ids = look.recovery, attempt.server_ids
        servers =""",
                """        return Absent()
        servers =""",
            ),
        ),
        LAUNCHES,
    ),
    Mutant(
        "the steps of a wave are launched at once",
        (Edit("steps.py", "return tuple(chunk for chunk in chunks if chunk.step <= step)", "return chunks"),),
        ORDERED,
    ),
    Mutant(
        "a cleanup takes every instance of its servers",
        (
            Edit(
                "targets.py",
                "        name = server.recovery_instance_id or _left_by(server, sights, jobs)\n",
                """        mine = [one for one, owner in owners.items() if owner == server.source_server_id]
        name = next((one for one in mine if not sights[one].gone), server.recovery_instance_id)
""",
            ),
            Edit("targets.py", "instance.job_id not in jobs\n", "False\n"),
            Edit("targets.py", "instance.is_drill is not drill", "False"),
        ),
        TERMINATIONS,
    ),
    Mutant(
        "an automation is asked for without its token",
        (Edit("aws/automations.py", "(**given, ClientToken=token_of(task))", "(**given)"),),
        (*ACTIONS, "StartAutomationExecution", "--stop"),
    ),
    Mutant(
        "the intent of an action is not kept",
        (
            Edit(
                "store/codec.py",
                """    for order, task in enumerate(execution.tasks, 1):
""",
                """    for order, task in enumerate(execution.tasks, 1):
        if task.status == "INTENT":
            continue
""",
            ),
        ),
        (*ACTIONS, "Invoke", "--stop"),
    ),
    Mutant(
        "an action whose outcome nobody knows is done again",
        (Edit("tasks.py", "return Repeat.DECLARED if action.repeatable else Repeat.NEVER", "return Repeat.DECLARED"),),
        (*ACTIONS, "Invoke", "--stop"),
    ),
    Mutant(
        "nobody looks for a command before it is sent again",
        (Edit("aws/commands.py", "return Begun(found) if found else NotFound()", "return NotFound()"),),
        (*ACTIONS, "SendCommand", "--stop"),
    ),
    Mutant("a cleanup takes also what somebody needs", (NEVER_INELIGIBLE,), TERMINATIONS),
    Mutant(
        "what a topic did not take is never tried again",
        (
            Edit(
                "noticing.py",
                "if delivery.next_try and delivery.next_try <= now:",
                "if delivery.next_try and not delivery.tries:",
            ),
        ),
        (*TOLD, "--kind", "throttle"),
    ),
    Mutant(
        "nobody asks what an execution that is over has to tell",
        (Edit("outbox.py", "for one in self._store.outstanding()", "for one in ()"),),
        (*TOLD, "--kind", "crash-before"),
    ),
    Mutant(
        "a recovery is created without using up its authorisation",
        (
            Edit(
                "store/commits.py",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())\n",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())[:0]\n",
            ),
        ),
        ("single", "--scenario", "recover", "--call", "StartRecovery", "--kind", "crash-before", "--stop"),
    ),
    Mutant(
        "a recovery is launched whoever authorised it, and created by anybody",
        (
            Edit(
                "store/commits.py",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())\n",
                "        consumed = consumption(self._tables.history, execution, secret, self.now())[:0]\n",
            ),
            Edit(
                "authorization.py",
                "    if authorization.used_by != execution.execution_id:\n",
                "    if False:\n",
            ),
        ),
        ("single", "--scenario", "recover", "--call", "StartRecovery", "--kind", "crash-before", "--stop"),
    ),
    Mutant(
        "nobody is asked about the money",
        (Edit("progress.py", "    if too_dear(execution, wave, now):\n", "    if False:\n"),),
        whole("budget"),
    ),
    Mutant(
        "nobody is asked about the money of a retry",
        (Edit("retries.py", "unweighed=(fresh or wave.unweighed) and", "unweighed=False and"),),
        whole("afford"),
    ),
    Mutant(
        "the time of a plan is never over",
        (Edit("timelimit.py", "or not goes_on or now < deadline.at:", "or True:"),),
        whole("deadline"),
    ),
    Mutant(
        "the time of a wave is never over",
        (Edit("progress.py", "return any(now >= max([begin,", "return any(now < max([begin,"),),
        whole("deadline"),
    ),
    Mutant(
        "a wave is left behind before its time is over",
        (
            Edit(
                "progress.py",
                "+ plan_wave.timeout for begin in begins)",
                "+ plan_wave.timeout / 2 for begin in begins)",
            ),
        ),
        whole("deadline"),
    ),
    Mutant(
        "a wave begins without its approval",
        (Edit("progress.py", "    if plan_wave.approval:\n", "    if False:\n"),),
        whole("approve"),
    ),
    Mutant(
        "anybody may approve",
        (Edit("orders.py", "command.by) if declared.approval else None\n", "command.by) if False else None\n"),),
        whole("eyes"),
    ),
    Mutant(
        "one person is two",
        (
            Edit(
                "authorization.py",
                """    same = same_person(yours, identity_of(authorization.by), did="authorised")
""",
                "    same = None\n",
            ),
        ),
        whole("eyes"),
    ),
    Mutant(
        "a recovery for two needs one",
        (Edit("authorization.py", "return not self.second_person or self.second is not None", "return True"),),
        whole("eyes"),
    ),
    Mutant(
        "a wave does not wait for those that it needs",
        (Edit("progress.py", "and all(passed(execution, need) for need in plan_wave.needs)\n", "\n"),),
        whole("launch"),
    ),
    Mutant(
        "the jobs of others take no room",
        (Edit("quotas.py", "jobs=len(running) + len(asked),", "jobs=len(running) - len(others) + len(asked),"),),
        whole("quota"),
    ),
    Mutant(
        "a command that failed is a check that passed",
        (Edit("probes.py", "Finding(exit_code == check.exit_code,", "Finding(exit_code is not None,"),),
        whole("checks"),
    ),
    Mutant(
        "a wave is done before its checks are",
        (
            Edit(
                "progress.py",
                "return execution if unfinished(plan_wave, wave) else _judged(",
                "return execution if False else _judged(",
            ),
        ),
        whole("checks"),
    ),
    Mutant(
        "the SDK sends a command up to three times",
        (
            Edit(
                "aws/clients.py",
                """self._session.client("ssm", region_name=region, config=LAUNCH)""",
                """self._session.client("ssm", region_name=region, config=SURVEY)""",
            ),
        ),
        ("single", "--scenario", "checks", "--call", "SendCommand", "--kind", "lost-reply", "--stop"),
    ),
    Mutant(
        "a launch of somebody else is taken for ours",
        (Edit("witness.py", "        return Foreign(job, shared)\n", "        return Mine(job)\n"),),
        whole("foreign"),
    ),
    Mutant(
        "a place is claimed whatever stands there",
        (
            Edit(
                "store/wire.py",
                """        return {"TableName": self.table} | self.what | old | arguments(**clauses)
""",
                """        request = {"TableName": self.table} | self.what | old | arguments(**clauses)
        if self.kind == "Put" and self.what["Item"]["PlanId"]["S"].startswith("#"):
            for name in ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"):
                request.pop(name, None)
        return request
""",
            ),
        ),
        whole("launch"),
    ),
    Mutant(
        "an AWS that refuses is asked again at once",
        (
            Edit("attempts.py", "seconds = min(15 * 2 ** min(attempt.number - 1, 10), 225)", "seconds = 0"),
            Edit(
                "cadence.py",
                "max(min(times, default=latest), now + timedelta(seconds=1))",
                "now + timedelta(seconds=1)",
            ),
            Edit("admission.py", "    if load.jobs >= quotas.jobs:\n        return 0\n", ""),
        ),
        whole("full"),
    ),
    Mutant(
        "a wave is launched before its actions have ended",
        (Edit("decide.py", "if wave.unweighed or not prepared(execution, wave):", "if wave.unweighed:"),),
        whole("actions"),
    ),
    Mutant(
        "nobody is told of the end",
        (
            Edit(
                "noticing.py",
                "    if after.end_time and not before.end_time:\n        yield _end(after, now)\n",
                "",
            ),
        ),
        whole("notify"),
    ),
    Mutant(
        "one occurrence is told under two ids",
        (Edit("noticing.py", "if not targets or one.key in known or full:", "if not targets or full:"),),
        whole("questions"),
    ),
    Mutant(
        "a plan does not forget its execution",
        (
            Edit(
                "store/commits.py",
                '            return [self._plan(after, None, equals("ActiveExecutionId", after.execution_id))]\n',
                "            return []\n",
            ),
        ),
        whole("launch"),
    ),
    Mutant(
        "the history does not say that a command was obeyed",
        (
            Edit(
                "history.py",
                "changes(was, command), _command(was, command))",
                "changes(was, command), () if was else _command(was, command))",
            ),
        ),
        whole("approve"),
    ),
    Mutant(
        "an event does not name the one before",
        (Edit("history.py", "        head = event.hash\n", ""),),
        whole("launch"),
    ),
)
