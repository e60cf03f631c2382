"""A second copy of a module, not instrumented: for the second opinion, at full speed."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


def plain(module: ModuleType) -> Any:
    """Load a module's source once more, beside it; what it imports is shared."""
    assert module.__file__ is not None
    source = Path(module.__file__).with_name(module.__name__.rpartition(".")[2] + ".py")
    spec = spec_from_file_location(f"plain_{source.stem}", source)
    assert spec is not None
    assert spec.loader is not None
    copy = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy
