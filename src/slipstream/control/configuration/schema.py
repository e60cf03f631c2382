"""The JSON Schema of configuration files, made of the models, for editors."""

from __future__ import annotations

from typing import Any

from slipstream.control.configuration.config import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """What a configuration file may hold, with what each setting means.

    The file itself is read more strictly: what a pattern cannot say is checked then.
    """
    schema = Config.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "Configuration of Slipstream"}
