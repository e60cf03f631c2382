// The ways to play a stream, best first, and which of them this browser can go.

import { mediaAddress } from "../addresses";
import { firstTrack, type Stream, type Track } from "../server";

export type WayName = "ws-flv" | "http-flv" | "ll-hls" | "dash" | "hls";

/** A player at work on the video element. */
export interface Running {
  /** Seconds behind the live edge, if it can know; else null. */
  latency(): number | null;
  stop(): void;
}

/** Begin to play; call `lost` once when it cannot go on by itself. */
export type Start = (
  video: HTMLVideoElement,
  address: string,
  stream: Stream,
  lost: (reason: string) => void,
) => Running;

interface Way {
  extension: string;
  websocket?: boolean;
  /** Whether the player leaves it to us to stay near the live edge. */
  steered?: boolean;
  load: () => Promise<Start>;
}

/** What mpegts.js plays in FLV. Of AV1 with Opus it shows nothing, whatever it says that it reads. */
const IN_FLV = new Set(["avc1", "hvc1", "mp4a", ".mp3"]);

const hls = (lowLatency: boolean) => async (): Promise<Start> =>
  hasMediaSource()
    ? (await import("./hls")).startHls(lowLatency)
    : (await import("./native")).startNative;

export const WAYS: Record<WayName, Way> = {
  "ws-flv": {
    extension: "flv",
    websocket: true,
    steered: true,
    load: async () => (await import("./flv")).startFlv,
  },
  "http-flv": {
    extension: "flv",
    steered: true,
    load: async () => (await import("./flv")).startFlv,
  },
  "ll-hls": { extension: "m3u8", load: hls(true) },
  dash: { extension: "mpd", load: async () => (await import("./dash")).startDash },
  hls: { extension: "m3u8", load: hls(false) },
};

export const WAY_NAMES = Object.keys(WAYS) as WayName[];

export function wayAddress(way: WayName, stream: string): string {
  return mediaAddress(stream, WAYS[way].extension, WAYS[way].websocket);
}

/** What media are given to piece by piece; on an iPhone it is a managed one. */
function mediaSource(): typeof MediaSource | undefined {
  const managed = (window as { ManagedMediaSource?: typeof MediaSource }).ManagedMediaSource;
  return window.MediaSource ?? managed;
}

const hasMediaSource = (): boolean => mediaSource() !== undefined;

const hasNativeHls = (): boolean =>
  document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";

/** Whether this browser decodes a track; the server's word for it is RFC 6381's. */
export function canDecode(track: Track): boolean {
  const container = `${track.kind}/mp4; codecs="`;
  const codec = track.codec_string ?? (track.codec === ".mp3" ? "mp3" : "");
  const source = mediaSource();
  if (source) return codec !== "" && source.isTypeSupported(`${container}${codec}"`);
  return document.createElement("video").canPlayType(`${container}${codec}"`) !== "";
}

/** The ways that a stream can be played here, best first. */
export function possibleWays(stream: Stream): WayName[] {
  const media = [firstTrack(stream, "video"), firstTrack(stream, "audio")].filter((track) => !!track);
  if (!media.every(canDecode)) return [];
  return WAY_NAMES.filter((way) => {
    if (!stream.ways.includes(way)) return false;
    if (!hasMediaSource()) return WAYS[way].extension === "m3u8" && hasNativeHls();
    return WAYS[way].extension !== "flv" || media.every(({ codec }) => IN_FLV.has(codec));
  });
}
