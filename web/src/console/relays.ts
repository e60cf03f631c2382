// Relays to other servers and from them.

import { h } from "../dom";
import { ask, path } from "./api";
import { bytes } from "./figures";
import { button, choice, confirm, field, refresh, Status, table, type Row, type View } from "./parts";
import { poll } from "./poll";
import { words } from "./texts";
import type { Relay } from "./told";

const EVERY_MS = 3_000;

export function relaysView(): View {
  const status = new Status();
  const list = h("div", {});
  const asking = poll(
    () => ask<{ relays: Relay[] }>("relays"),
    EVERY_MS,
    ({ relays }) => refresh(list, relayTable(relays, status, () => asking.now())),
    (reason) => status.tell(reason.message, true),
  );
  return {
    element: h("div", { class: "stack" }, [addForm(status, () => asking.now()), status.element, list]),
    close: asking.stop,
  };
}

function addForm(status: Status, added: () => void): HTMLElement {
  const names = words.relays;
  const [kindEntry, kind] = choice<"push" | "pull">(names.kind, [
    ["push", names.push],
    ["pull", names.pull],
  ]);
  const [streamEntry, stream] = field(names.stream, { required: true, placeholder: "live/show" });
  const [urlEntry, url] = field(names.url, { required: true, placeholder: "rtmp://host/app/name" });
  const demand = h("input", { type: "checkbox" });
  const demandEntry = h("label", { class: "tick" }, [demand, names.demand]);
  const send = button(names.add, () => undefined, "main", "add");
  send.type = "submit";
  demandEntry.hidden = true;
  kind.addEventListener("change", () => (demandEntry.hidden = kind.value === "push"));
  const form = h("form", { class: "sheet adding" }, [kindEntry, streamEntry, urlEntry, demandEntry, send]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void status.attempt(async () => {
      const wish = { kind: kind.value, stream: stream.value.trim(), url: url.value.trim() };
      await ask("relays", "POST", kind.value === "pull" ? { ...wish, on_demand: demand.checked } : wish);
      stream.value = url.value = "";
      status.tell(names.added);
      added();
    });
  });
  return form;
}

function relayTable(relays: Relay[], status: Status, changed: () => void): HTMLElement {
  const names = words.relays;
  const act = (action: () => Promise<unknown>): void =>
    void status.attempt(async () => {
      await action();
      changed();
    });
  const row = (relay: Relay): Row => {
    const isStopped = relay.state === "stopped";
    const remove = (): Promise<unknown> => ask(path(["relays", relay.id]), "DELETE");
    const turn = isStopped ? "start" : "stop";
    const sent = relay.connections.reduce((sum, { bytes: count }) => sum + count, 0);
    const error = relay.connections.find((connection) => connection.error)?.error ?? "";
    const cells = [
      h("span", {}, [relay.stream, relay.static ? h("span", { class: "muted" }, ` ${names.static}`) : null]),
      h("span", { class: "wide-text" }, `${relay.kind === "push" ? "→" : "←"} ${relay.url}`),
      h("span", { title: error || false, class: `relay-state ${relay.state}` }, [
        names.states[relay.state] ?? relay.state,
        error && relay.state !== "running" ? h("span", { class: "muted" }, ` ${error}`) : null,
      ]),
      bytes(sent),
      h("span", { class: "row-buttons" }, [
        button(names[turn], () => act(() => ask(path(["relays", relay.id, turn]), "POST"))),
        relay.static ? null : button(names.remove, () => confirm(names.sure, names.remove, () => act(remove))),
      ]),
    ];
    return { key: relay.id, cells };
  };
  return table([names.stream, names.url, names.state, names.traffic, ""], relays.map(row), names.none);
}
