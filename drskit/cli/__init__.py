"""The command line: parse, call the session, render, exit.

Results go to stdout, words to stderr. Each command's module is imported when
the command is called, so that `drskit --version` loads next to nothing.
"""

import importlib
from typing import Any

import click

from drskit import __version__

COMMANDS = {
    "apply": ("plans", "Write a runbook's groups and plan to the tables."),
    "approve": ("commands", "Approve a wave that waits."),
    "authorize": ("recoveries", "Show what a recovery for real would do, and make its token."),
    "cancel": ("commands", "Start nothing more of an execution."),
    "check": ("later", "Ask what could stop a plan (not supported yet)."),
    "cleanup": ("cleanups", "Terminate the instances of a drill that is over."),
    "decline": ("commands", "Say no to a wave that waits for approval."),
    "deploy": ("later", "Print what runs drskit in AWS (not supported yet)."),
    "drill": ("drills", "Run a drill from start to report."),
    "edit": ("edits", "Change a wave that has not started."),
    "executions": ("executions", "List, show or watch executions."),
    "forecast": ("forecast", "Estimate how long a drill would take and what it would cost."),
    "groups": ("plans", "List, show or delete protection groups."),
    "notify": ("notify", "Try whether those whom a runbook tells can be reached."),
    "pause": ("commands", "Start nothing new until somebody resumes it."),
    "plans": ("plans", "List, show or delete recovery plans."),
    "poll": ("executions", "Advance every execution that is due."),
    "recover": ("recoveries", "Recover for real, with a token from authorize."),
    "report": ("reports", "Write or print the report of an execution or a run."),
    "resume": (
        "commands",
        "Go on after a pause, a failed wave, a launch that somebody else held, or a budget that is too small.",
    ),
    "retry": ("commands", "Launch again what failed or was left out."),
    "run": ("notebooks", "Run a notebook headless."),
    "schedule": ("schedules", "Print what makes another scheduler run a drill."),
    "servers": ("plans", "List or show source servers."),
    "sim": ("sim", "Serve a simulated world."),
    "skip": ("commands", "Leave a wave or single servers out."),
    "start": ("drills", "Start a drill and return at once."),
    "tables": ("tables", "Create or check the tables."),
    "validate": ("plans", "Check a runbook; asks nothing of AWS."),
    "verify": ("verify", "Recompute a run's history."),
}


class LazyGroup(click.Group):
    """Commands that are imported when they are called; their one-line helps are known before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, by name."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(f"drskit.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="drskit")
@click.option("--region", help="Region of the tables and, where none is named, of DRS.")
@click.option("--profile", help="AWS profile.")
@click.option("--table-prefix", help="Prefix of the tables' names.")
@click.option("--env", help="Environment in the tables' names.")
@click.pass_context
def main(ctx: click.Context, /, **flags: str | None) -> None:
    """Run disaster-recovery drills on AWS Elastic Disaster Recovery.

    Shell completion: eval "$(_DRSKIT_COMPLETE=bash_source drskit)", and likewise zsh_source and fish_source.
    """
    ctx.obj = flags
