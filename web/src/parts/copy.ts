// A value to be pasted elsewhere, with a button that copies it.

import { h, iconButton, setIcon } from "../dom";
import { texts } from "../texts";

const THANKS_MS = 1_600;

export interface CopyRow {
  row: HTMLElement;
  set(value: string): void;
}

export function copyRow(label: string, value: string): CopyRow {
  const code = h("code", { tabindex: 0 });
  const set = (text: string): void => code.replaceChildren(...words(text));
  set(value);
  const button = iconButton("copy", `${texts.share.copy}: ${label}`, () => {
    void copy(code).then(() => {
      setIcon(button, "done", texts.share.copied);
      setTimeout(() => setIcon(button, "copy", `${texts.share.copy}: ${label}`), THANKS_MS);
    });
  });
  const row = h("div", { class: "copy" }, [h("span", { class: "label" }, label), code, button]);
  return { row, set };
}

/** Its words, each of which stays in one piece where there is room: `-b:v` is no word to break. */
function words(text: string): Node[] {
  const [first = "", ...others] = text.split(" ").map((word) => h("span", {}, word));
  return [first as Node, ...others.flatMap((word) => [document.createTextNode(" "), word])];
}

async function copy(element: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
  } catch {
    // Without TLS there is no clipboard: it is selected, and the old command copies that.
    getSelection()?.selectAllChildren(element);
    document.execCommand("copy");
  }
}
