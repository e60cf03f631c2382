// One stream: the player, how it is doing, and where else it plays. Or the player alone.

import { parameters } from "../addresses";
import { h, icon, setText } from "../dom";
import { figuresOf, figuresPanel } from "../parts/figures";
import { header } from "../parts/header";
import { Player, startsMuted } from "../parts/player";
import { shareBox } from "../parts/share";
import { type WaySwitch, waySwitch } from "../parts/ways";
import { askForAll, askForOne, isOnAir, keepAsking, type Stream } from "../server";
import { texts } from "../texts";
import { duration, nameParts } from "../wording";
import { showPublishHelp } from "./list";

const ASK_EVERY_MS = 5_000;
const ASK_SOON_MS = 1_500; // while it does not play

const isOff = (name: string): boolean => ["0", "false"].includes(parameters.get(name) ?? "");

export function watchView(name: string): HTMLElement[] {
  const [app, last] = nameParts(name);
  let stream: Stream | null = null;
  let ways: WaySwitch | null = null; // it needs the player, which tells it of changes
  const badge = h("span", { class: "badge" });
  const viewers = h("span", {});
  const time = h("span", { class: "muted" });
  const player = new Player(
    name,
    { muted: startsMuted(false), autoplay: !isOff("autoplay") },
    () => ways?.show(stream),
  );
  const figures = (window.slipstream = figuresOf(player.playback));
  ways = waySwitch(player.playback);

  function tell(answer: Stream | null): void {
    if (answer) stream = answer;
    player.tell(answer);
    if (!answer) return;
    const words = texts.stream;
    const onAir = isOnAir(answer);
    setText(badge, onAir ? (answer.state === "slate" ? words.slate : words.live) : words.off);
    badge.className = `badge ${onAir ? answer.state : "off"}`;
    setText(viewers, words.viewers(answer.viewers));
    setText(time, onAir ? words.onAirFor(duration(answer.for_s)) : "");
    ways?.show(answer);
  }

  keepWatching(name, player, tell);
  const publishing = askForAll().then((listing) => listing.publish);
  document.title = `${name} · Slipstream`;
  return [
    header(false, () => void publishing.catch(() => null).then(showPublishHelp)),
    h("main", { class: "watch" }, [
      player.element,
      h("div", { class: "watch-head" }, [
        h("h1", {}, [h("span", { class: "app" }, app), h("span", {}, last)]),
        h("p", { class: "status" }, [badge, h("span", { class: "viewers" }, [icon("eye"), viewers]), time]),
      ]),
      ways.element,
      figuresPanel(figures, () => stream),
      shareBox(name, publishing),
    ]),
  ];
}

export function embedView(name: string): HTMLElement[] {
  const player = new Player(
    name,
    { muted: startsMuted(true), autoplay: !isOff("autoplay") },
    () => undefined,
  );
  window.slipstream = figuresOf(player.playback);
  keepWatching(name, player, (answer) => player.tell(answer));
  document.title = `${name} · Slipstream`;
  return [player.element];
}

function keepWatching(name: string, player: Player, tell: (answer: Stream | null) => void): void {
  const pause = (): number => (player.playback.state === "playing" ? ASK_EVERY_MS : ASK_SOON_MS);
  keepAsking(() => askForOne(name), pause, tell, true);
}
