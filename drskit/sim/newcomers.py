"""What a source server that is added begins with: the account's default launch settings (drs-facts §8).

They are for servers that are added after them; what is there already keeps its own.
"""

from drskit.sim import refusals
from drskit.sim.settings import SettingsBook
from drskit.sim.spec import LaunchSettings

SETTINGS = {
    "launchDisposition": "disposition",
    "targetInstanceTypeRightSizingMethod": "right_sizing",
    "copyPrivateIp": "copy_private_ip",
    "copyTags": "copy_tags",
    "postLaunchEnabled": "post_launch",
    "recoveryMode": "recovery_mode",
}
"""Members that a launch configuration and the template of them share, and their names here."""


def defaults(book: SettingsBook, *, otherwise: LaunchSettings) -> LaunchSettings:
    """The launch settings of the template; where there is none, these."""
    for template in book.launch_templates.values():
        told = {ours: template.members[name] for name, ours in SETTINGS.items()}
        return LaunchSettings(os_byol=bool(template.members["licensing"].get("osByol")), **told)
    return otherwise


def into_source(book: SettingsBook, source_instance: str | None, *, otherwise: LaunchSettings) -> LaunchSettings:
    """The same for a server that replicates back: it may be launched into the instance that it once came from.

    Raises:
        Refusal: the template says so, and what cannot be done to an instance that exists; the code is not documented.
    """
    settings = defaults(book, otherwise=otherwise)
    if not any(template.members["launchIntoSourceInstance"] for template in book.launch_templates.values()):
        return settings
    if settings.copy_tags or settings.copy_private_ip:
        text = "copyTags and copyPrivateIp must be off to launch into the source instance"
        raise refusals.invalid(text, name="launchIntoSourceInstance", reason="other")
    return settings.model_copy(update={"into_instance": source_instance})


def welcome(book: SettingsBook, server_id: str) -> None:
    """A server is added: the actions of the template are its own."""
    for template_id in book.launch_templates:
        if held := book.actions.get(template_id):
            book.actions[server_id] = dict(held)
