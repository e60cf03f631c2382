// Figures as operators read them.

import { bitrate } from "../wording";

export const rate = (value: number): string => (value > 0 ? `${Number(value.toFixed(1))} fps` : "–");

export const bits = (value: number): string => (value > 0 ? bitrate(value) : "0");

export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

export const milliseconds = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

export const whole = (value: number): string => (Number.isInteger(value) ? String(value) : "");

/** The time of day, in this browser's zone. */
export const clock = (iso: string): string =>
  new Date(iso).toLocaleTimeString([], { hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const day = (iso: string): string =>
  new Date(iso).toLocaleString([], { hour12: false, dateStyle: "short", timeStyle: "short" });
