// Figures as people read them.

import type { Stream, Track } from "./server";
import { texts } from "./texts";

export function bitrate(bps: number): string {
  if (bps <= 0) return texts.figures.none;
  return bps < 999_500 ? `${Math.round(bps / 1000)} kbit/s` : `${(bps / 1e6).toFixed(1)} Mbit/s`;
}

export function duration(seconds: number): string {
  const { time } = texts;
  const whole = Math.floor(seconds);
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(whole / unit));
  if (!minutes) return time.seconds(whole);
  if (!hours) return time.minutes(minutes);
  if (!days) return time.hours(hours, minutes % 60);
  return time.days(days, hours % 24);
}

const CODECS: Record<string, string> = {
  avc1: "H.264",
  hvc1: "H.265",
  vvc1: "H.266",
  av01: "AV1",
  vp08: "VP8",
  vp09: "VP9",
  mp4a: "AAC",
  ".mp3": "MP3",
  Opus: "Opus",
  fLaC: "FLAC",
  "ac-3": "AC-3",
  "ec-3": "E-AC-3",
};

export const codecName = (track: Track): string => CODECS[track.codec] ?? track.codec;

const KINDS = ["video", "audio"];

/** `H.264 · AAC`, each codec once. */
export function codecs(stream: Stream): string {
  const shown = KINDS.flatMap((kind) => stream.tracks.filter((track) => track.kind === kind));
  return [...new Set(shown.map(codecName))].join(" · ") || texts.figures.none;
}

/** `1080p30`; nothing if it is not known. */
export function pictureSize(track: Track | undefined): string {
  if (!track?.height) return "";
  return `${track.height}p${track.frame_rate ? Math.round(track.frame_rate) : ""}`;
}

export function seconds(value: number | null): string {
  return value === null || !Number.isFinite(value) ? texts.figures.none : `${value.toFixed(1)} s`;
}

/** The last part of a stream's name, and what stands before it. */
export function nameParts(stream: string): [app: string, name: string] {
  const cut = stream.lastIndexOf("/") + 1;
  return [stream.slice(0, cut), stream.slice(cut)];
}
