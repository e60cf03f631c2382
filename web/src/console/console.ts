// The console: a way in, then one view at a time. It knows nothing but what the API tells.

import "./console.css";

import { pageAddress } from "../addresses";
import { h, icon, setText } from "../dom";
import mark from "../mark.svg";
import { themeButton } from "../parts/theme";
import { otherLanguageAddress, texts } from "../texts";
import { hasToken, session, signOut } from "./api";
import { keysView } from "./keys";
import { logView } from "./log";
import { login } from "./login";
import { Monitor } from "./monitor";
import type { View } from "./parts";
import { relaysView } from "./relays";
import { streamView } from "./stream";
import { streamsView } from "./streams";
import { words } from "./texts";
import { viewersView } from "./viewers";

const TABS = ["streams", "viewers", "relays", "keys", "log"] as const;
type Tab = (typeof TABS)[number];

/** The address of a view. The document's base is the root, so the page itself is named. */
function address(tab: Tab, stream = ""): string {
  const url = new URL(location.href);
  url.hash = stream ? `${tab}/${stream}` : tab;
  return url.href;
}

function wanted(): { tab: Tab; stream: string } {
  const [name = "", ...stream] = decodeURIComponent(location.hash.slice(1)).split("/");
  const tab = TABS.find((known) => known === name) ?? "streams";
  return { tab, stream: tab === "streams" ? stream.join("/") : "" };
}

export function openConsole(): void {
  document.title = `Slipstream · ${words.title}`;
  let close = (): void => undefined;
  const leave = (note: string): void => {
    close();
    signOut();
    const main = h("main", { class: "console" }, login(note, enter));
    document.body.replaceChildren(top(null), main);
  };
  const enter = (): void => {
    close = show(() => leave(""));
  };
  session.onEnd = () => leave(words.tokenEnded);
  if (hasToken()) enter();
  else leave("");
}

/** Show what the address says; what is returned ends it. */
function show(leave: () => void): () => void {
  const note = h("p", { class: "note bad", role: "status" });
  const place = h("div", {});
  const tabs = new Map(TABS.map((tab) => [tab, h("a", { href: address(tab) }, words.tabs[tab])]));
  const monitor = new Monitor((reason) => setText(note, reason ? words.unreachable : ""));
  let view: View | null = null;

  function turn(): void {
    const { tab, stream } = wanted();
    view?.close();
    view = open(tab, stream, monitor);
    place.replaceChildren(view.element);
    for (const [name, link] of tabs) link.ariaCurrent = name === tab ? "page" : null;
  }

  window.addEventListener("hashchange", turn);
  document.body.replaceChildren(
    top(leave),
    h("main", { class: "console" }, [h("nav", { class: "segments tabs", "aria-label": words.title }, [...tabs.values()]), note, place]),
  );
  turn();
  return () => {
    window.removeEventListener("hashchange", turn);
    view?.close();
    monitor.close();
  };
}

function open(tab: Tab, stream: string, monitor: Monitor): View {
  switch (tab) {
    case "streams":
      return stream
        ? streamView(monitor, stream, address("streams"))
        : streamsView(monitor, (name) => address("streams", name));
    case "viewers":
      return viewersView();
    case "relays":
      return relaysView();
    case "keys":
      return keysView();
    case "log":
      return logView();
  }
}

function top(leave: (() => void) | null): HTMLElement {
  return h("header", { class: "top" }, [
    h("a", { class: "brand", href: pageAddress("list"), "aria-label": `Slipstream: ${texts.page.home}` }, [
      h("img", { src: mark, alt: "", width: 28, height: 28 }),
      h("span", { class: "brand-name" }, [h("span", {}, "Slipstream "), h("span", { class: "app" }, words.title)]),
    ]),
    h("nav", {}, [
      h("a", { class: "quiet", href: otherLanguageAddress() }, texts.page.otherLanguage),
      themeButton(),
      leave &&
        h("button", { type: "button", class: "quiet", "aria-label": words.signOut }, [icon("leave"), h("span", {}, words.signOut)], {
          click: leave,
        }),
    ]),
  ]);
}

