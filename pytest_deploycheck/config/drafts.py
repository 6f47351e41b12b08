"""An environment as it is written: files that extend each other, with variables to be put in."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_deploycheck.config.problems import (
    Loc,
    dotted,
    lookup,
    read_toml,
    shown,
    spoken,
    unknown,
)
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.near import meant

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_]\w*)\}", re.ASCII)
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draft:
    """Files merged into one document, and which of them each key comes from."""

    file: Path
    """The one that was asked for."""
    raw: Mapping[str, Any]
    origins: Mapping[Loc, Path]
    base: Mapping[str, Any]
    """What the file says that all others of it extend, in the end; empty: it extends none."""
    base_name: str

    @property
    def sha256(self) -> str:
        """Of all that is written, in whichever files and order, before variables are put in."""
        written = json.dumps(self.raw, sort_keys=True, default=str)
        return hashlib.sha256(written.encode()).hexdigest()

    @property
    def is_rehearsal(self) -> bool:
        """It wants the embedded platform started before it is loaded."""
        return self.raw.get("sandbox") is True

    def place(self, loc: Loc) -> str:
        """Return the file to mend for a problem at *loc*."""
        if lookup(self.raw, loc) is None and len(loc) <= 2:
            return shown(self.file)  # a section lacks a key: the environment gives it, not its base
        known = (loc[:end] for end in range(len(loc), 0, -1) if loc[:end] in self.origins)
        return shown(self.origins[next(known)])

    def line(self, loc: Loc, text: str) -> str:
        """Write one problem."""
        return f"{self.place(loc)}: {dotted(loc)}: {text}"

    def filled(self, variables: Mapping[str, str]) -> tuple[dict[str, Any], set[Loc]]:
        """Replace each `${NAME}`.

        Returns:
            The document, and each place where that could not be done: `missing` says why.
        """
        places: set[Loc] = set()

        def fill(value: object, loc: Loc) -> object:
            if isinstance(value, dict):
                return {key: fill(inner, (*loc, key)) for key, inner in value.items()}
            if isinstance(value, list):
                return [fill(inner, (*loc, index)) for index, inner in enumerate(value)]
            if not isinstance(value, str):
                return value
            unset = not all(variables.get(name) for name in _VARIABLE.findall(value))
            if unset or "${" in _VARIABLE.sub("", value):
                places.add(loc)
            return _VARIABLE.sub(lambda match: variables.get(match[1], ""), value)

        return {key: fill(value, (key,)) for key, value in self.raw.items()}, places

    def missing(
        self, variables: Mapping[str, str], *, besides: Collection[str] = ()
    ) -> Iterator[str]:
        """Say which variables are not set, of texts and of secrets; never what they hold.

        Args:
            variables: The environment variables.
            besides: Tables whose secrets nobody needs here.
        """
        unset: dict[str, dict[str, list[Loc]]] = {}
        used: set[str] = set()
        for loc, value in _leaves(self.raw, ()):
            if not isinstance(value, str):
                continue
            names = _VARIABLE.findall(value)
            if "${" in _VARIABLE.sub("", value):
                yield self.line(loc, "found ${ without a name; expected ${NAME}")
            if str(loc[-1]).endswith("_env"):
                if not _VARIABLE_NAME.fullmatch(value):  # perhaps the secret itself, or a way to it
                    text = "found a text; expected the name of an environment variable"
                    yield self.line(loc, text)
                elif loc[0] not in besides:
                    names = [value]
            used.update(names)
            for name in names:
                if not variables.get(name):
                    unset.setdefault(self.place(loc), {}).setdefault(name, []).append(loc)
        given = [name for name, value in variables.items() if value and name not in used]
        for place, wanted in unset.items():
            if len(wanted) == 1:
                ((name, locs),) = wanted.items()
                text = f"found {name}, which is not set; expected an environment variable with a"
                yield self.line(locs[0], f"{text} value{meant(name, given)}")
                continue
            yield f"{place}: {len(wanted)} variables are not set:"
            for name, locs in wanted.items():
                yield f"  {name} ({', '.join(map(dotted, locs))}){meant(name, given)}"

    def secret_names(self) -> Iterator[str]:
        """Yield the names of the variables that hold secrets: the values of `*_env` keys."""
        for loc, value in _leaves(self.raw, ()):
            key = str(loc[-1])
            if key.endswith("_env") and key != "username_env" and isinstance(value, str):
                yield value


Named = str | Path | Draft
"""An environment: its name, its file, or what was read of it."""


def read_draft(name_or_path: Named, folder: Path) -> Draft:
    """Read an environment and all that it extends.

    Args:
        name_or_path: A name in *folder*, or the path of a file anywhere; or what was read of it.
        folder: The project's environments.

    Raises:
        ConfigError: A file is missing, is not TOML, extends itself, or has the name of another
            environment, in whose record it would write.
    """
    if isinstance(name_or_path, Draft):
        return name_or_path
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text
    file = Path(name_or_path) if is_path else folder / f"{text}.toml"
    if not file.is_file():
        names = environments_in(folder)
        known = f"one of {', '.join(names)} in {shown(folder)}, or the path of a TOML file"
        raise ConfigError(
            [f'--env: found no environment "{text}"; expected {known}{meant(text, names)}']
        )
    chain: dict[Path, dict[str, Any]] = {}
    following: Path | None = file
    while following is not None:
        raw, problems = read_toml(following)
        if problems:
            raise ConfigError(problems)
        chain[following] = raw
        following = _extended(following, raw.pop("extends", None), folder, chain)
    merged: dict[str, Any] = {}
    origins: dict[Loc, Path] = {}
    for path, raw in reversed(chain.items()):
        _merge(merged, raw, path, (), origins)
    last, base = [*chain.items()][-1]
    draft = Draft(
        file=file,
        raw=merged,
        origins=origins,
        base=base if last != file else {},
        base_name=last.stem,
    )
    namesake = folder / file.name
    if (  # the record goes by the name; what rehearsals share signs nothing that matters
        namesake.is_file()
        and not file.samefile(namesake)
        and not (draft.is_rehearsal and read_draft(namesake, folder).is_rehearsal)
    ):
        found = f"found {shown(file)}, which is not {shown(namesake)}"
        raise ConfigError(
            [f"--env: {found}; expected another name: {file.stem} has a record of its own"]
        )
    return draft


def environments_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the environments in *folder*; base is only written on."""
    return tuple(sorted(file.stem for file in folder.glob("*.toml") if file.stem != "base"))


