// Stays near the live edge: a little faster or slower, and a jump where that would take too long.

const TARGET_S = 0.5; // of buffer: less, and every hiccup of the network is seen
const MAX_TARGET_S = 3;
const STALL_COSTS_S = 0.4; // of target: a network that stalls needs more
const CALM_MS = 10_000; // without a stall, after which less is tried again
const CALM_EARNS_S = 0.2;
const JUMP_S = 2; // above the target
const START_JUMP_S = 0.3; // the same, for the picture group that a viewer starts with
const STARTING_MS = 2_000; // of playing
const DEAD_ZONE_S = 0.1;
const GAIN = 0.25; // of speed, for each second
const [SLOWEST, FASTEST] = [0.96, 1.12]; // the voice keeps its pitch

export class LiveEdge {
  #target = TARGET_S;
  #startedAt: number | null = null;
  #calmSince = 0;

  /** A new connection: it begins with a whole picture group. */
  begin(now: number): void {
    this.#startedAt = null;
    this.#calmSince = now;
  }

  stalled(now: number): void {
    this.#target = Math.min(this.#target + STALL_COSTS_S, MAX_TARGET_S);
    this.#calmSince = now;
  }

  /** Look at it a few times a second. */
  steer(video: HTMLVideoElement, now: number): void {
    const ahead = bufferedAhead(video);
    if (ahead === null || video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return;
    this.#startedAt ??= now;
    if (now - this.#calmSince > CALM_MS && this.#target > TARGET_S) {
      this.#target -= CALM_EARNS_S;
      this.#calmSince = now;
    }
    const excess = ahead - this.#target;
    const isStarting = now - this.#startedAt < STARTING_MS;
    if (excess > (isStarting ? START_JUMP_S : JUMP_S)) {
      video.currentTime += excess;
      video.playbackRate = 1;
    } else {
      const speed = Math.abs(excess) < DEAD_ZONE_S ? 1 : 1 + excess * GAIN;
      video.playbackRate = Math.min(Math.max(speed, SLOWEST), FASTEST);
    }
  }

  /** Go there now. */
  jump(video: HTMLVideoElement): void {
    const ahead = bufferedAhead(video);
    if (ahead !== null && ahead > this.#target) video.currentTime += ahead - this.#target;
  }
}

/** Seconds that are buffered beyond what is shown; null if nothing is. */
export function bufferedAhead(video: HTMLVideoElement): number | null {
  const { buffered, currentTime } = video;
  for (let range = buffered.length - 1; range >= 0; range--) {
    if (buffered.start(range) <= currentTime + 0.1) return Math.max(buffered.end(range) - currentTime, 0);
  }
  return null;
}

/** Where playback can go on behind a gap; null if there is none. */
export function beyondGap(video: HTMLVideoElement): number | null {
  const { buffered, currentTime } = video;
  for (let range = 0; range < buffered.length; range++) {
    if (buffered.start(range) > currentTime) return buffered.start(range) + 0.01;
  }
  return null;
}
