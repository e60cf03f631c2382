// Plays one stream and goes on doing so: chooses a way, watches over it, begins anew when it breaks.

import { prefer, preference } from "../preferences";
import { isOnAir, type Stream } from "../server";
import { beyondGap, bufferedAhead, LiveEdge } from "./live-edge";
import { possibleWays, type Running, WAYS, type WayName, wayAddress } from "./ways";

export type State =
  | "connecting"
  | "playing"
  | "buffering"
  | "paused"
  | "off"
  | "reconnecting"
  | "unreachable"
  | "refused"
  | "unsupported";

export type Choice = WayName | "auto";

const LOOK_EVERY_MS = 200;
const STALL_MS = 350; // without progress, after which it is seen
const STUCK_MS = 5_000; // the same, after which it is begun anew
const STUCK_AT_START_MS = 12_000; // a segment has to be made first
const STEADY_MS = 4_000; // of playing, after which a connection counts as good
const FIRST_PAUSE_MS = 400; // before it is tried again; doubled each time
const LONGEST_PAUSE_MS = 8_000;
const BEGIN_ANEW_EVERY_MS = 60_000;
const LET_GO_MS = 20_000; // of pause, after which nothing more is received

/** Load the page again, but not over and over. */
function beginAnew(): void {
  const now = Date.now();
  if (now - Number(preference("begun") ?? 0) < BEGIN_ANEW_EVERY_MS) return;
  prefer("begun", String(now));
  location.reload();
}

export class Playback {
  state: State = "connecting";
  way: WayName | null = null;
  /** The browser refuses to begin without a tap. */
  needsTap = false;
  /** The browser refused sound, so it is muted. */
  wasMuted = false;
  stalls = 0;
  stalledMs = 0;
  reconnects = 0;

  #stream: Stream | null = null;
  #isReachable = true;
  /** A player could not be loaded: the server may have another version of the page by now. */
  #isOutdated = false;
  #choice: Choice;
  #wanted: boolean;
  #running: Running | null = null;
  #edge = new LiveEdge();
  #generation = 0;
  #attempts = 0;
  #turn = 0;
  #timer = 0;
  #connectedAt = 0;
  #movedAt = 0;
  #onAirSince = 0;
  #pausedAt = 0;
  #stallSince = 0;
  #hasMoved = false;
  #lastTime = -1;

