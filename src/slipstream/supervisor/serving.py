"""What `slipstream serve` does: one process, or a supervisor with its workers.

A supervisor may be the first, or come after another one: because that one was told to replace
itself (same process, new code and configuration, next generation of workers), or because it
died and a worker has started this one (same configuration, same workers).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import structlog

from slipstream import app
from slipstream.access import load_keys
from slipstream.control.configuration.config import Config
from slipstream.control.configuration.mistakes import ConfigError
from slipstream.control.configuration.reload import LoadConfig
from slipstream.control.data_folder import check_data_folder, open_data_folder
from slipstream.control.logs.logs import Logs
from slipstream.control.pid_file import pid_file
from slipstream.control.welcome import welcome
from slipstream.errors import SlipstreamError
from slipstream.net.listener import format_address, open_listening_socket
from slipstream.supervisor.plan import Plan, first_plan, next_plan
from slipstream.supervisor.replacement import TRIAL
from slipstream.supervisor.supervisor import Supervisor
from slipstream.tls import prepare
from slipstream.workers.inheritance import Inheritance

log = structlog.get_logger()


def serve(load: LoadConfig, arguments: Sequence[str]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        load: reads the configuration, which may have changed when it is called again.
        arguments: of the command line, behind `serve`: with them another process does the same.

    Raises:
        SlipstreamError: a mistake in the configuration, an address that cannot be used.
    """
    inheritance = Inheritance.take()
    if os.environ.pop(TRIAL, ""):
        _try_out(load(), inheritance)
    elif inheritance is None:
        config = load()
        open_data_folder(config.server.data_dir)
        prepare(config.tls, config.server.data_dir)
        if config.server.worker_count == 1:
            app.serve(config, load)
        else:
            keys = load_keys(config.server.data_dir)
            _supervise(first_plan(config, keys, arguments), load)
    else:
        _succeed(load, arguments, inheritance)


def _try_out(config: Config, inheritance: Inheritance | None) -> None:
    """See whether everything that a new supervisor needs is there; start nothing.

    Raises:
        SlipstreamError: what is not.
    """
    _import_loop()
    check_data_folder(config.server.data_dir)
    load_keys(config.server.data_dir)
    prepare(config.tls, config.server.data_dir)
    server, encrypted = config.server, config.encrypted()
    if inheritance is not None:
        for wanted, there in (
            (server.rtmp, inheritance.rtmp),
            (server.http, inheritance.http),
            (encrypted.rtmps, inheritance.rtmps),
            (encrypted.https, inheritance.https),
        ):
            if wanted and wanted not in there.values():
                open_listening_socket(wanted).close()


def _succeed(load: LoadConfig, arguments: Sequence[str], inheritance: Inheritance) -> None:
    config, mistake = _configuration(load, inheritance)
    open_data_folder(config.server.data_dir)
    keys = load_keys(config.server.data_dir)
    plan = next_plan(config, keys, arguments, inheritance)
    if plan is None:
        return  # two workers had the same thought, and the other one was faster
    _supervise(plan, load, inheritance, mistake)


def _configuration(load: LoadConfig, inheritance: Inheritance) -> tuple[Config, str]:
    """The configuration for a supervisor after another, and what is wrong with the new one.

    Workers must not be left alone: if there is a mistake in the file by now, what was in force
    stays so. Who comes after a supervisor that died changes nothing in any case.
    """
    mistake = ""
    if inheritance.begins_generation:
        try:
            return load(), ""
        except SlipstreamError as error:
            mistake = str(error)
    try:
        return Config.from_json(inheritance.config), mistake
    except ConfigError:
        return load(), ""  # this version knows other settings


def _supervise(
    plan: Plan,
    load: LoadConfig,
    inheritance: Inheritance | None = None,
    mistake: str = "",
) -> None:
    secrets = (plan.keys.publish_key, plan.keys.api_token)
    logs = Logs(plan.config.log, secrets=secrets)
    logs.start()
    if mistake:
        log.error("server.configuration_kept", reason=mistake)

    def tell() -> None:
        if inheritance is None:
            socks = (*plan.rtmp, *plan.http, *plan.rtmps, *plan.https)
            print(welcome(plan.config, plan.keys, *map(format_address, socks)), file=sys.stderr)  # noqa: T201
        elif inheritance.begins_generation:
            log.info("server.replaced", generation=plan.generation)

    _import_loop()
    supervisor = Supervisor(
        plan,
        logs,
        app.work,
        tell,
        load,
        next_number=1 if inheritance is None else inheritance.next_number,
        awaited={} if inheritance is None else inheritance.workers,
    )
    # Workers share what is there now: a collector that went through it would copy it.
    gc.collect()
    gc.freeze()
    try:
        with pid_file(plan.config.server.data_dir):
            supervisor.run()
    finally:
        logs.stop()


def _import_loop() -> None:
    """What a worker would import first of all, so that it finds it there."""
    try:
        import_module("uvloop")
    except ImportError:
        return
