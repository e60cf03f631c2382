// How playback is doing, in figures; tests and others find the same at window.slipstream.

import { h, setText } from "../dom";
import type { Playback } from "../player/playback";
import { firstTrack, type Stream } from "../server";
import { texts } from "../texts";
import { bitrate, codecs, pictureSize, seconds } from "../wording";

const SHOW_EVERY_MS = 500;

export interface Figures {
  readonly state: string;
  readonly way: string | null;
  /** Behind the live edge, where the player knows; else null. */
  readonly latencySeconds: number | null;
  readonly bufferSeconds: number | null;
  readonly stalls: number;
  readonly stalledSeconds: number;
  readonly reconnects: number;
  readonly frames: number;
  readonly droppedFrames: number;
}

declare global {
  interface Window {
    slipstream?: Figures;
  }
}

export function figuresOf(playback: Playback): Figures {
  const quality = (): VideoPlaybackQuality => playback.video.getVideoPlaybackQuality();
  return {
    get state() {
      return playback.state;
    },
    get way() {
      return playback.way;
    },
    get latencySeconds() {
      return playback.latency;
    },
    get bufferSeconds() {
      return playback.buffer;
    },
    get stalls() {
      return playback.stalls;
    },
    get stalledSeconds() {
      return playback.stalledMs / 1000;
    },
    get reconnects() {
      return playback.reconnects;
    },
    get frames() {
      return quality().totalVideoFrames;
    },
    get droppedFrames() {
      return quality().droppedVideoFrames;
    },
  };
}

export function figuresPanel(figures: Figures, stream: () => Stream | null): HTMLElement {
  const words = texts.figures;
  const panel = h("dl", { class: "figures" });
  const tile = (label: string, hint = ""): [HTMLElement, HTMLElement] => {
    const [name, value] = [h("dt", {}, label), h("dd", {}, words.none)];
    panel.append(h("div", { title: hint || false }, [name, value]));
    return [name, value];
  };
  const [edgeName, edge] = tile(words.buffer, words.bufferHint);
  const [, stalls] = tile(words.stalls, words.stallsHint);
  const [, rate] = tile(words.bitrate);
  const [, size] = tile(words.picture);
  const [, codec] = tile(words.codec);
  const [, dropped] = tile(words.dropped, words.droppedHint);

  window.setInterval(() => {
    const { latencySeconds, bufferSeconds, stalledSeconds, frames, droppedFrames } = figures;
    const hasClock = latencySeconds !== null;
    setText(edgeName, hasClock ? words.latency : words.buffer);
    edgeName.parentElement!.title = hasClock ? words.latencyHint : words.bufferHint;
    setText(edge, seconds(latencySeconds ?? bufferSeconds));
    setText(stalls, figures.stalls ? `${figures.stalls} (${seconds(stalledSeconds)})` : "0");
    setText(dropped, frames ? `${droppedFrames} / ${frames}` : words.none);
    const known = stream();
    if (!known) return;
    const video = firstTrack(known, "video");
    setText(rate, bitrate(known.bitrate_bps));
    setText(size, video?.width ? `${video.width}×${pictureSize(video)}` : pictureSize(video) || words.none);
    setText(codec, codecs(known));
  }, SHOW_EVERY_MS);
  return panel;
}
