// What the console's views are made of.

import { h, icon, setText, type Icon } from "../dom";
import { showDialog } from "../parts/dialog";
import { reasonOf } from "./poll";
import { words } from "./texts";

/** Something that is shown until another one is. */
export interface View {
  element: HTMLElement;
  close(): void;
}

export type Cell = Node | string | null;

export interface Row {
  /** What the row is about: its buttons are for this and nothing else. */
  key: string;
  cells: Cell[];
}

/** A table on desktops, cards on phones: each cell knows its column's name. */
export function table(columns: string[], rows: Row[], empty: string): HTMLElement {
  if (!rows.length) return h("p", { class: "hint nothing" }, empty);
  return h("div", { class: "table-box" }, [
    h("table", {}, [
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        rows.map(({ key, cells }) =>
          h("tr", { "data-key": key }, cells.map((cell, at) => h("td", { "data-label": columns[at] ?? "" }, cell))),
        ),
      ),
    ]),
  ]);
}

/** Show something anew: what has not changed stays, with the focus and the finger on it. */
export function refresh(box: HTMLElement, fresh: HTMLElement): void {
  if (box.firstChild) morph(box.firstChild, fresh);
  else box.append(fresh);
}

function morph(old: ChildNode, fresh: ChildNode): void {
  if (old.isEqualNode(fresh)) return;
  if (!(old instanceof HTMLElement) || !isSame(old, fresh)) return old.replaceWith(fresh);
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((child, at) => (before[at] ? morph(before[at], child) : old.append(child)));
  for (const child of before.slice(after.length)) child.remove();
}

/** Whether one may become the other: listeners stay, so both must be about the same thing. */
function isSame(old: HTMLElement, fresh: ChildNode): fresh is HTMLElement {
  return (
    fresh instanceof HTMLElement &&
    old.tagName === fresh.tagName &&
    old.dataset["key"] === fresh.dataset["key"]
  );
}

/** A small button with a word. */
export function button(label: string, press: () => void, look: "plain" | "main" | "danger" = "plain", name?: Icon): HTMLButtonElement {
  return h("button", { type: "button", class: `button ${look}`, "data-key": label }, [name ? icon(name) : null, h("span", {}, label)], { click: press });
}

/** A line below a form or a list that says what became of something. */
export class Status {
  readonly element = h("p", { class: "hint status-line", role: "status" });

  tell(text: string, isBad = false): void {
    setText(this.element, text);
    this.element.classList.toggle("bad", isBad);
  }

  /** Do something; say why it could not be done. */
  async attempt(action: () => Promise<void>): Promise<void> {
    try {
      this.tell("");
      await action();
    } catch (error) {
      this.tell(reasonOf(error, words.unreachable), true);
    }
  }
}

/** Ask before something is done that somebody would notice. */
export function confirm(question: string, label: string, act: () => void): void {
  const dialog = showDialog(
    question,
    h("div", { class: "choices" }, [
      button(words.cancel, () => dialog.close()),
      button(
        label,
        () => {
          dialog.close();
          act();
        },
        "danger",
      ),
    ]),
    true,
  );
}

export function tile(label: string): { element: HTMLElement; show: (text: string) => void } {
  const value = h("dd", {}, "–");
  return { element: h("div", {}, [h("dt", {}, label), value]), show: (text) => setText(value, text) };
}

/** A text of a form. */
export function field(label: string, attributes: Record<string, string | number | boolean> = {}): [HTMLElement, HTMLInputElement] {
  const input = h("input", { autocomplete: "off", spellcheck: "false", autocapitalize: "off", ...attributes });
  return [h("label", { class: "entry" }, [h("span", { class: "label" }, label), input]), input];
}

export function choice<T extends string>(label: string, options: [T, string][]): [HTMLElement, HTMLSelectElement] {
  const select = h("select", {}, options.map(([value, text]) => h("option", { value }, text)));
  return [h("label", { class: "entry" }, [h("span", { class: "label" }, label), select]), select];
}
