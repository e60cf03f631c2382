// The log as it is written, the newest line last.

import { h, setText } from "../dom";
import { follow, path } from "./api";
import { clock } from "./figures";
import { button, choice, field, type View } from "./parts";
import { words } from "./texts";
import type { LogLine } from "./told";

const KEPT = 500;
const LEVELS = ["debug", "info", "warning", "error"];

export function logView(): View {
  const names = words.log;
  const lines = h("ol", { class: "log", tabindex: 0, "aria-label": words.tabs.log });
  const empty = h("p", { class: "hint nothing" }, names.none);
  const [levelEntry, level] = choice(names.level, LEVELS.map((name): [string, string] => [name, name]));
  const [eventEntry, event] = field(names.event, { placeholder: "publish." });
  let isPaused = false;
  const pause = button(names.pause, () => {
    isPaused = !isPaused;
    setText(pause, isPaused ? names.go : names.pause);
    if (!isPaused) begin();
  });
  level.value = "info";

  function add(item: HTMLElement): void {
    const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    lines.append(item);
    empty.hidden = true;
    while (lines.childElementCount > KEPT) lines.firstElementChild?.remove();
    if (isAtEnd) lines.scrollTop = lines.scrollHeight;
  }

  let stop = (): void => undefined;
  function begin(): void {
    stop();
    lines.replaceChildren();
    empty.hidden = false;
    const query = { level: level.value, event: event.value.trim(), limit: 200 };
    stop = follow(path(["logs"], query), (name, data) => {
      if (isPaused) return;
      if (name === "missed") add(h("li", { class: "muted" }, names.missed((data as { missed: number }).missed)));
      else add(lineItem(data as LogLine));
    });
  }

  const form = h("form", { class: "filters" }, [levelEntry, eventEntry, pause]);
  form.addEventListener("change", begin);
  form.addEventListener("submit", (pressed) => {
    pressed.preventDefault();
    begin();
  });
  begin();
  return { element: h("div", { class: "stack" }, [form, h("div", {}, [empty, lines])]), close: () => stop() };
}

function lineItem({ time, level, event, fields }: LogLine): HTMLElement {
  const rest = Object.entries(fields).flatMap(([name, value]) => [
    h("span", { class: "log-name" }, ` ${name}=`),
    h("span", {}, String(value)),
  ]);
  return h("li", { class: `line ${level}` }, [
    h("time", { datetime: time, title: time }, clock(time)),
    h("span", { class: "log-level" }, level),
    h("span", {}, [h("b", {}, event), ...rest]),
  ]);
}
