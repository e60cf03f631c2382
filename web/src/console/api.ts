// The server's API, as whoever holds a token may use it. The token lives as long as the tab.

import { root } from "../addresses";

const KEPT_AS = "slipstream.token";
const PATIENCE_MS = 8_000;
const RECONNECT_MS = 2_000;

let token = sessionStorage.getItem(KEPT_AS) ?? "";

/** Why there is no answer, in the server's words. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** Called when the token is good for nothing any more. */
export const session = { onEnd: (): void => undefined };

export const hasToken = (): boolean => token !== "";

/** Keep a token, if the server takes it. */
export async function signIn(value: string): Promise<void> {
  try {
    token = value;
    await ask("server");
    sessionStorage.setItem(KEPT_AS, value);
  } catch (error) {
    token = "";
    throw error;
  }
}

export function signOut(): void {
  token = "";
  sessionStorage.removeItem(KEPT_AS);
}

type Method = "GET" | "POST" | "DELETE" | "PATCH";

async function send(method: Method, path: string, init: RequestInit): Promise<Response> {
  const url = new URL(`api/v1/${path}`, root);
  const headers = { ...init.headers, Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { ...init, method, headers, cache: "no-store" });
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string; title?: string };
  if (answer.status === 401 && sessionStorage.getItem(KEPT_AS)) session.onEnd();
  throw new Refusal(answer.status, problem.detail || problem.title || answer.statusText);
}

export async function ask<T>(path: string, method: Method = "GET", body?: unknown): Promise<T> {
  const init: RequestInit = { signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answer = await send(method, path, init);
  return (answer.status === 204 ? null : await answer.json()) as T;
}

/** A path with what stands in it and behind it, where that is not empty. */
export function path(parts: string[], query: Record<string, string | number> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const behind = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return parts.map(encodeURIComponent).join("/") + (given.length ? `?${behind}` : "");
}

/**
 * Server-sent events, read by hand: the browser's own reader cannot show a token. It comes back
 * by itself, to where it was; what is returned ends it.
 */
export function follow(path: string, tell: (name: string, data: unknown) => void): () => void {
  const ended = new AbortController();
  let lastId = "";

  async function once(): Promise<void> {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    const answer = await send("GET", path, { headers, signal: ended.signal });
    for await (const event of events(answer.body!)) {
      if (event.id) lastId = event.id;
      if (event.data) tell(event.name, JSON.parse(event.data));
    }
  }

  void (async () => {
    while (!ended.signal.aborted) {
      await once().catch(() => undefined);
      await new Promise((done) => setTimeout(done, RECONNECT_MS));
    }
  })();
  return () => ended.abort();
}

interface Sent {
  id: string;
  name: string;
  data: string;
}

async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<Sent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + decoder.decode(value, { stream: true })).split("\n\n");
    text = blocks.pop() ?? "";
    yield* blocks.map(parse);
  }
}

function parse(block: string): Sent {
  const sent: Sent = { id: "", name: "", data: "" };
  for (const line of block.split("\n")) {
    const cut = line.indexOf(": ");
    const value = line.slice(cut + 2);
    if (line.startsWith("id: ")) sent.id = value;
    else if (line.startsWith("event: ")) sent.name = value;
    else if (line.startsWith("data: ")) sent.data += value;
  }
  return sent;
}
