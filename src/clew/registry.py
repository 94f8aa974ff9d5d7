"""Things built by name: mixers and data sets, from Python or from ``name=value`` on a command line."""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar

from clew.errors import unknown_name

__all__ = ["Registry"]

Built = TypeVar("Built")
Factory = TypeVar("Factory", bound=Callable[..., Any])


class Registry(Generic[Built]):
    """Factories by name, whose options are checked against their signatures.

    Args:
        kind: what the members are, for messages ("mixer", "data set").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._factories: dict[str, Callable[..., Built]] = {}

    def register(self, name: str) -> Callable[[Factory], Factory]:
        """Decorator that makes a class or function available under ``name``."""

        def add(factory: Factory) -> Factory:
            assert name not in self._factories, f"{self.kind} {name!r} is registered twice"
            self._factories[name] = factory
            return factory

        return add

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._factories))

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def __getitem__(self, name: str) -> Callable[..., Built]:
        """The factory called ``name``.

        Raises:
            ValueError: if there is none; the message has the nearest right name.
        """
        if name not in self._factories:
            raise unknown_name(self.kind, name, self._factories)
        return self._factories[name]

    def build(self, name: str, *arguments: Any, options: Mapping[str, Any] | None = None) -> Built:
        """Call the factory ``name`` with ``arguments`` and ``options``.

        Args:
            name: a registered name.
            *arguments: passed by position.
            options: keyword arguments. A value may be text (from a command line): it is then read as the
                type that the factory's signature gives for it.

        Raises:
            ValueError: for an unknown name or option, or a value that cannot be read as the option's type.
        """
        factory = self[name]
        return factory(*arguments, **self.read_options(name, options or {}, skip=len(arguments)))

    def read_options(self, name: str, options: Mapping[str, Any], skip: int = 0) -> dict[str, Any]:
        """``options`` with each text value read as its annotated type; see :meth:`build`."""
        parameters = dict(list(inspect.signature(self[name], eval_str=True).parameters.items())[skip:])
        read = {}
        for key, value in options.items():
            if key not in parameters:
                raise unknown_name(f"option of the {self.kind} {name!r}:", key, parameters)
            read[key] = _read(key, value, parameters[key].annotation) if isinstance(value, str) else value
        return read


def _read(key: str, text: str, annotation: Any) -> Any:
    """``text`` as a value of the type ``annotation``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        by_text = {str(choice): choice for choice in arguments}
        if text not in by_text:
            raise unknown_name(f"value for {key!r}:", text, by_text)
        return by_text[text]
    if origin in (typing.Union, types.UnionType):
        if text.lower() == "none" and type(None) in arguments:
            return None
        (annotation,) = (argument for argument in arguments if argument is not type(None))
        return _read(key, text, annotation)
    if annotation is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{key!r} is true or false, got {text!r}")
        return text.lower() == "true"
    if annotation in (int, float):
        try:
            return annotation(text)
        except ValueError:
            raise ValueError(f"{key!r} is a number ({annotation.__name__}), got {text!r}") from None
    return text
