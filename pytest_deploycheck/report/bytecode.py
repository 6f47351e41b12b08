"""Compiled templates, kept where Python keeps compiled modules: compiling is most of a page."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import sys
import tempfile
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket


class BesideModules(jinja2.BytecodeCache):
    """Obeys PYTHONPYCACHEPREFIX and PYTHONDONTWRITEBYTECODE; a folder it may not write to is fine.

    Jinja2 itself tells what was compiled by another Python, or from another text.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the path of the compiled file: the bucket knows nothing else of its template."""
        return importlib.util.cache_from_source(filename or name)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read it, if it is there and whole."""
        torn = (EOFError, pickle.UnpicklingError)
        with contextlib.suppress(OSError, *torn), Path(bucket.key).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write it, if that is possible; whoever reads meanwhile reads the old one, or none."""
        if sys.dont_write_bytecode:
            return
        path = Path(bucket.key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
            with os.fdopen(handle, "wb") as file:
                bucket.write_bytecode(file)
                os.fchmod(file.fileno(), 0o644)
            Path(name).replace(path)
