"""What nginx-rtmp's directives are here: carried over, as it is anyway, or not to be had.

Source: github.com/arut/nginx-rtmp-module/wiki/Directives.
"""

from __future__ import annotations

ASKED = {"on_connect": "connect", "on_publish": "publish", "on_play": "play"}
TOLD = {
    "on_disconnect": "disconnect",
    "on_publish_done": "publish_done",
    "on_play_done": "play_done",
}
RUN = {
    "exec": "publish",
    "exec_push": "publish",
    "exec_publish": "publish",
    "exec_publish_done": "publish_done",
    "exec_play": "play",
    "exec_play_done": "play_done",
}
PLACES = {"app": "{app}", "name": "{name}", "addr": "{address}", "clientid": "{id}"}
EVERYWHERE = ["0.0.0.0/0", "::/0"]


ALWAYS = {
    "live": "every application is live",
    "hls": "always on: http://HOST:8080/APP/NAME.m3u8",
    "dash": "always on: http://HOST:8080/APP/NAME.mpd",
    "meta": "metadata are passed on always",
    "wait_key": "viewers begin with a keyframe always",
    "interleave": "sound and pictures are interleaved always",
    "gop_cache": "viewers begin with the latest keyframe always",
    "publish_notify": "players are told always",
    "play_restart": "players are told always",
}
"""What nginx-rtmp has `on` or `off` and is on here."""

UNSAID = {
    **dict.fromkeys(
        ("chunk_size", "out_queue", "out_cork", "ack_window", "max_message", "max_streams"),
        "needs no setting",
    ),
    **dict.fromkeys(("timeout", "ping", "ping_timeout"), "`net` has timeouts of its own"),
    **dict.fromkeys(
        ("hls_path", "dash_path"), "segments are kept in memory, and served from there"
    ),
    **dict.fromkeys(("hls_nested", "dash_nested"), "addresses are /APP/NAME.m3u8 and .mpd"),
    **dict.fromkeys(("hls_cleanup", "dash_cleanup"), "nothing is written to disk"),
    **dict.fromkeys(("hls_keys", "hls_key_path", "hls_key_url"), "segments are not encrypted"),
    **dict.fromkeys(("play", "play_temp_path", "play_local_path"), "files are not served"),
    **dict.fromkeys(("push_reconnect", "pull_reconnect"), "relays come back by themselves"),
    **dict.fromkeys(("exec_options", "respawn", "respawn_timeout"), "programs are run once"),
    "access_log": "the log has a line when something begins, and one when it ends",
    "max_connections": "there is `streams.max_viewers`, of one stream, and `net.max_pending`",
    "idle_streams": "viewers wait `streams.wait_s` for a publisher",
    "sync": "timestamps are repaired, there is nothing to set",
    "buflen": "viewers get what is there at once",
    "notify_method": "hooks are posted always",
    "notify_update_strict": "whoever does not answer does not end anything",
    "wait_video": "viewers begin as soon as there is something to play",
    "hls_variant": "qualities are tracks of one stream: docs/guides/multitrack.md",
    "exec_static": "nothing is run that no event starts: use your service manager",
    "exec_pull": "there is no event of it",
    "exec_record_done": "recording is not carried over",
}
"""Why there is nothing to be set for these."""

OUTSIDE = {
    "rtmp_auto_push": "every worker has every stream",
    "rtmp_stat": "GET /metrics, GET /api/v1/streams and the console tell",
    "rtmp_control": "docs/reference/api.md: whoever publishes or plays can be sent away",
    "stream": "for RTMPS set `tls.certificates`: docs/guides/tls.md",
    "worker_processes": "there is a worker for each processor, or see `server.workers`",
}
"""What stands outside the block `rtmp` and has to do with it."""