def _extended(
    file: Path, extends: object, folder: Path, chain: Mapping[Path, object]
) -> Path | None:
    """Return the file that *file* extends: a name beside it or in *folder*, or a path from it."""
    if extends is None:
        return None
    if not isinstance(extends, str):
        text = f"found {spoken(extends)}; expected the name or path of a file"
        raise ConfigError([f"{shown(file)}: extends: {text}"])
    name = extends if extends.endswith(".toml") else f"{extends}.toml"
    places = [place for place in (file.parent / name, folder / name) if place.is_file()]
    if not places:
        known = {path.stem for place in (file.parent, folder) for path in place.glob("*.toml")}
        problem = unknown(extends, known, what="a file to extend")
        raise ConfigError([f"{shown(file)}: extends: {problem}"])
    if any(places[0].samefile(seen) for seen in chain):
        way = " -> ".join(path.stem for path in (*chain, places[0]))
        raise ConfigError([f"{shown(file)}: extends: found a loop: {way}; expected an end"])
    return places[0]


def _merge(
    into: dict[str, Any], table: Mapping[str, Any], file: Path, loc: Loc, origins: dict[Loc, Path]
) -> None:
    """Merge tables deeply; everything else, lists too, replaces what was there."""
    for key, value in table.items():
        origins[(*loc, key)] = file
        if isinstance(value, dict):
            inner = into[key] if isinstance(into.get(key), dict) else {}
            into[key] = inner
            _merge(inner, value, file, (*loc, key), origins)
        else:
            into[key] = value


def _leaves(value: object, loc: Loc) -> Iterator[tuple[Loc, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*loc, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*loc, index))
    else:
        yield loc, value
