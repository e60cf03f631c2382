// The server and its streams, asked for again and again, with what they were in the last minutes.

import { ask, follow, path } from "./api";
import { History } from "./history";
import { poll } from "./poll";
import type { Happened, ServerReport, StreamReport, StreamsPage } from "./told";

export const EVERY_MS = 2_000;
const AT_ONCE = 200; // streams; more of them are found by their names
const CHANGES = ["publish", "publish_done", "stream_up", "stream_down", "alert"];

export const figure = (stream: string, name: "bitrate" | "rate" | "viewers"): string => `${name} ${stream}`;

export class Monitor {
  server: ServerReport | null = null;
  streams: StreamReport[] = [];
  cores = 0;
  readonly history = new History();
  readonly listeners = new Set<() => void>();
  #asking: { stop: () => void; now: () => void };
  #unfollow: () => void;
  #cpu: { at: number; used: number } | null = null;

  constructor(fail: (reason: Error | null) => void) {
    const question = (): Promise<[ServerReport, StreamsPage]> =>
      Promise.all([ask<ServerReport>("server"), ask<StreamsPage>(path(["streams"], { limit: AT_ONCE }))]);
    this.#asking = poll(
      question,
      EVERY_MS,
      ([server, { streams }]) => {
        fail(null);
        this.#take(server, streams);
      },
      fail,
    );
    const changes = CHANGES.map((kind) => `kind=${kind}`).join("&");
    this.#unfollow = follow(`events?${changes}`, (name) => {
      if (CHANGES.includes(name as Happened["kind"])) this.#asking.now();
    });
  }

  close(): void {
    this.#asking.stop();
    this.#unfollow();
  }

  now(): void {
    this.#asking.now();
  }

  stream(name: string): StreamReport | undefined {
    return this.streams.find((stream) => stream.name === name);
  }

  #take(server: ServerReport, streams: StreamReport[]): void {
    this.server = server;
    this.streams = streams;
    const now = Date.now() / 1000;
    const used = server.workers.reduce((sum, worker) => sum + worker.cpu_s, 0);
    if (this.#cpu && now > this.#cpu.at) this.cores = Math.max(used - this.#cpu.used, 0) / (now - this.#cpu.at);
    this.#cpu = { at: now, used };
    const figures = new Map([
      ["received", server.received_bps],
      ["viewers", total(server.viewers)],
    ]);
    for (const { name, publisher, viewers } of streams) {
      figures.set(figure(name, "viewers"), viewers);
      if (!publisher) continue;
      figures.set(figure(name, "bitrate"), publisher.bitrate_bps);
      figures.set(figure(name, "rate"), publisher.frame_rate);
    }
    this.history.note(now, figures);
    for (const listener of this.listeners) listener();
  }
}

export const total = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
