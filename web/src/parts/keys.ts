// The keyboard, and the help about it.

import { h } from "../dom";
import { texts } from "../texts";
import { showDialog } from "./dialog";

export interface Actions {
  toggle(): void;
  sound(): void;
  fullscreen(): void;
  pip(): void;
  live(): void;
  louder(): void;
  quieter(): void;
}

const KEYS: Record<string, keyof Actions> = {
  " ": "toggle",
  k: "toggle",
  m: "sound",
  f: "fullscreen",
  p: "pip",
  l: "live",
  ArrowUp: "louder",
  ArrowDown: "quieter",
};

/** Elements that have a use of their own for a key. */
const TYPED_INTO = "input, textarea, select, [contenteditable]";
const PRESSED = "button, a, summary";

export function listenToKeys(actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(TYPED_INTO) || (event.key === " " && target?.closest(PRESSED))) return;
    if (event.key === "?") return showKeys();
    const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const isArrow = event.key.startsWith("Arrow");
    // Arrows scroll the page unless the player has the focus or fills it.
    if (!action || (isArrow && !target?.closest(".player") && !document.fullscreenElement)) return;
    event.preventDefault();
    actions[action]();
  });
}

export function showKeys(): void {
  const { keys } = texts;
  const rows: [string, string][] = [
    ["Space  K", keys.play],
    ["M", keys.mute],
    ["F", keys.fullscreen],
    ["P", keys.pip],
    ["L", keys.live],
    ["↑  ↓", keys.volume],
    ["?", keys.help],
  ];
  const list = h(
    "dl",
    { class: "keys" },
    rows.flatMap(([pressed, meaning]) => [
      h("dt", {}, pressed.split("  ").map((key) => h("kbd", {}, key))),
      h("dd", {}, meaning),
    ]),
  );
  showDialog(keys.title, list, true);
}
