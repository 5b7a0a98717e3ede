"""Dataclasses as JSON objects: camelCase keys, nil left out, defaults for what is missing.

A field's key is its name in camelCase unless ``field(metadata={"key": "callID"})`` says otherwise.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field
from typing import Any, get_type_hints

from trebuche.compiled import UNKNOWN, Part, reader, speller
from trebuche.documents import Json, kind
from trebuche.errors import MalformedError
from trebuche.naming import snake_to_camel
from trebuche.plans import Plan


class Record:
    """Reader and writer of one dataclass.

    Args:
        class_: The dataclass.
        keep_unknown: Whether members that the class does not declare are carried along with the instance and written
            back, so that an older program does not erase what a newer one stored. They live in the instance's
            ``__dict__``: a copy keeps them, ``dataclasses.replace`` does not.

    Raises:
        TypeError: They are to be carried along, and instances have no room for them.
    """

    def __init__(self, class_: type, *, keep_unknown: bool) -> None:
        if keep_unknown and not class_.__dictoffset__:
            raise TypeError(
                f"{class_.__qualname__}: instances with slots have no room for members that newer code stores in a "
                "state; leave slots=True out"
            )
        self._class = class_
        self._keep_unknown = keep_unknown
        self._parts: tuple[Part, ...] = ()
        self._keys: frozenset[str] = frozenset()
        self.plan = Plan(self._read, self._write, quick=self._first_quick, spell=self._first_spell)

    def complete(self, plan_of: Callable[[object], Plan]) -> None:
        """Find the plans of the members; apart from construction because a class may contain itself.

        Raises:
            TypeError: A member's type has no wire form, or two members share a key.
        """
        try:
            hints = get_type_hints(self._class)
        except NameError as error:
            raise TypeError(f"{self._class.__qualname__}: {error}; define the type at module level") from None
        fields = [field for field in dataclasses.fields(self._class) if field.init]
        self._parts = tuple(self._part(field, hints[field.name], plan_of) for field in fields)
        self._keys = frozenset(part.key for part in self._parts)
        if len(self._keys) < len(self._parts):
            raise TypeError(f"{self._class.__qualname__}: two fields have the same key on the wire")

    def _part(self, field: Field[Any], hint: object, plan_of: Callable[[object], Plan]) -> Part:
        try:
            plan = plan_of(hint)
        except TypeError as error:
            raise TypeError(f"{self._class.__qualname__}.{field.name}: {error}") from None
        # What a factory makes is not known here: None is then written out, or it could be read back as something else.
        default = field.default if field.default_factory is MISSING else MISSING
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        nil_when_missing = (default is None or not has_default) and _takes_null(plan)
        return Part(
            key=str(field.metadata.get("key", snake_to_camel(field.name))),
            attribute=field.name,
            plan=plan,
            required=not has_default and not nil_when_missing,
            nil_when_missing=nil_when_missing,
            nil_left_out=nil_when_missing or default is None,
        )

    def _read(self, value: Json) -> Any:
        if not isinstance(value, dict):
            raise MalformedError(f"expected an object, got {kind(value)}")
        found: dict[str, Any] = {}
        key = ""
        try:
            for part in self._parts:
                key = part.key
                if key in value:
                    content = value[key]
                    # Most members are plain: a call for each is what reading a state would spend its time on.
                    plain = type(content) is part.plan.same and (type(content) is not str or content.isascii())
                    found[part.attribute] = content if plain else part.plan.read(content)
                elif part.required:
                    raise MalformedError("missing")
                elif part.nil_when_missing:
                    found[part.attribute] = None
        except MalformedError as error:
            raise error.inside(key) from None
        return self._with_unknown(self._made(found), value)

    def _made(self, members: dict[str, Any]) -> Any:
        """An instance.

        Raises:
            MalformedError: The class itself (``__post_init__``) does not take these members.
        """
        try:
            return self._class(**members)
        except RecursionError:
            raise
        except Exception as error:
            problem = f"{self._class.__qualname__} refuses it: {type(error).__name__}: {error}"
            raise MalformedError(problem) from error

    def _with_unknown(self, instance: Any, source: dict[str, Json]) -> Any:
        if self._keep_unknown and not self._keys.issuperset(source):
            vars(instance)[UNKNOWN] = {key: source[key] for key in source if key not in self._keys}
        return instance

    def _write(self, value: Any) -> Json:
        if not isinstance(value, self._class):
            raise MalformedError(f"expected {self._class.__qualname__}, got {kind(value)}")
        document: dict[str, Json] = {}
        key = ""
        try:
            for part in self._parts:
                content = getattr(value, part.attribute)
                if content is not None or not part.nil_left_out:
                    key = part.key
                    plain = type(content) is part.plan.same and (type(content) is not str or content.isascii())
                    document[key] = content if plain else part.plan.write(content)
        except MalformedError as error:
            raise error.inside(key) from None
        document.update(unknown_members(value))
        return document

    # Made when they are needed: a cold start has classes whose objects its one call never meets.
    def _first_quick(self, value: Json) -> Any:
        self.plan.quick = reader(self._class, self._parts, known_only=self._keep_unknown)
        return self.plan.quick(value)

    def _first_spell(self, value: Any) -> str:
        self.plan.spell = speller(self._class, self._parts)
        return self.plan.spell(value)


def unknown_members(instance: object) -> dict[str, Json]:
    """Members that an instance carries along."""
    found: dict[str, Json] = getattr(instance, UNKNOWN, {})
    return found


def _takes_null(plan: Plan) -> bool:
    try:
        return plan.read(None) is None
    except MalformedError:
        return False
