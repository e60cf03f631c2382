// Viewers with their quality, a page at a time.

import { h, setText } from "../dom";
import { duration } from "../wording";
import { ask, path } from "./api";
import { bytes, milliseconds } from "./figures";
import { kickButton } from "./kick";
import { button, choice, field, refresh, Status, table, type Cell, type View } from "./parts";
import { poll } from "./poll";
import { words } from "./texts";
import type { Viewer, ViewersPage } from "./told";

const EVERY_MS = 3_000;
const PAGE = 50;
const PROTOCOLS = ["rtmp", "http-flv", "ws-flv", "http-ts", "http-mp4", "hls", "hls-ts", "dash"];
const GOOD = 80;
const POOR = 50;

interface Wanted {
  stream?: string;
  protocol?: string;
  address?: string;
  sort?: string;
}

export function viewersView(): View {
  const names = words.viewers;
  const [streamEntry, stream] = field(names.stream, { placeholder: "live/show" });
  const [addressEntry, address] = field(names.address);
  const [protocolEntry, protocol] = choice(names.protocol, [
    ["", names.any],
    ...PROTOCOLS.map((name): [string, string] => [name, name]),
  ]);
  const [sortEntry, sort] = choice(names.sort, [
    ["-for_s", names.longest],
    ["-lag_ms", names.laggiest],
    ["score", names.worst],
  ]);
  const list = viewerList({}, true);
  const form = h("form", { class: "filters" }, [streamEntry, protocolEntry, addressEntry, sortEntry]);
  const apply = (): void =>
    list.want({
      stream: stream.value.trim(),
      protocol: protocol.value,
      address: address.value.trim(),
      sort: sort.value,
    });
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  return { element: h("div", { class: "stack" }, [form, list.element]), close: list.close };
}

/** A list that keeps itself up to date; `want()` shows others. */
export function viewerList(wanted: Wanted, isOfAll = false): View & { want(wanted: Wanted): void } {
  const names = words.viewers;
  const status = new Status();
  const count = h("span", { class: "count" });
  const rows = h("div", {});
  let pages = 1;
  const more = button(words.more, () => {
    pages += 1;
    asking.now();
  });
  more.hidden = true;

  async function page(): Promise<ViewersPage> {
    let shown: ViewersPage = { viewers: [], matching: 0, next: "" };
    for (let at = 0; at < pages && shown.next !== null; at += 1) {
      const query = { ...wanted, limit: PAGE, after: shown.next };
      const answer = await ask<ViewersPage>(path(["viewers"], query));
      shown = { ...answer, viewers: [...shown.viewers, ...answer.viewers] };
    }
    return shown;
  }

  function show({ viewers, matching, next }: ViewersPage): void {
    setText(count, names.count(matching));
    more.hidden = next === null;
    const isScored = viewers.some((viewer) => viewer.score !== undefined);
    const columns = [
      ...(isOfAll ? [names.stream] : []),
      ...[names.address, names.protocol, names.time, names.lag, names.lost],
      ...(isScored ? [names.quality, names.trip] : []),
      ...[names.sent, ""],
    ];
    const cells = (viewer: Viewer): Cell[] => [
      ...(isOfAll ? [viewer.stream] : []),
      h("span", {}, [viewer.address, " ", h("span", { class: "muted" }, viewer.id)]),
      viewer.protocol,
      viewer.waiting ? names.waits : duration(viewer.for_s),
      milliseconds(viewer.lag_ms),
      viewer.jumps ? names.skips(viewer.jumps, milliseconds(viewer.skipped_ms)) : "–",
      ...(isScored ? [score(viewer.score), viewer.rtt_ms == null ? "–" : milliseconds(viewer.rtt_ms)] : []),
      bytes(viewer.bytes),
      kickButton(viewer.id, status, () => asking.now()),
    ];
    const shown = viewers.map((viewer) => ({ key: `${viewer.id} ${viewer.stream}`, cells: cells(viewer) }));
    refresh(rows, table(columns, shown, names.none));
  }

  const asking = poll(page, EVERY_MS, show, (reason) => status.tell(reason.message, true));
  return {
    element: h("div", { class: "stack tight" }, [count, rows, more, status.element]),
    close: asking.stop,
    want: (others) => {
      wanted = others;
      pages = 1;
      status.tell("");
      asking.now();
    },
  };
}

function score(value: number | null | undefined): Cell {
  if (value == null) return "–";
  const look = value >= GOOD ? "good" : value >= POOR ? "fair" : "poor";
  return h("span", { class: `score ${look}` }, String(Math.round(value)));
}