  constructor(
    readonly video: HTMLVideoElement,
    options: { choice: Choice; autoplay: boolean },
    private readonly changed: () => void,
  ) {
    this.#choice = options.choice;
    this.#wanted = options.autoplay;
    video.addEventListener("pause", () => this.#onPause());
    video.addEventListener("play", () => void (this.#wanted = true));
    window.setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  get choice(): Choice {
    return this.#choice;
  }

  get isPaused(): boolean {
    return !this.#wanted;
  }

  get latency(): number | null {
    return this.state === "playing" ? (this.#running?.latency() ?? null) : null;
  }

  get buffer(): number | null {
    return this.#running ? bufferedAhead(this.video) : null;
  }

  /** What the server says of the stream now; null if it does not answer. */
  tell(stream: Stream | null): void {
    const wasOnAir = this.#isOnAir();
    const wasReachable = this.#isReachable;
    this.#isReachable = stream !== null;
    if (stream === null) {
      this.#turn = 0; // no way can work: that says nothing of the first one
      if (!this.#running) this.#set("unreachable");
      return;
    }
    if (this.#isOutdated) beginAnew();
    this.#stream = stream;
    if (this.#isOnAir() && !wasOnAir) this.#onAirSince = performance.now();
    if (this.#running) return;
    if (!this.#isOnAir()) this.#set(this.#absence());
    else if (!wasOnAir || !wasReachable) this.#connect();
  }

  choose(choice: Choice): void {
    this.#choice = choice;
    this.#turn = this.#attempts = 0;
    if (this.#running && this.#next() === this.way) return this.changed();
    this.#end();
    this.#set("connecting");
    this.#connect();
  }

  async play(): Promise<void> {
    this.#wanted = true;
    this.needsTap = false;
    if (this.#running) this.goLive();
    else this.#connect();
    await this.#begin();
  }

  pause(): void {
    this.#wanted = false;
    this.video.pause();
  }

  goLive(): void {
    if (!this.#wanted) return void this.play();
    const { way, video } = this;
    if (way && WAYS[way].steered) this.#edge.jump(video);
    else if (video.seekable.length) {
      const lag = this.#running?.latency() ?? 0;
      if (lag > 4) video.currentTime += lag - 3;
    }
  }

  #isOnAir(): boolean {
    return this.#stream !== null && isOnAir(this.#stream);
  }

  /** What it is instead of on air. */
  #absence(): State {
    return this.#stream?.state === "refused" ? "refused" : "off";
  }

  #set(state: State): void {
    if (state !== this.state) {
      this.state = state;
      this.changed();
    }
  }

  #connect(): void {
    clearTimeout(this.#timer);
    if (this.#running || !this.#stream || !this.#isOnAir() || !this.#isReachable) return;
    if (!this.#wanted) return this.#set("paused");
    const way = this.#next();
    if (!way) return this.#set("unsupported");
    void this.#start(way, this.#stream);
  }

  /** The way that is chosen, or whose turn it is; nothing if there is none. */
  #next(): WayName | undefined {
    const ways = this.#stream ? possibleWays(this.#stream) : [];
    return ways.find((way) => way === this.#choice) ?? ways[this.#turn % ways.length];
  }

  async #start(way: WayName, stream: Stream): Promise<void> {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation;
    this.way = way;
    this.#connectedAt = this.#movedAt = performance.now();
    this.#hasMoved = false;
    this.changed();
    try {
      const start = await WAYS[way].load().catch((error: unknown) => {
        this.#isOutdated = true;
        throw error;
      });
      if (!isCurrent()) return;
      this.#running = start(this.video, wayAddress(way, stream.name), stream, (reason) => {
        // Not from inside the player that is to be taken down.
        queueMicrotask(() => void (isCurrent() && this.#lose(reason)));
      });
    } catch (error) {
      return this.#lose(String(error));
    }
    this.#edge.begin(performance.now());
    await this.#begin();
  }

  /** Have the element play, with sound if the browser lets us. */
  async #begin(): Promise<void> {
    const { video } = this;
    if (!this.#wanted || !this.#running) return;
    try {
      await video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      if (video.muted) {
        this.needsTap = true;
      } else {
        video.muted = this.wasMuted = true;
        return this.#begin();
      }
    }
    this.changed();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#generation++;
    this.#running?.stop();
    this.#running = null;
    this.#stallSince = 0;
    this.video.playbackRate = 1;
  }

  #lose(reason: string): void {
    console.info(`slipstream: ${this.way} stopped: ${reason}`);
    const now = performance.now();
    if (this.#hasMoved) this.reconnects++;
    else this.#turn++; // this way never played: the next one may
    if (this.#hasMoved && now - this.#connectedAt > STEADY_MS) this.#attempts = 0;
    this.#end();
    if (!this.#isReachable) return this.#set("unreachable");
    this.#set(this.#isOnAir() ? "reconnecting" : this.#absence());
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#attempts++, LONGEST_PAUSE_MS);
    this.#timer = window.setTimeout(() => this.#connect(), pause * (0.7 + 0.6 * Math.random()));
  }

  #onPause(): void {
    // Players pause the element when they go; only what people do counts.
    if (!this.#running || this.video.ended) return;
    this.#wanted = false;
    this.#pausedAt = performance.now();
    this.#set("paused");
  }

  #look(): void {
    const now = performance.now();
    if (!this.#running) return;
    if (!this.#wanted) {
      if (now - this.#pausedAt > LET_GO_MS) this.#end();
      return;
    }
    const { video } = this;
    if (video.currentTime !== this.#lastTime && video.readyState >= 2) {
      this.#lastTime = video.currentTime;
      this.#onMove(now);
    } else {
      this.#onStandstill(now);
    }
    if (this.way && WAYS[this.way].steered && !this.needsTap) this.#edge.steer(video, now);
  }

  #onMove(now: number): void {
    this.#movedAt = now;
    this.#hasMoved = true;
    if (this.#stallSince) {
      this.stalledMs += now - this.#stallSince;
      this.#stallSince = 0;
    }
    this.#set("playing");
  }

  #onStandstill(now: number): void {
    const { video } = this;
    const still = now - this.#movedAt;
    if (this.needsTap || still < STALL_MS) return;
    const beyond = beyondGap(video);
    if (beyond !== null && !video.seeking) video.currentTime = beyond;
    if (!this.#isOnAir()) {
      if (this.#stallSince) this.stalls--; // it was not for want of speed
      this.#stallSince = 0;
      return this.#set(this.#absence());
    }
    if (this.state === "playing") {
      this.stalls++;
      this.#stallSince = now - still;
      // With enough at hand it was this device that could not keep up: more would not help.
      if (video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) this.#edge.stalled(now);
      this.#set("buffering");
    }
    if (this.state === "off" || this.state === "refused") this.#set("buffering");
    const patience = this.#hasMoved ? STUCK_MS : STUCK_AT_START_MS;
    if (now - Math.max(this.#movedAt, this.#onAirSince) > patience) this.#lose("it stands still");
  }
}
