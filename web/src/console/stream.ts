// One stream: its graphs, whoever publishes it and how well, and those who watch it.

import { pageAddress } from "../addresses";
import { h, icon } from "../dom";
import type { Stream } from "../server";
import { codecs, duration, nameParts, pictureSize } from "../wording";
import { bits, milliseconds, rate, whole } from "./figures";
import { Graph } from "./graph";
import { kickButton } from "./kick";
import { figure, type Monitor } from "./monitor";
import { refresh, Status, table, type Cell, type View } from "./parts";
import { stateBadge } from "./streams";
import { words } from "./texts";
import type { Publisher, StreamReport } from "./told";
import { viewerList } from "./viewers";

export function streamView(monitor: Monitor, name: string, back: string): View {
  const names = words.streams;
  const graphs = {
    bitrate: new Graph(names.bitrate, bits),
    rate: new Graph(names.rate, rate),
    viewers: new Graph(names.viewers, whole),
  };
  const [app, last] = nameParts(name);
  const facts = h("p", { class: "status" });
  const health = h("div", {});
  const status = new Status();
  const publishers = h("section", { class: "stack tight" }, [h("h2", {}, words.publishers.title), health, status.element]);
  const viewers = viewerList({ stream: name });

  function show(): void {
    const stream = monitor.stream(name);
    const { history } = monitor;
    for (const [kind, graph] of Object.entries(graphs)) {
      graph.show(history.times, history.of(figure(name, kind as keyof typeof graphs)));
    }
    publishers.hidden = !stream;
    if (!stream) {
      facts.replaceChildren(names.gone);
      health.replaceChildren();
      return;
    }
    facts.replaceChildren(
      stateBadge(stream.state),
      h("span", { class: "muted" }, described(stream)),
      h("a", { class: "quiet", href: pageAddress("watch", name) }, [icon("play"), names.watch]),
    );
    refresh(health, h("div", { class: "stack tight" }, healthOf(stream, status, () => monitor.now())));
  }

  monitor.listeners.add(show);
  show();
  return {
    element: h("div", { class: "stack" }, [
      h("div", {}, [
        h("a", { class: "quiet back", href: back }, [icon("back"), names.all]),
        h("div", { class: "watch-head" }, [h("h1", {}, [h("span", { class: "app" }, app), last]), facts]),
      ]),
      h("div", { class: "graphs three" }, Object.values(graphs).map(({ element }) => element)),
      publishers,
      h("section", { class: "stack tight" }, [h("h2", {}, words.viewers.title), viewers.element]),
    ]),
    close: () => {
      monitor.listeners.delete(show);
      viewers.close();
      for (const graph of Object.values(graphs)) graph.close();
    },
  };
}

function described(stream: StreamReport): string {
  const tracks = stream.tracks.map(({ kind, codec }) => ({ kind, ...codec }));
  const video = tracks.find((track) => track.kind === "video");
  const shown = [pictureSize(video), codecs({ tracks } as Stream), duration(stream.for_s)];
  return shown.filter(Boolean).join("  ·  ");
}

function healthOf(stream: StreamReport, status: Status, changed: () => void): HTMLElement[] {
  const names = words.publishers;
  const columns = [names.address, names.state, names.bitrate, names.rate, names.silent, names.refused, ""];
  const cells = (one: Publisher): Cell[] => [
    h("span", {}, [one.address, " ", h("span", { class: "muted" }, one.id)]),
    names.states[one.state] ?? one.state,
    bits(one.bitrate_bps),
    rate(one.frame_rate),
    one.silent_s >= 1 ? duration(one.silent_s) : "–",
    String(one.frames_refused),
    one.state === "slate" ? null : kickButton(one.id, status, changed),
  ];
  const mended = Object.values(stream.repairs).reduce((sum, count) => sum + count, 0);
  const facts = [
    stream.gop_ms ? `${names.keyframes}: ${names.every(milliseconds(stream.gop_ms))}` : "",
    `${names.repairs}: ${mended}`,
  ];
  return [
    table(columns, stream.publishers.map((one) => ({ key: one.id, cells: cells(one) })), names.none),
    h("p", { class: "hint" }, facts.filter(Boolean).join("  ·  ")),
    alertList(stream),
  ];
}

function alertList({ alerts, publishers }: StreamReport): HTMLElement {
  const names = words.publishers;
  if (!alerts?.length) return h("p", { class: "hint" }, alerts && publishers.length ? names.healthy : "");
  return h(
    "ul",
    { class: "alerts" },
    alerts.map(({ alert, value, threshold, for_s }) =>
      h("li", {}, [
        h("strong", {}, alert.replaceAll("_", " ")),
        h("span", {}, names.beyond(String(value), String(threshold))),
        h("span", { class: "muted" }, duration(for_s)),
      ]),
    ),
  );
}
