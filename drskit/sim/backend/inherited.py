"""Launch template versions that inherit from the version that they are made of, as EC2's do and moto's do not."""

from copy import deepcopy
from typing import Any

from moto.ec2.responses.launch_templates import LaunchTemplates

_create = LaunchTemplates.create_launch_template_version


def let_versions_inherit() -> None:
    """Let a SourceVersion have its effect; repeating it does nothing."""
    setattr(LaunchTemplates, "create_launch_template_version", _create_inheriting)  # noqa: B010 - a method of moto's


def _create_inheriting(self: Any) -> Any:
    """Put what the source version says under what the request says: a member that it names is replaced as a whole."""
    source, name = self._get_param("SourceVersion"), self._get_param("LaunchTemplateName")
    if source:
        backend = self.ec2_backend
        template_id = self._get_param("LaunchTemplateId")
        template = backend.get_launch_template_by_name(name) if name else backend.get_launch_template(template_id)
        told = self._get_param("LaunchTemplateData", {})
        self.params["LaunchTemplateData"] = deepcopy(template.get_version(source).data) | told
    return _create(self)
