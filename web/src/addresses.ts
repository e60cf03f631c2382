// Where things are. The document's <base> is the way to the server's root, so that everything
// works below any path that a proxy may put before it.

import type { WayName } from "./player/ways";

export const root = new URL(".", document.baseURI);

/** What the page's own parameters are called; all others are handed on to the media. */
const OWN = new Set(["lang", "way", "muted", "autoplay"]);

export const parameters = new URLSearchParams(location.search);

export type View = { kind: "list" | "console" } | { kind: "watch" | "embed"; stream: string };

export function currentView(): View {
  const [kind, ...name] = location.pathname.slice(root.pathname.length).split("/");
  if (kind === "watch" || kind === "embed") {
    return { kind, stream: name.map(decodeURIComponent).join("/") };
  }
  return { kind: kind === "console" ? "console" : "list" };
}

const path = (stream: string): string => stream.split("/").map(encodeURIComponent).join("/");

/** With the parameters that this page was opened with: who needed them here needs them there. */
function handOn(url: URL): URL {
  for (const [name, value] of parameters) {
    if (!OWN.has(name)) url.searchParams.append(name, value);
  }
  return url;
}

/** A page of ours, in the same language. */
export function pageAddress(kind: "list" | "watch" | "embed", stream = ""): string {
  const url = kind === "list" ? new URL(".", root) : handOn(new URL(`${kind}/${path(stream)}`, root));
  const lang = parameters.get("lang");
  if (lang !== null) url.searchParams.set("lang", lang);
  return url.href;
}

/** A stream in a format. */
export function mediaAddress(stream: string, extension: string, websocket = false): string {
  const url = handOn(new URL(`${path(stream)}.${extension}`, root));
  if (websocket) url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

export function pictureAddress(stream: string, width: number, slot = 0): string {
  const url = new URL(mediaAddress(stream, "jpg"));
  url.searchParams.set("width", String(width));
  if (slot) url.searchParams.set("at", String(slot)); // else browsers show what they have
  return url.href;
}

/** An application to publish to, or a stream to watch. */
export function rtmpAddress(port: number, name = ""): string {
  const query = name.includes("/") ? handOn(new URL(root)).search : "";
  return `rtmp://${root.hostname}${port === 1935 ? "" : `:${port}`}/${name}${query}`;
}

export function wantedWay(): WayName | null {
  return parameters.get("way") as WayName | null;
}
