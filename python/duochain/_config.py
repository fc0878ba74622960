"""`Config`: keys and values, as a mapping and as keyword arguments."""

import os
from collections.abc import Iterator, Mapping
from typing import Unpack

from . import _native
from ._config_keys import KEYWORDS, ConfigKeys
from ._errors import ConfigError, UnknownKeyError


class Config(_native.Config, Mapping[str, int | str]):
    """A configuration. Keys that are not set have their default.

    Reads and writes like a dictionary of all known keys: ``config["queue.lanes"] = 2``. The same keys as
    keyword arguments have underscores in the place of dots: ``Config(queue_lanes=2)``. A wrong key or value
    raises at once and names the allowed range or the nearest known key.
    """

    def __init__(
        self,
        *,
        toml: str | None = None,
        file: str | os.PathLike[str] | None = None,
        **keys: Unpack[ConfigKeys],
    ) -> None:
        """Values from `file`, over them those from the text `toml`, over them the keyword arguments."""
        if file is not None:
            self.load_file(file)
        if toml is not None:
            self.load_toml(toml)
        self.apply(**keys)

    def apply(self, **keys: Unpack[ConfigKeys]) -> None:
        """Sets every key that is given as a keyword argument."""
        for keyword, value in keys.items():
            if not isinstance(value, (str, int, os.PathLike)):
                raise TypeError(f"{keyword} is a {type(value).__name__}, not a str, an int or a path")
            self[KEYWORDS.get(keyword, keyword)] = value

    def __getitem__(self, key: str) -> int | str:
        try:
            return self._get(key)
        except ConfigError as error:
            raise UnknownKeyError(str(error)) from None

    def __setitem__(self, key: str, value: int | str | os.PathLike[str]) -> None:
        self[key]  # an unknown key is another error than a bad value
        self._set(key, value)

    def __contains__(self, key: object) -> bool:
        return key in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)

    def copy(self) -> "Config":
        """Another configuration with the same values."""
        copy = Config()
        copy.update(self)
        return copy

    def update(self, other: Mapping[str, int | str | os.PathLike[str]]) -> None:
        """Sets every key of `other`."""
        for key, value in other.items():
            self[key] = value

    def __repr__(self) -> str:
        given = ", ".join(f"{key!r}: {value!r}" for key, value in self.items() if value != _DEFAULTS[key])
        return f"<duochain.Config {{{given}}}>"


_NAMES = tuple(KEYWORDS.values())
_DEFAULTS = dict(Config())
