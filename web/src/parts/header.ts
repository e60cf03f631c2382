// What stands above every page: who we are, and a few choices.

import { pageAddress } from "../addresses";
import { h, icon } from "../dom";
import mark from "../mark.svg";
import { otherLanguageAddress, texts } from "../texts";
import { themeButton } from "./theme";

export function header(isList: boolean, publish: () => void): HTMLElement {
  const { page } = texts;
  return h("header", { class: "top" }, [
    h("a", { class: "brand", href: pageAddress("list"), "aria-label": `Slipstream: ${page.home}` }, [
      !isList && icon("back"),
      h("img", { src: mark, alt: "", width: 28, height: 28 }),
      h("span", {}, "Slipstream"),
    ]),
    h("nav", {}, [
      h("button", { type: "button", class: "quiet", "aria-label": page.publish }, [icon("upload"), h("span", {}, page.publish)], {
        click: publish,
      }),
      h("a", { class: "quiet", href: otherLanguageAddress() }, page.otherLanguage),
      themeButton(),
    ]),
  ]);
}
