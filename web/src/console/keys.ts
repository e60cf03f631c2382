// Stream keys: a new one is shown once.

import { h } from "../dom";
import { copyRow } from "../parts/copy";
import { showDialog } from "../parts/dialog";
import { ask, path } from "./api";
import { day } from "./figures";
import { button, confirm, field, refresh, Status, table, type Row, type View } from "./parts";
import { poll } from "./poll";
import { words } from "./texts";
import type { NewKey, StreamKey } from "./told";

const EVERY_MS = 10_000;

export function keysView(): View {
  const status = new Status();
  const list = h("div", {});
  const asking = poll(
    () => ask<{ keys: StreamKey[] }>("keys"),
    EVERY_MS,
    ({ keys }) => refresh(list, keyTable(keys, status, () => asking.now())),
    (reason) => status.tell(reason.message, true),
  );
  return {
    element: h("div", { class: "stack" }, [addForm(status, () => asking.now()), status.element, list]),
    close: asking.stop,
  };
}

function showOnce({ key, stored }: NewKey): void {
  const names = words.keys;
  showDialog(
    names.newKey,
    h("div", { class: "stack tight" }, [
      h("p", { class: "hint" }, names.once),
      copyRow(placeOf(stored), `?key=${key}`).row,
    ]),
  );
}

const placeOf = ({ app, name }: StreamKey): string => (name ? `${app}/${name}` : app);

function addForm(status: Status, added: () => void): HTMLElement {
  const names = words.keys;
  const [placeEntry, place] = field(names.place, { required: true, placeholder: names.placeHint });
  const [labelEntry, label] = field(names.label, { maxlength: 100 });
  const send = button(names.add, () => undefined, "main", "add");
  send.type = "submit";
  const form = h("form", { class: "sheet adding" }, [placeEntry, labelEntry, send]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void status.attempt(async () => {
      const [app = "", ...name] = place.value.trim().split("/");
      showOnce(await ask<NewKey>("keys", "POST", { app, name: name.join("/"), label: label.value.trim() }));
      place.value = label.value = "";
      added();
    });
  });
  return form;
}

function keyTable(keys: StreamKey[], status: Status, changed: () => void): HTMLElement {
  const names = words.keys;
  const act = (action: () => Promise<void>): void =>
    void status.attempt(async () => {
      await action();
      changed();
    });
  const row = (key: StreamKey): Row => {
    const rotate = async (): Promise<void> => showOnce(await ask<NewKey>(path(["keys", key.id, "rotate"]), "POST"));
    const remove = async (): Promise<void> => void (await ask(path(["keys", key.id]), "DELETE"));
    const turn = key.enabled ? "disable" : "enable";
    const cells = [
      h("span", {}, [placeOf(key), " ", h("span", { class: "muted" }, key.id)]),
      key.label || "–",
      day(key.made),
      h("span", { class: key.enabled ? "" : "muted" }, key.enabled ? names.enabled : names.disabled),
      h("span", { class: "row-buttons" }, [
        button(names.rotate, () => confirm(names.sureRotate, names.rotate, () => act(rotate))),
        button(names[turn], () => act(async () => void (await ask(path(["keys", key.id, turn]), "POST")))),
        button(names.remove, () => confirm(names.sureRemove, names.remove, () => act(remove))),
      ]),
    ];
    return { key: key.id, cells };
  };
  return table([names.place, names.label, names.made, names.state, ""], keys.map(row), names.none);
}
