// What the API tells, as far as it is shown: docs/reference/api.md explains every field.

import type { Track } from "../server";

export interface Worker {
  number: number;
  ready: boolean;
  cpu_s: number;
  memory_bytes: number;
  viewers: number;
  publishers: number;
  loop_lag_ms: number;
}

export interface ServerReport {
  version: string;
  started_at: string;
  workers: Worker[];
  workers_expected: number;
  streams: Record<string, number>;
  publishers: Record<string, number>;
  viewers: Record<string, number>;
  received_bps: number;
}

export interface Publisher {
  id: string;
  stream: string;
  state: string;
  protocol: string;
  address: string;
  credential: string;
  for_s: number;
  silent_s: number;
  bitrate_bps: number;
  frame_rate: number;
  frames_refused: number;
}

export interface Alert {
  alert: string;
  value: number;
  threshold: number;
  for_s: number;
}

export interface StreamReport {
  name: string;
  state: "live" | "slate" | "starting" | "waiting";
  for_s: number;
  publisher: Publisher | null;
  publishers: Publisher[];
  tracks: { kind: string; codec: Omit<Track, "kind"> }[];
  gop_ms: number;
  viewers: number;
  repairs: Record<string, number>;
  alerts?: Alert[];
}

export interface StreamsPage {
  streams: StreamReport[];
  next: string | null;
}

export interface Viewer {
  id: string;
  stream: string;
  protocol: string;
  address: string;
  format: string;
  for_s: number;
  waiting: boolean;
  lag_ms: number;
  jumps: number;
  skipped_ms: number;
  dropped_frames: number;
  bytes: number;
  score?: number | null;
  rtt_ms?: number | null;
  frame_rate?: number | null;
}

export interface ViewersPage {
  viewers: Viewer[];
  matching: number;
  next: string | null;
}

export interface Happened {
  time: string;
  kind: string;
  stream: string;
  id: string;
  address: string;
  reason: string;
  detail: Record<string, unknown>;
}

export interface LogLine {
  time: string;
  level: string;
  event: string;
  fields: Record<string, unknown>;
}

export interface RelayConnection {
  stream: string;
  state: string;
  error: string;
  bytes: number;
  reconnects: number;
}

export interface Relay {
  id: string;
  kind: "push" | "pull";
  stream: string;
  url: string;
  on_demand: boolean;
  static: boolean;
  state: string;
  connections: RelayConnection[];
}

export interface StreamKey {
  id: string;
  app: string;
  name: string;
  label: string;
  made: string;
  enabled: boolean;
}

export interface NewKey {
  key: string;
  stored: StreamKey;
}
