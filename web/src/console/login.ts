// The way in: a token, tried before it is believed.

import { h } from "../dom";
import { signIn } from "./api";
import { button, field, Status } from "./parts";
import { words } from "./texts";

export function login(note: string, enter: () => void): HTMLElement {
  const status = new Status();
  const [entry, input] = field(words.token, { type: "password", required: true, autofocus: true });
  if (note) status.tell(note, true);
  const send = button(words.signIn, () => undefined, "main");
  send.type = "submit";
  const form = h("form", { class: "sheet login" }, [
    h("h1", {}, words.title),
    entry,
    h("p", { class: "hint" }, words.tokenHint),
    send,
    status.element,
  ]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void status.attempt(async () => {
      await signIn(input.value.trim());
      enter();
    });
  });
  return form;
}
