// One stream: the player, how it is doing, and where else it plays. Or the player alone.

import { parameters } from "../addresses";
import { h, icon, setText } from "../dom";
import { figuresOf, figuresPanel } from "../parts/figures";
import { header } from "../parts/header";
import { Player, startsMuted } from "../parts/player";
import { shareBox } from "../parts/share";
import { waySwitch } from "../parts/ways";
import { askForAll, askForOne, isOnAir, isRefused, keepAsking, refusedStream, type Stream } from "../server";
import { texts } from "../texts";
import { duration, nameParts } from "../wording";
import { showPublishHelp } from "./list";

const ASK_EVERY_MS = 8_000;
const ASK_SOON_MS = 1_500; // while it does not play
const ASK_AGAIN_MS = 60_000; // when it was refused: each time is a line in the server's log

export function watchView(name: string): HTMLElement[] {
  const [app, last] = nameParts(name);
  let stream: Stream | null = null;
  const badge = h("span", { class: "badge" });
  const viewers = h("span", {});
  const time = h("span", { class: "muted" });
  const player = openPlayer(name, false);
  const ways = waySwitch(player.playback);

  function show(answer: Stream | null): void {
    if (answer?.state === "refused") return; // who plays already may go on
    if (answer) stream = answer;
    ways.show(stream);
    if (!answer) return;
    const words = texts.stream;
    const onAir = isOnAir(answer);
    setText(badge, onAir ? (answer.state === "slate" ? words.slate : words.live) : words.off);
    badge.className = `badge ${onAir ? answer.state : "off"}`;
    setText(viewers, words.viewers(answer.viewers));
    setText(time, onAir ? words.onAirFor(duration(answer.for_s)) : "");
  }

  keepWatching(name, player, show);
  const publishing = askForAll().then((listing) => listing.publish);
  return [
    header(false, () => void publishing.catch(() => null).then(showPublishHelp)),
    h("main", { class: "watch" }, [
      player.element,
      h("div", { class: "watch-head" }, [
        h("h1", {}, [h("span", { class: "app" }, app), h("span", {}, last)]),
        h("p", { class: "status" }, [badge, h("span", { class: "viewers" }, [icon("eye"), viewers]), time]),
      ]),
      ways.element,
      figuresPanel(figuresOf(player.playback), () => stream),
      shareBox(name, publishing),
    ]),
  ];
}

export function embedView(name: string): HTMLElement[] {
  const player = openPlayer(name, true);
  keepWatching(name, player, () => undefined);
  return [player.element];
}

function openPlayer(name: string, usuallyMuted: boolean): Player {
  const autoplay = !["0", "false"].includes(parameters.get("autoplay") ?? "");
  const player = new Player(name, { muted: startsMuted(usuallyMuted), autoplay });
  window.slipstream = figuresOf(player.playback);
  document.title = `${name} · Slipstream`;
  return player;
}

/** Tell the player, and `show`, how the stream is: now and then, and at once when playback stops. */
function keepWatching(name: string, player: Player, show: (stream: Stream | null) => void): void {
  if (isRefused()) return player.tell(refusedStream(name));
  let latest: Stream | null = null;
  const plays = (): boolean => player.playback.state === "playing";
  const pause = (): number =>
    latest?.state === "refused" ? ASK_AGAIN_MS : plays() ? ASK_EVERY_MS : ASK_SOON_MS;
  const askNow = keepAsking(
    () => askForOne(name),
    pause,
    (stream) => {
      latest = stream ?? latest;
      player.tell(stream);
      show(stream);
    },
    true,
  );
  let played = false;
  player.onChange = () => {
    show(latest);
    if (played && !plays()) askNow();
    played = plays();
  };
}
