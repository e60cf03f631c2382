// The switch between the ways to play.

import { h, setAttributes } from "../dom";
import type { Choice, Playback } from "../player/playback";
import { possibleWays, WAY_NAMES, type WayName } from "../player/ways";
import type { Stream } from "../server";
import { texts } from "../texts";

export interface WaySwitch {
  element: HTMLElement;
  show(stream: Stream | null): void;
}

export function waySwitch(playback: Playback): WaySwitch {
  const words = texts.ways;
  const buttons = new Map<Choice, HTMLButtonElement>();
  const group = h("div", { class: "segments", role: "group", "aria-label": words.label });
  for (const choice of ["auto", ...WAY_NAMES] as Choice[]) {
    const button = h("button", { type: "button", "data-way": choice }, words[choice], {
      click: () => playback.choose(choice),
    });
    button.hidden = choice !== "auto";
    buttons.set(choice, button);
    group.append(button);
  }
  const element = h("div", { class: "way-switch" }, [h("span", { class: "label" }, words.label), group]);

  function show(stream: Stream | null): void {
    const possible = new Set<WayName>(stream ? possibleWays(stream) : []);
    for (const [choice, button] of buttons) {
      const isAuto = choice === "auto";
      button.hidden = !isAuto && !stream?.ways.includes(choice);
      button.disabled = !isAuto && !possible.has(choice);
      button.title = button.disabled ? words.unable : "";
      setAttributes(button, { "aria-pressed": String(choice === playback.choice) });
      button.classList.toggle("in-use", playback.choice === "auto" && choice === playback.way);
    }
  }
  return { element, show };
}
