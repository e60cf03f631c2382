// One stream in the list.

import { pageAddress, pictureAddress } from "../addresses";
import { h, icon, setAttributes, setText } from "../dom";
import { firstTrack, type Stream } from "../server";
import { texts } from "../texts";
import { bitrate, codecs, duration, nameParts, pictureSize } from "../wording";

const PICTURE_EVERY_MS = 10_000;
const PICTURE_WIDTH = 640;

export class Card {
  readonly element: HTMLAnchorElement;
  #picture = h("img", { alt: "", class: "picture", decoding: "async" });
  #frame: HTMLElement;
  #badge = h("span", { class: "badge" });
  #size = h("span", { class: "chip" });
  #facts = h("p", { class: "facts" });
  #viewers = h("span", {});
  #isVisible = false;
  #slot = 0;

  constructor(private stream: Stream) {
    const [app, name] = nameParts(stream.name);
    this.#frame = h("div", { class: "frame" }, [
      h("span", { class: "placeholder" }, icon(firstTrack(stream, "video") ? "play" : "note")),
      this.#picture,
      this.#badge,
      this.#size,
    ]);
    this.element = h(
      "a",
      { class: "card", href: pageAddress("watch", stream.name), "aria-label": texts.stream.watch(stream.name) },
      [
        this.#frame,
        h("div", { class: "card-text" }, [
          h("h2", {}, [h("span", { class: "app" }, app), h("span", {}, name)]),
          h("p", { class: "viewers" }, [icon("eye"), this.#viewers]),
        ]),
        this.#facts,
      ],
    );
    new IntersectionObserver(([entry]) => {
      this.#isVisible = entry?.isIntersecting ?? false;
      this.#refresh();
    }).observe(this.element);
    this.show(stream);
  }

  show(stream: Stream): void {
    this.stream = stream;
    const words = texts.stream;
    const video = firstTrack(stream, "video");
    const isSlate = stream.state === "slate";
    setText(this.#badge, isSlate ? words.slate : words.live);
    this.#badge.classList.toggle("slate", isSlate);
    setText(this.#size, video ? pictureSize(video) : words.soundOnly);
    this.#size.hidden = this.#size.textContent === "";
    setText(this.#viewers, String(stream.viewers));
    setAttributes(this.#viewers, { "aria-label": words.viewers(stream.viewers) });
    const facts = [codecs(stream), bitrate(stream.bitrate_bps), words.onAirFor(duration(stream.for_s))];
    setText(this.#facts, facts.join("  ·  "));
    this.#refresh();
  }

  /** Change the picture once the new one is there, so that nothing flickers. */
  #refresh(): void {
    const slot = Math.floor(Date.now() / PICTURE_EVERY_MS);
    if (!this.#isVisible || document.hidden || slot === this.#slot) return;
    if (!firstTrack(this.stream, "video")) return;
    this.#slot = slot;
    const next = h("img", { alt: "", class: "picture", src: pictureAddress(this.stream.name, PICTURE_WIDTH, slot) });
    next.decode().then(
      () => {
        this.#picture.after(next);
        this.#picture.remove();
        this.#picture = next;
        this.#frame.classList.add("has-picture");
      },
      () => undefined, // there is none now; the old one stays
    );
  }
}
