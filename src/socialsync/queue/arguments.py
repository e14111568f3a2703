"""A job's arguments against its task's signature: SQL and reruns bypass Python, so check late too."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

from socialsync.errors import Invalid


class Arguments:
    """The arguments that a function takes by keyword.

    Args:
        name: the task's name, for messages.
        function: annotated; annotations are enforced and JSON values converted (``UUID`` from a string).
        skip: how many leading parameters the worker itself fills (the job's context).
    """

    def __init__(self, name: str, function: Callable[..., Any], *, skip: int) -> None:
        self.task = name
        hints = get_type_hints(function)
        extra = False
        fields: dict[str, Any] = {}
        for parameter in list(inspect.signature(function).parameters.values())[skip:]:
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                extra = True
            elif parameter.kind is not inspect.Parameter.VAR_POSITIONAL:
                default = ... if parameter.default is inspect.Parameter.empty else parameter.default
                fields[parameter.name] = (hints.get(parameter.name, Any), default)
        config = ConfigDict(
            extra="allow" if extra else "forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
        )
        self._model: type[BaseModel] = create_model("Arguments", __config__=config, **fields)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._model.model_fields)

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, converted.

        Raises:
            Invalid: names the first argument that is wrong.
        """
        try:
            checked = self._model.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise Invalid(
                f"{self.task}: argument {field}: {first['msg']}.",
                field=field,
                fix=f"It takes: {', '.join(sorted(self.names)) or 'no arguments'}.",
            ) from None
        return {name: getattr(checked, name) for name in given}

    def check_names(self, names: Iterable[str]) -> None:
        """Raises Invalid: an argument is missing, or there is one that the task does not take."""
        fields, given = self._model.model_fields, set(names)
        missing = {name for name, field in fields.items() if field.is_required()} - given
        unknown = set() if self._model.model_config.get("extra") == "allow" else given - self.names
        for name in sorted(missing | unknown):
            raise Invalid(
                f"{self.task}: argument {name} is {'missing' if name in missing else 'not known'}.",
                field=name,
                fix=f"It takes: {', '.join(sorted(self.names)) or 'no arguments'}.",
            )

    def as_json(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, checked and as they are stored in a job."""
        self.check(given)
        stored: dict[str, Any] = to_jsonable_python(dict(given))
        return stored
