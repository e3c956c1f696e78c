"""Operations on what a launch is to be like: configurations, their template, and post-launch actions."""

from drskit.sim import refusals
from drskit.sim.actions import AUTOMATIONS, LaunchAction
from drskit.sim.newcomers import SETTINGS
from drskit.sim.operations.call import Call, Operation
from drskit.sim.settings import LAUNCH_TEMPLATE, Template
from drskit.sim.spec import LaunchSettings
from drskit.sim.wire import Json, launch_action

FAST_FROM = (6, 42, 20)
"""The agent that the recovery mode FAST needs (drs-facts §8)."""
NAME = {"name": "name"}


def _get_launch_configuration(call: Call) -> Json:
    return call.scribe.launch_configuration(call.server())


def _update_launch_configuration(call: Call) -> Json:
    server = call.server()
    changes = {
        ours: call.request[name] for name, ours in (NAME | SETTINGS).items() if call.request.get(name) is not None
    }
    if call.request.get("licensing"):
        changes["os_byol"] = bool(call.request["licensing"].get("osByol"))
    into = call.take("launchIntoInstanceProperties", dict)
    if into is not None:
        changes["into_instance"] = into.get("launchIntoEC2InstanceID") or None
    settings = server.spec.launch.model_copy(update=changes)
    _check(call, settings, agent=server.spec.agent, from_aws=call.world.from_aws(server.spec))
    server.spec = server.spec.model_copy(update={"launch": settings})
    server.byol_set = changes.get("os_byol", server.byol_set)
    server.template_changes += 1
    call.world.touched_templates.add(server.spec.id)
    return call.scribe.launch_configuration(server)


def _check(call: Call, settings: LaunchSettings, *, agent: str | None, from_aws: bool) -> None:
    """Refuse settings that cannot go together; the code of the refusal is not documented."""
    if settings.into_instance and (settings.copy_tags or settings.copy_private_ip):
        text = "copyTags and copyPrivateIp must be off to launch into an instance"
        raise refusals.invalid(text, name="launchIntoInstanceProperties", reason="other")
    if call.request.get("recoveryMode") != "FAST":
        return
    version = tuple(int(part) for part in (agent or "0").split(".")[:3])
    if not from_aws or version < FAST_FROM:
        text = "The recovery mode FAST is for servers of EC2 with an agent of 6.42.20 or later"
        raise refusals.invalid(text, name="recoveryMode", reason="other")


# --- the account's template ------------------------------------------------------------------------------------------


def _write_template(call: Call, template: Template) -> Json:
    arn = call.world.arn("launch-configuration-template", template.id)
    return {"launchConfigurationTemplateID": template.id, "arn": arn, "tags": dict(template.tags)} | template.members


def _given(call: Call) -> Json:
    names = (*LAUNCH_TEMPLATE, "exportBucketArn")
    return {name: call.request[name] for name in names if call.request.get(name) is not None}


def _create_template(call: Call) -> Json:
    book, most = call.world.settings, call.world.spec.behaviour.launch_templates_quota
    if len(book.launch_templates) >= most:
        text = f"An account has at most {most} launch configuration template in a Region"
        raise refusals.over_quota(text, quota="L-1F3FAE4D", resource_type="LaunchConfigurationTemplate")
    book.made += 1
    template = Template(call.world.ids.named("lct", book.made), LAUNCH_TEMPLATE | _given(call), call.tags(default={}))
    book.launch_templates[template.id] = template
    return {"launchConfigurationTemplate": _write_template(call, template)}


def _template(call: Call, template_id: str) -> Template:
    book = call.world.settings.launch_templates
    if template_id not in book:
        message = f"Launch Configuration Template with Id: '{template_id}' was not found"
        raise refusals.not_found(message, resource_id=template_id, resource_type="LaunchConfigurationTemplate")
    return book[template_id]


def _describe_templates(call: Call) -> Json:
    wanted = call.take("launchConfigurationTemplateIDs", list, [])
    found = [_template(call, one) for one in wanted] if wanted else list(call.world.settings.launch_templates.values())
    return call.paged(found, name=lambda one: one.id, write=lambda one: _write_template(call, one))


