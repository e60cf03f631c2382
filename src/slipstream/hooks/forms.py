"""The forms by the names that they have in the settings."""

from __future__ import annotations

from slipstream.hooks.form import Form
from slipstream.hooks.nginx_form import NginxForm
from slipstream.hooks.own_form import OwnForm
from slipstream.hooks.srs_form import SrsForm

FORMS: dict[str, Form] = {"json": OwnForm(), "nginx-rtmp": NginxForm(), "srs": SrsForm()}
