"""The pydantic models that a type or another model is made of."""

from typing import Any

from pydantic import BaseModel


def models_of(root: type[BaseModel]) -> tuple[type[BaseModel], ...]:
    """A model and every model inside it, each once."""
    found: dict[type[BaseModel], None] = {root: None}
    for field in root.model_fields.values():
        for part in models_in(field.annotation, *field.metadata):
            found |= dict.fromkeys(models_of(part))
    return tuple(found)


def models_in(*annotations: Any) -> list[type[BaseModel]]:
    """The models that these types name, not those inside them."""
    found: list[type[BaseModel]] = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        found += models_in(*getattr(annotation, "__args__", ()))
    return found
