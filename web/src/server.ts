// What the server tells of its streams.

import { mediaAddress, root } from "./addresses";
import type { WayName } from "./player/ways";

export interface Track {
  kind: string;
  codec: string;
  codec_string: string | null;
  width: number | null;
  height: number | null;
  frame_rate: number | null;
  sample_rate: number | null;
  channels: number | null;
}

export interface Stream {
  name: string;
  state: "off" | "starting" | "slate" | "live" | "refused";
  for_s: number;
  bitrate_bps: number;
  viewers: number;
  tracks: Track[];
  ways: WayName[];
}

export interface Publishing {
  rtmp_port: number;
  key: boolean;
}

export interface Listing {
  listed: boolean;
  count: number;
  streams: Stream[];
  publish: Publishing;
}

const PATIENCE_MS = 8_000;

const fetchSoon = (address: string): Promise<Response> =>
  fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });

async function read<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return (await answer.json()) as T;
}

export async function askForAll(): Promise<Listing> {
  return read(await fetchSoon(new URL("page/streams.json", root).href));
}

export async function askForOne(name: string): Promise<Stream> {
  const answer = await fetchSoon(mediaAddress(`page/stream/${name}`, "json"));
  return answer.status === 403 ? refusedStream(name) : read(answer);
}

/** A stream that this visitor may not watch: nothing else is known of it. */
export const refusedStream = (name: string): Stream => ({
  name,
  state: "refused",
  for_s: 0,
  bitrate_bps: 0,
  viewers: 0,
  tracks: [],
  ways: [],
});

/** Whether the server has said so with this very document, which then asks for nothing more. */
export const isRefused = (): boolean => document.body.dataset["refused"] !== undefined;

/** The one of a kind that is played unless another one is asked for. */
export function firstTrack(stream: Stream, kind: "video" | "audio"): Track | undefined {
  return stream.tracks.find((track) => track.kind === kind);
}

export const isOnAir = (stream: Stream): boolean =>
  stream.state === "live" || stream.state === "slate";

/**
 * Ask again and again, at intervals that `pause` gives in ms.
 *
 * `tell` gets each answer, or null if there was none; what is returned asks at once. Nobody is asked while the page is hidden,
 * unless it `listens` all the same.
 */
export function keepAsking<T>(
  question: () => Promise<T>,
  pause: () => number,
  tell: (answer: T | null) => void,
  listens = false,
): () => void {
  let timer = 0;
  let asking = false;

  async function once(): Promise<void> {
    if (asking) return;
    clearTimeout(timer);
    asking = true;
    const answer = await question().catch(() => null);
    asking = false;
    tell(answer);
    timer = window.setTimeout(() => void (isWanted() && once()), pause());
  }

  const isWanted = (): boolean => listens || !document.hidden;
  const onShown = (): void => void (!document.hidden && once());
  document.addEventListener("visibilitychange", onShown);
  void once();
  return () => void once();
}
