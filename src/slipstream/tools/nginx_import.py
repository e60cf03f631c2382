"""nginx-rtmp's configuration, as far as ours can say the same; the rest is told line by line.

As there, what an application does not say itself it has from its server, and that from the block
`rtmp`. Every directive is either carried over or told of: what nobody has looked at in the end is
told, too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import crossplane
import tomli_w

from slipstream.errors import SlipstreamError
from slipstream.tools.nginx_directives import (
    ALWAYS,
    ASKED,
    EVERYWHERE,
    OUTSIDE,
    PLACES,
    RUN,
    TOLD,
    UNSAID,
)

Table = dict[str, Any]

_TIME = re.compile(r"(\d+)(ms|s|m|h|d)?")
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))|([{}])")
_ALLOWED = {  # where each is, and whole numbers that it may be
    "idle_s": ("streams", 1, 86_400),
    "segment_ms": ("streams", 500, 60_000),
    "window_ms": ("streams", 2_000, 600_000),
    "update_s": ("hooks", 1, 86_400),
}


class Directive(NamedTuple):
    """A line of the configuration, and maybe those in its block."""

    name: str
    arguments: list[str]
    file: str
    line: int
    block: list[Directive]


class Imported(NamedTuple):
    """What became of a configuration."""

    toml: str
    notes: list[str]
    """What could not be carried over, and why: `FILE:LINE: DIRECTIVE: REASON`."""


def import_nginx(path: Path) -> Imported:
    """Read an nginx.conf, with what it includes.

    Raises:
        SlipstreamError: it cannot be read, or has no block `rtmp`.
    """
    importer = _Importer()
    blocks = _read(path)
    rtmp = [block for block in blocks if block.name == "rtmp"]
    if not rtmp:
        raise SlipstreamError(f"{path} has no block `rtmp`")
    for block in rtmp:
        importer.take_rtmp(block)
    for directive in blocks:
        if directive.name == "rtmp":
            importer.account(directive.block)
        else:
            importer.pass_by(directive)
    return Imported(tomli_w.dumps(importer.config), importer.notes)


def _read(path: Path) -> list[Directive]:
    read = crossplane.parse(str(path), check_ctx=False, check_args=False, combine=True)
    for error in read["errors"]:
        raise SlipstreamError(f"{path} cannot be read: {error['error']}")
    return [_directive(entry) for entry in read["config"][0]["parsed"]]


def _directive(entry: Mapping[str, Any]) -> Directive:
    inner = [_directive(each) for each in entry.get("block", ())]
    return Directive(entry["directive"], entry["args"], entry["file"], entry["line"], inner)


class _Importer:
    """Collects settings and notes."""

    def __init__(self) -> None:
        self.config: Table = {}
        self.notes: list[str] = []
        self._seen: set[tuple[str, ...]] = set()

    def note(self, directive: Directive, reason: str) -> None:
        """Say why something is not carried over."""
        note = f"{directive.file}:{directive.line}: {directive.name}: {reason}"
        self._see(directive)
        if note not in self.notes:
            self.notes.append(note)

    def account(self, block: Iterable[Directive]) -> None:
        """Tell of what is nowhere in force, since nobody has looked at it."""
        for directive in block:
            if directive.name in ("server", "application"):
                self.account(directive.block)
            elif _key(directive) not in self._seen:
                self.note(directive, "no application has it: each says it anew, or there is none")

    def pass_by(self, directive: Directive) -> None:
        """Tell of a directive outside the block `rtmp`."""
        inner = [each for each in _all(directive.block) if each.name in OUTSIDE]
        for each in inner:
            self.note(each, OUTSIDE[each.name])
        self.note(directive, OUTSIDE.get(directive.name, "is nginx's own"))

    def _see(self, directive: Directive) -> None:
        self._seen |= {_key(each) for each in (directive, *_all(directive.block))}

    def take_rtmp(self, rtmp: Directive) -> None:
        """Carry over the block `rtmp`."""
        for server in _named(rtmp.block, "server"):
            outer = _inherit(_plain(rtmp.block), _plain(server.block))
            for listen in _named(server.block, "listen"):
                self._listen(listen)
            for application in _named(server.block, "application"):
                said = _inherit(outer, _plain(application.block))
                self._application(application, said)

    def _listen(self, listen: Directive) -> None:
        place = listen.arguments[0] if listen.arguments else ""
        port = place.removeprefix("*:")
        server = self.config.setdefault("server", {})
        if "rtmp" in server or "unix:" in place:
            self.note(listen, "one address for RTMP is all there is")
            return
        server["rtmp"] = f":{port}" if port.isdigit() else place
        self._see(listen)
        if "proxy_protocol" in listen.arguments:
            self.note(listen, "list your proxies in `net.trusted_proxies`")
        others = [option for option in listen.arguments[1:] if option != "proxy_protocol"]
        if others:
            self.note(listen, f"without {', '.join(others)}")

    def _application(self, application: Directive, said: Sequence[Directive]) -> None:
        name = application.arguments[0]
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            self.note(application, "such a name is not carried over")
            return
        apps = self.config.setdefault("apps", {})
        if name in apps:
            self.note(application, "there is one of this name; it is the same at every address")
            return
        app: Table = apps.setdefault(name, {})
        app["access"] = {"publish": "anonymous", "play": "open"}
        for action in ("publish", "play"):
            self._rules(app["access"], action, said)
        for directive in said:
            self._carry(name, app, directive)
        if not any(each.name == "live" and each.arguments == ["on"] for each in said):
            app["access"].pop("publish_allow", None)
            app["access"] |= {"publish": "key", "publish_deny": EVERYWHERE}
            self.note(application, "nobody may publish, since it is not `live on`")
        elif app["access"]["publish"] == "anonymous":
            self.note(application, "anybody may publish, as before: see docs/guides/access.md")

    def _carry(self, name: str, app: Table, directive: Directive) -> None:
        what, arguments = directive.name, directive.arguments
        self._see(directive)
        if what in ("allow", "deny"):
            return
        if what in ALWAYS:
            if arguments == ["off"] and what != "live":
                self.note(directive, f"is not switched off: {ALWAYS[what]}")
        elif what in ASKED or what in TOLD or what == "on_update":
            self._hook(app, directive)
        elif what in RUN and arguments:
            self._command(app, directive)
        elif what in ("push", "pull") and arguments:
            self._relay(name, directive)
        elif what == "drop_idle_publisher":
            self._time(app, directive, "idle_s", 1_000)
        elif what in ("hls_fragment", "dash_fragment"):
            self._time(app, directive, "segment_ms", 1)
        elif what in ("hls_playlist_length", "dash_playlist_length"):
            self._time(app, directive, "window_ms", 1)
        elif what == "notify_update_timeout":
            self._time(app, directive, "update_s", 1_000)
        elif what.startswith("record"):
            if arguments != ["off"]:
                self.note(directive, "recording is not carried over")
        else:
            self.note(directive, UNSAID.get(what, "there is nothing like it"))

    def _time(self, app: Table, directive: Directive, key: str, unit: int) -> None:
        milliseconds = _milliseconds(directive.arguments)
        if not milliseconds:
            self.note(directive, "is no time above 0")
            return
        section, low, high = _ALLOWED[key]
        settings, asked = app.setdefault(section, {}), milliseconds / unit
        value = min(max(milliseconds // unit, low), high)
        if settings.get(key, value) != value:
            self.note(directive, f"another directive has set {section}.{key} = {settings[key]}")
            return
        settings[key] = value
        if value != asked:
            self.note(directive, f"{section}.{key} is {value} and not {asked:g}: {low} to {high}")

    def _hook(self, app: Table, directive: Directive) -> None:
        url, what = " ".join(directive.arguments), directive.name
        if not re.fullmatch(r"https?://[^\s$]+", url):
            self.note(directive, "only http:// and https:// without variables are posted to")
            return
        hooks = app.setdefault("hooks", {})
        hooks["form"] = "nginx-rtmp"
        if what in ASKED:
            hooks[f"ask_{ASKED[what]}"] = url
            if what != "on_connect":  # what is asked then comes before all other ways
                app["access"][ASKED[what]] = "hook"
        elif what == "on_update":
            hooks["ask_update"] = url
        else:
            hooks.setdefault("urls", {})[TOLD[what]] = url

    def _command(self, app: Table, directive: Directive) -> None:
        words = [_VARIABLE.sub(_place, word) for word in directive.arguments]
        if not words[0].startswith("/"):
            self.note(directive, f"write the whole path of {words[0]!r}; there is no PATH")
        elif any("$" in word or re.search(r"[<>|]", word) for word in words):
            self.note(directive, "only $app, $name, $addr and $clientid are known, and no shell")
        else:
            commands = app.setdefault("hooks", {}).setdefault("commands", {})
            commands.setdefault(RUN[directive.name], []).append(words)
            self.note(directive, "is run once, not again when it ends; `command_timeout_s` ends it")

    def _relay(self, app: str, directive: Directive) -> None:
        url, *options = directive.arguments
        given = dict(option.partition("=")[::2] for option in options)
        if "://" not in url:
            url = f"rtmp://{url}"
        if not re.fullmatch(r"rtmps?://[^/$\s{}]+(/[^$\s{}]*)?", url):
            self.note(directive, "is no address without variables")
            return
        scheme, _, rest = url.partition("://")
        host, *path = rest.rstrip("/").split("/")
        path = path or [app]
        if len(path) == 1:
            path.append("{name}")
        kind, name = directive.name, given.pop("name", "*")
        relay: Table = {"stream": f"{app}/{name}", "url": f"{scheme}://{host}/{'/'.join(path)}"}
        if name == "*" and "{name}" not in relay["url"]:
            self.note(directive, "several streams cannot have one address: name the stream")
            return
        if kind == "pull" and "static" not in given:
            relay["on_demand"] = True
        elif kind == "pull" and name == "*":
            self.note(directive, "a static pull needs name=")
            return
        self._allow_host(host)
        given.pop("static", None)
        if given:
            self.note(directive, f"without {', '.join(given)}")
        self.config.setdefault("relays", {}).setdefault(kind, []).append(relay)

    def _allow_host(self, host: str) -> None:
        """Private addresses are not reached without being named."""
        plain = host.rpartition(":")[0] or host
        plain = plain.strip("[]")
        try:
            private = not ipaddress.ip_address(plain).is_global
        except ValueError:
            private = plain == "localhost" or "." not in plain
        hosts = self.config.setdefault("relays", {}).setdefault("allowed_hosts", [])
        if private and plain not in hosts:
            hosts.append(plain)

    def _rules(self, access: Table, action: str, said: Iterable[Directive]) -> None:
        """There the first rule that fits decides; here a denial always does."""
        allowed: list[str] = []
        denied: list[str] = []
        decided = False
        for rule in said:
            if rule.name not in ("allow", "deny") or not rule.arguments:
                continue
            *which, address = rule.arguments
            if which and which != [action]:
                continue
            if decided:
                self.note(rule, "a line above has decided for everybody")
            elif address == "all":
                if rule.name == "deny":
                    denied += [] if allowed else EVERYWHERE
                else:
                    allowed = []
                decided = True
            elif not _is_network(address):
                self.note(rule, "is no address and no network")
                denied += EVERYWHERE if rule.name == "deny" else []
            elif rule.name == "deny":
                if allowed:
                    self.note(rule, "holds for whom a line above allows, too: denials come first")
                denied.append(address)
            else:
                allowed.append(address)
        if not decided:
            allowed = []  # whom no rule names may
        access |= {f"{action}_allow": allowed} if allowed else {}
        access |= {f"{action}_deny": denied} if denied else {}


def _named(block: Iterable[Directive], name: str) -> list[Directive]:
    return [directive for directive in block if directive.name == name]


def _all(block: Iterable[Directive]) -> Iterable[Directive]:
    """All in a block, and in the blocks in it."""
    for directive in block:
        yield directive
        yield from _all(directive.block)


def _key(directive: Directive) -> tuple[str, ...]:
    """What tells a directive from all others, but for one that says the same on the same line."""
    return (directive.file, str(directive.line), directive.name, *directive.arguments)


def _plain(block: Iterable[Directive]) -> list[Directive]:
    """What applications may have from the blocks around them."""
    return [each for each in block if each.name not in ("server", "application", "listen")]


def _inherit(outer: Sequence[Directive], own: Sequence[Directive]) -> list[Directive]:
    names = {directive.name for directive in own}
    if names & {"allow", "deny"}:
        names |= {"allow", "deny"}
    return [*(directive for directive in outer if directive.name not in names), *own]


def _milliseconds(arguments: Sequence[str]) -> int:
    match = _TIME.fullmatch(arguments[0]) if arguments else None
    return int(match[1]) * _UNITS[match[2] or "s"] if match else 0


def _place(found: re.Match[str]) -> str:
    """Our placeholder for a variable; braces that stand for themselves are doubled."""
    if found[3]:
        return found[3] * 2
    return PLACES.get(found[1] or found[2], "$")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