def _update_template(call: Call) -> Json:
    template = _template(call, call.need("launchConfigurationTemplateID", str))
    template.members = template.members | _given(call)
    return {"launchConfigurationTemplate": _write_template(call, template)}


def _delete_template(call: Call) -> Json:
    template = _template(call, call.need("launchConfigurationTemplateID", str))
    del call.world.settings.launch_templates[template.id]
    call.world.settings.actions.pop(template.id, None)
    return {}


# --- post-launch actions ---------------------------------------------------------------------------------------------


def _resource(call: Call) -> str:
    """The source server or the template whose actions are meant."""
    resource_id: str = call.need("resourceId", str)
    if resource_id.startswith("lct-"):
        return _template(call, resource_id).id
    return call.world.server(resource_id).spec.id


def _put_action(call: Call) -> Json:
    resource_id = _resource(call)
    held = call.world.settings.actions.setdefault(resource_id, {})
    action = LaunchAction(
        id=call.need("actionId", str),
        code=call.need("actionCode", str),
        name=call.need("name", str),
        order=call.need("order", int),
        version=call.need("actionVersion", str),
        category=call.need("category", str),
        description=call.need("description", str),
        active=call.need("active", bool),
        optional=call.need("optional", bool),
        parameters=call.take("parameters", dict, {}),
    )
    if any(one.order == action.order for one in held.values() if one.id != action.id):
        text = f"Another launch action of '{resource_id}' has the order {action.order}"
        raise refusals.conflict(text, resource_id=action.id, resource_type="LaunchAction")
    most = call.world.spec.behaviour.launch_actions_quota
    if action.id not in held and len(held) >= most:
        text = f"'{resource_id}' has {most} launch actions, as many as the quota allows"
        raise refusals.over_quota(text, quota="L-0588D03B", resource_type="LaunchAction")
    held[action.id] = action
    return {"resourceId": resource_id} | launch_action(action)


def _list_actions(call: Call) -> Json:
    wanted = call.filters.get("actionIds")
    found = [one for one in call.world.settings.actions_of(_resource(call)) if not wanted or one.id in wanted]
    return call.paged(found, name=lambda one: one.id, write=launch_action)


def _delete_action(call: Call) -> Json:
    resource_id, action_id = _resource(call), call.need("actionId", str)
    held = call.world.settings.actions.get(resource_id, {})
    if action_id not in held:
        message = f"Launch Action with Id: '{action_id}' was not found"
        raise refusals.not_found(message, resource_id=action_id, resource_type="LaunchAction")
    del held[action_id]
    return {}


OPERATIONS = (
    Operation("GetLaunchConfiguration", _get_launch_configuration, "shape C; recoveryMode D"),
    Operation(
        "UpdateLaunchConfiguration",
        _update_launch_configuration,
        "new version of the EC2 launch template F; refusals D, their codes I",
        lacks="an instance to launch into is kept and shown, and not used: nobody looks whether it is there, tagged "
        "and stopped, and a launch makes an instance of its own",
    ),
    Operation(
        "CreateLaunchConfigurationTemplate",
        _create_template,
        "members, quota and effect on servers that are added D; defaults I",
        status=201,
    ),
    Operation("DescribeLaunchConfigurationTemplates", _describe_templates, "D; order I"),
    Operation("UpdateLaunchConfigurationTemplate", _update_template, "effect on servers that are added D"),
    Operation("DeleteLaunchConfigurationTemplate", _delete_template, "D", status=204),
    Operation(
        "PutLaunchAction",
        _put_action,
        "members and quota D; runs in jobs D, their spans I",
        lacks="no document is run or looked up: the world file's `post_launch` says which fail, and the document's "
        f"name which type it is: {', '.join(sorted(AUTOMATIONS))} and names with `Automation` in them are "
        "SSM_AUTOMATION, all others SSM_COMMAND",
    ),
    Operation("ListLaunchActions", _list_actions, "members D; order I"),
    Operation("DeleteLaunchAction", _delete_action, "D", status=204),
)
