// A panel above the page; Escape, its button and a click beside it close it.

import { h, iconButton } from "../dom";
import { texts } from "../texts";

export function showDialog(title: string, content: HTMLElement, isNarrow = false): HTMLDialogElement {
  const dialog = h("dialog", { "aria-label": title, class: isNarrow && "narrow" });
  dialog.append(
    h("div", { class: "panel" }, [
      h("div", { class: "panel-head" }, [
        h("h2", {}, title),
        iconButton("close", texts.publish.close, () => dialog.close()),
      ]),
      content,
    ]),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  // What is full screen hides everything that is not inside of it.
  (document.fullscreenElement ?? document.body).append(dialog);
  dialog.showModal();
  return dialog;
}
