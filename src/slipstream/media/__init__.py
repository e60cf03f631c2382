"""What travels: frames, the bodies of tags, codec configurations, files and time.

`parse_tag` makes frames of message and tag bodies, `Timeline` makes their times steady,
`player_frame` shows them as a player can read them, `describe` says what is in them. Bytes
in, values out: no I/O and no clock anywhere below this package.
"""

from slipstream.media.codec_info import CodecInfo
from slipstream.media.description import describe
from slipstream.media.elementary import CARRIED, Elementary, needs_sample, open_elementary
from slipstream.media.enhanced_tag import COMMAND
from slipstream.media.flv import (
    FlvParser,
    FlvTag,
    build_flv_tag,
    flv_header,
    flv_tag_header,
    flv_tag_trailer,
)
from slipstream.media.frame import Codec, Frame, Kind
from slipstream.media.metadata import (
    announces_video,
    build_metadata,
    metadata_of_tracks,
    parse_metadata,
    sound_languages,
)
from slipstream.media.mp4 import (
    HEAD_BYTES,
    Fragment,
    Run,
    Sample,
    build_fragment,
    build_init,
    parse_fragment,
)
from slipstream.media.mp4_track import Mp4Track
from slipstream.media.mpegts import (
    NULL_PID,
    PACKET_SIZE,
    PAT_PID,
    PMT_PID,
    TICKS_PER_MS,
    Packetizer,
    build_pat,
    build_pes,
    build_pmt,
    newest_version,
)
from slipstream.media.payload import ConfigRole, Role, coded_data, config_data, config_role
from slipstream.media.players import nano_offset_ns, plain_track, player_frame, split_tracks
from slipstream.media.sample_entry import MP4_CARRIED, needs_mp4_sample, open_mp4_track
from slipstream.media.tag import parse_tag
from slipstream.media.tag_builder import (
    build_audio_config,
    build_audio_tag,
    build_video_config,
    build_video_end,
    build_video_tag,
)
from slipstream.media.timeline import Repairs, Timeline

__all__ = [
    "CARRIED",
    "COMMAND",
    "HEAD_BYTES",
    "MP4_CARRIED",
    "NULL_PID",
    "PACKET_SIZE",
    "PAT_PID",
    "PMT_PID",
    "TICKS_PER_MS",
    "Codec",
    "CodecInfo",
    "ConfigRole",
    "Elementary",
    "FlvParser",
    "FlvTag",
    "Fragment",
    "Frame",
    "Kind",
    "Mp4Track",
    "Packetizer",
    "Repairs",
    "Role",
    "Run",
    "Sample",
    "Timeline",
    "announces_video",
    "build_audio_config",
    "build_audio_tag",
    "build_flv_tag",
    "build_fragment",
    "build_init",
    "build_metadata",
    "build_pat",
    "build_pes",
    "build_pmt",
    "build_video_config",
    "build_video_end",
    "build_video_tag",
    "coded_data",
    "config_data",
    "config_role",
    "describe",
    "flv_header",
    "flv_tag_header",
    "flv_tag_trailer",
    "metadata_of_tracks",
    "nano_offset_ns",
    "needs_mp4_sample",
    "needs_sample",
    "newest_version",
    "open_elementary",
    "open_mp4_track",
    "parse_fragment",
    "parse_metadata",
    "parse_tag",
    "plain_track",
    "player_frame",
    "sound_languages",
    "split_tracks",
]
