// The picture, what lies over it, and the controls.

import { parameters, pictureAddress, wantedWay } from "../addresses";
import { h, icon, iconButton, setIcon, setText } from "../dom";
import { type Choice, Playback, type State } from "../player/playback";
import { WAYS } from "../player/ways";
import { prefer, preference } from "../preferences";
import { firstTrack, isOnAir, type Stream } from "../server";
import { texts } from "../texts";
import { codecs } from "../wording";
import { listenToKeys, showKeys } from "./keys";

const HIDE_AFTER_MS = 2_600;
const POSTER_WIDTH = 1280;
const VOLUME_STEP = 0.05;

/** An iPhone has no other full screen. */
type AppleVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

export interface PlayerOptions {
  muted: boolean;
  autoplay: boolean;
}

export class Player {
  readonly element: HTMLElement;
  readonly video: AppleVideo = h("video", { playsinline: true, preload: "auto", tabindex: -1 });
  readonly playback: Playback;
  /** Called when playback is another than before. */
  onChange: () => void = () => undefined;

  #stream: Stream | null = null;
  #message = h("p", {});
  #hint = h("p", { class: "hint" });
  #overlay: HTMLElement;
  #bigPlay: HTMLButtonElement;
  #soundPill: HTMLButtonElement;
  #playButton = iconButton("pause", texts.player.pause, () => this.toggle());
  #muteButton = iconButton("sound", texts.player.mute, () => this.toggleSound());
  #volume: HTMLInputElement;
  #liveButton: HTMLButtonElement;
  #time = h("span", { class: "readout" });
  #fullButton = iconButton("full", texts.player.fullscreen, () => this.toggleFullscreen());
  #hideTimer = 0;

