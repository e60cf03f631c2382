// All streams, and how the server is.

import { h, setText } from "../dom";
import { duration, nameParts } from "../wording";
import { bits, bytes, rate, whole } from "./figures";
import { Graph } from "./graph";
import { total, type Monitor } from "./monitor";
import { refresh, table, tile, type Row, type View } from "./parts";
import { words } from "./texts";
import type { StreamReport } from "./told";

export function streamsView(monitor: Monitor, address: (stream: string) => string): View {
  const names = words.server;
  const tiles = {
    streams: tile(names.streams),
    viewers: tile(names.viewers),
    received: tile(names.received),
    cpu: tile(names.cpu),
    memory: tile(names.memory),
    workers: tile(names.workers),
    uptime: tile(names.uptime),
  };
  const graphs = { received: new Graph(names.received, bits), viewers: new Graph(names.viewers, whole) };
  const list = h("div", {});

  function show(): void {
    const { server, history } = monitor;
    if (!server) return;
    const sum = (pick: "memory_bytes"): number => server.workers.reduce((all, worker) => all + worker[pick], 0);
    tiles.streams.show(String(server.streams["live"] ?? 0));
    tiles.viewers.show(String(total(server.viewers)));
    tiles.received.show(bits(server.received_bps));
    tiles.cpu.show(names.cores(monitor.cores.toFixed(2)));
    tiles.memory.show(bytes(sum("memory_bytes")));
    tiles.workers.show(`${server.workers.length} / ${server.workers_expected}`);
    tiles.uptime.show(duration((Date.now() - Date.parse(server.started_at)) / 1000));
    graphs.received.show(history.times, history.of("received"));
    graphs.viewers.show(history.times, history.of("viewers"));
    refresh(list, streamTable(monitor.streams, address));
  }

  monitor.listeners.add(show);
  show();
  return {
    element: h("div", { class: "stack" }, [
      h("dl", { class: "figures" }, Object.values(tiles).map(({ element }) => element)),
      h("div", { class: "graphs" }, [graphs.received.element, graphs.viewers.element]),
      list,
    ]),
    close: () => {
      monitor.listeners.delete(show);
      graphs.received.close();
      graphs.viewers.close();
    },
  };
}

function streamTable(streams: StreamReport[], address: (stream: string) => string): HTMLElement {
  const names = words.streams;
  const row = (stream: StreamReport): Row => {
    const [app, last] = nameParts(stream.name);
    const link = h("a", { class: "stream-link", href: address(stream.name) }, [h("span", { class: "app" }, app), last]);
    const cells = [
      h("span", { class: "with-alerts" }, [link, alertCount(stream)]),
      stateBadge(stream.state),
      stream.publisher ? bits(stream.publisher.bitrate_bps) : "–",
      stream.publisher ? rate(stream.publisher.frame_rate) : "–",
      String(stream.viewers),
      duration(stream.for_s),
    ];
    return { key: stream.name, cells };
  };
  const columns = [names.name, names.state, names.bitrate, names.rate, names.viewers, names.age];
  return table(columns, streams.map(row), names.none);
}

function alertCount({ alerts = [] }: StreamReport): HTMLElement | null {
  return alerts.length ? h("span", { class: "alert-count" }, words.streams.alerts(alerts.length)) : null;
}

export function stateBadge(state: StreamReport["state"]): HTMLElement {
  const badge = h("span", { class: `badge ${{ live: "", slate: "slate", starting: "slate", waiting: "off" }[state]}` });
  setText(badge, words.streams[state]);
  return badge;
}
