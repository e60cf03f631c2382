// A value to be pasted elsewhere, with a button that copies it.

import { h, iconButton, setIcon } from "../dom";
import { texts } from "../texts";

const THANKS_MS = 1_600;

export interface CopyRow {
  row: HTMLElement;
  set(value: string): void;
}

export function copyRow(label: string, value: string): CopyRow {
  const code = h("code", { tabindex: 0 }, value);
  const button = iconButton("copy", `${texts.share.copy}: ${label}`, () => {
    void copy(code).then(() => {
      setIcon(button, "done", texts.share.copied);
      setTimeout(() => setIcon(button, "copy", `${texts.share.copy}: ${label}`), THANKS_MS);
    });
  });
  const row = h("div", { class: "copy" }, [h("span", { class: "label" }, label), code, button]);
  return { row, set: (text) => void (code.textContent = text) };
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
