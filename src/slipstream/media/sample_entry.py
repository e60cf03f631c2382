"""What MP4 can carry, by codec: `open_mp4_track` describes a track made of our configuration."""

from __future__ import annotations

from slipstream.errors import MediaError
from slipstream.media import audio_entry, video_entry
from slipstream.media.frame import Codec
from slipstream.media.mp4_track import Mp4Track

OPENERS = {**video_entry.OPENERS, **audio_entry.OPENERS}
MP4_CARRIED = frozenset(OPENERS)
BY_SAMPLE = frozenset((Codec.VP8, Codec.VP9, Codec.MP3, Codec.AC3, Codec.EAC3))


def needs_mp4_sample(codec: Codec) -> bool:
    """Whether it always takes a frame to know what the track is."""
    return codec in BY_SAMPLE


def open_mp4_track(codec: Codec, config: bytes, sample: bytes = b"") -> Mp4Track:
    """Describe a track.

    Args:
        codec: of the frames.
        config: their configuration; empty where there is none.
        sample: a frame, of pictures a keyframe; empty where there is none yet. AV1 needs one
            where the configuration has no sequence header, Opus where there is none.

    Raises:
        MediaError: MP4 cannot carry this, or not without what is missing.
    """
    opener = OPENERS.get(codec)
    if opener is None:
        raise MediaError(f"MP4 cannot carry {codec}")
    return opener(config, sample)
