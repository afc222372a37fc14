"""A parameter that takes one of a few names, or the name of a person's own code."""

from __future__ import annotations

import re
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from tasks.foundation.own_source import OWN_NAME, OwnCodeError, is_own, with_digest

IN_WORDS = "in_words"  # the type of a fault that says itself what is wrong, beside those of pydantic


def fault(words: str) -> PydanticCustomError:
    """Return a fault of a value, in words that are told after the parameter and what was received."""
    return PydanticCustomError(IN_WORDS, "{words}", {"words": words})


class ChoiceOrOwn:
    """What is said of a text: it is one of ``names``, or FILE.py:NAME or MODULE:NAME, whose files are read here.

    Args:
        names: The choices.
        kind: What a person's own NAME is, in capitals.
        further: A regular expression of other names that are taken as they are, and how they are told.
    """

    def __init__(self, names: tuple[str, ...], kind: str, further: tuple[str, str] | None = None) -> None:
        self.names = names
        self._pattern, self._shown = further or ("", "")
        self.own = f"FILE.py:{kind} or MODULE:{kind} of your own"

    @property
    def allowed(self) -> str:
        """What is allowed, in words."""
        return f"one of {', '.join([*self.names, *filter(None, [self._shown])])}; or {self.own}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Judge what is a text."""
        return core_schema.no_info_after_validator_function(self._judged, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe it for Prefect, whose form then has a list and, beside it, a field for text."""
        # The API tells people the pattern, so that has the names in it. What the form holds is a list if it has a
        # choice of kinds, and what is typed is taken for the first of these that is a string.
        further = [self._pattern] if self._pattern else []
        return {
            "pattern": f"^({'|'.join([*map(re.escape, self.names), *further, OWN_NAME])})$",
            "anyOf": [{"title": "list", "enum": list(self.names)}, {"title": "text", "type": "string"}],
        }

    def _judged(self, text: str) -> str:
        if text in self.names or (self._pattern and re.fullmatch(self._pattern, text)):
            return text
        if not is_own(text):
            raise PydanticCustomError("literal_error", "no choice")
        try:
            return with_digest(text)
        except OwnCodeError as error:
            raise fault(str(error)) from None