  constructor(
    private readonly name: string,
    options: PlayerOptions,
  ) {
    const words = texts.player;
    const { video } = this;
    video.setAttribute("aria-label", name);
    video.muted = options.muted;
    video.volume = Number(preference("volume") ?? 1);

    this.#bigPlay = h("button", { type: "button", class: "big-play", "aria-label": words.tapToPlay }, icon("play"), {
      click: () => void this.playback.play(),
    });
    this.#soundPill = h("button", { type: "button", class: "sound-pill" }, [icon("muted"), words.tapForSound], {
      click: () => this.setMuted(false),
    });
    this.#volume = h("input", { type: "range", min: 0, max: 1, step: "any", "aria-label": words.volume, class: "volume" });
    this.#volume.addEventListener("input", () => this.setVolume(Number(this.#volume.value)));
    this.#liveButton = h("button", { type: "button", class: "to-live" }, texts.stream.live, {
      click: () => this.playback.goLive(),
    });
    this.#overlay = h("div", { class: "overlay", role: "status" }, [
      h("span", { class: "spinner", "aria-hidden": "true" }),
      this.#message,
      this.#hint,
    ]);
    const pip =
      document.pictureInPictureEnabled && iconButton("window", words.pip, () => void this.togglePip());
    const keysButton = iconButton("keys", words.keys, showKeys);
    keysButton.classList.add("needs-keys");
    this.element = h("section", { class: "player", "aria-label": words.region, tabindex: 0 }, [
      video,
      this.#overlay,
      this.#bigPlay,
      this.#soundPill,
      h("div", { class: "controls" }, [
        this.#playButton,
        this.#liveButton,
        this.#time,
        h("span", { class: "space" }),
        this.#muteButton,
        this.#volume,
        keysButton,
        pip,
        this.#fullButton,
      ]),
    ]);
    this.playback = new Playback(video, { choice: choiceFromAddress(), autoplay: options.autoplay }, () => this.#show());
    this.#listen();
    this.#show();
  }

  tell(stream: Stream | null): void {
    if (stream) this.#stream = stream;
    if (stream && isOnAir(stream) && firstTrack(stream, "video") && !this.video.poster) {
      this.video.poster = pictureAddress(this.name, POSTER_WIDTH);
    }
    this.playback.tell(stream);
    this.#show();
  }

  toggle(): void {
    if (this.playback.isPaused || this.playback.needsTap) void this.playback.play();
    else this.playback.pause();
  }

  toggleSound(): void {
    this.setMuted(!this.video.muted);
  }

  setMuted(muted: boolean): void {
    this.video.muted = muted;
    if (!muted && this.video.volume === 0) this.video.volume = 0.5;
    this.playback.wasMuted = false;
    prefer("muted", muted ? "1" : "0");
  }

  setVolume(volume: number): void {
    this.video.volume = Math.min(Math.max(volume, 0), 1);
    prefer("volume", this.video.volume.toFixed(2));
    this.setMuted(this.video.volume === 0);
  }

  toggleFullscreen(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (this.element.requestFullscreen) void this.element.requestFullscreen();
    else this.video.webkitEnterFullscreen?.();
  }

  async togglePip(): Promise<void> {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture().catch(() => undefined);
  }

  #listen(): void {
    const { video, element } = this;
    video.addEventListener("volumechange", () => this.#show());
    video.addEventListener("click", (event) => {
      // A finger asks for the controls first, a mouse has them already.
      const isTouch = (event as PointerEvent).pointerType === "touch";
      if (!isTouch || !element.classList.contains("idle")) this.toggle();
      this.#wake();
    });
    video.addEventListener("dblclick", () => this.toggleFullscreen());
    video.addEventListener("resize", () => {
      const { videoWidth, videoHeight } = video;
      if (videoWidth) element.style.setProperty("--ratio", String(videoWidth / videoHeight));
    });
    for (const type of ["pointermove", "focusin", "keydown"]) {
      element.addEventListener(type, () => this.#wake());
    }
    element.addEventListener("pointerleave", () => this.#sleep());
    document.addEventListener("fullscreenchange", () => this.#show());
    window.setInterval(() => this.#showTime(), 500);
    listenToKeys({
      toggle: () => this.toggle(),
      sound: () => this.toggleSound(),
      fullscreen: () => this.toggleFullscreen(),
      pip: () => void this.togglePip(),
      live: () => this.playback.goLive(),
      louder: () => this.setVolume(video.volume + VOLUME_STEP),
      quieter: () => this.setVolume(video.volume - VOLUME_STEP),
    });
    this.#wake();
  }

  #wake(): void {
    this.element.classList.remove("idle");
    clearTimeout(this.#hideTimer);
    this.#hideTimer = window.setTimeout(() => this.#sleep(), HIDE_AFTER_MS);
  }

  #sleep(): void {
    const hasFocus = this.element.querySelector(".controls :focus-visible") !== null;
    if (this.playback.state === "playing" && !hasFocus) this.element.classList.add("idle");
  }

  #show(): void {
    const words = texts.player;
    const { playback, video, element } = this;
    if (!playback) return; // its constructor tells of its first state
    const { state } = playback;
    element.dataset["state"] = state;
    element.dataset["way"] = playback.way ?? "";
    const [message, hint] = this.#words(state);
    setText(this.#message, message);
    setText(this.#hint, hint);
    this.#overlay.hidden = message === "" || playback.needsTap;
    this.#bigPlay.hidden = !(playback.needsTap || state === "paused");
    const isSilent = video.muted || video.volume === 0;
    this.#soundPill.hidden = !(video.muted && this.#hasSound() && preference("muted") !== "1") || state !== "playing";
    setIcon(this.#playButton, playback.isPaused ? "play" : "pause", playback.isPaused ? words.play : words.pause);
    setIcon(this.#muteButton, isSilent ? "muted" : "sound", isSilent ? words.unmute : words.mute);
    this.#volume.value = String(isSilent ? 0 : video.volume);
    const isFull = document.fullscreenElement === element;
    setIcon(this.#fullButton, "full", isFull ? words.leaveFullscreen : words.fullscreen);
    if (state !== "playing") element.classList.remove("idle");
    this.#showTime();
    this.onChange();
  }

  #showTime(): void {
    const { latency, buffer, way, state } = this.playback;
    const behind = latency ?? buffer ?? 0;
    const isLive = state === "playing" && behind < (way && WAYS[way].steered ? 3 : 12);
    this.#liveButton.classList.toggle("at-edge", isLive);
    this.#liveButton.title = isLive ? texts.player.atLive : texts.player.toLive;
    setText(this.#time, latency === null ? "" : `−${latency.toFixed(1)} s`);
  }

  #hasSound(): boolean {
    return this.#stream?.tracks.some((track) => track.kind === "audio") ?? false;
  }

  #words(state: State): [message: string, hint: string] {
    const words = texts.player;
    switch (state) {
      case "playing":
      case "paused":
        return ["", ""];
      case "off":
        return [words.offAir, words.offAirHint];
      case "refused":
        return [words.refused, words.refusedHint];
      case "unsupported":
        return [words.unsupported, words.unsupportedHint(this.#stream ? codecs(this.#stream) : "")];
      case "connecting":
      case "buffering":
      case "reconnecting":
      case "unreachable":
        return [words[state], ""];
    }
  }
}

function choiceFromAddress(): Choice {
  const wish = wantedWay();
  return wish !== null && wish in WAYS ? wish : "auto";
}

/** Sound at the start: as the address says, else as it was chosen last. */
export function startsMuted(usually: boolean): boolean {
  const wish = parameters.get("muted") ?? preference("muted");
  return wish === null ? usually : wish !== "0" && wish !== "false";
}
