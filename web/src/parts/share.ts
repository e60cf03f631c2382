// Addresses of a stream, to be used elsewhere.

import { mediaAddress, pageAddress, rtmpAddress } from "../addresses";
import { h } from "../dom";
import type { Publishing } from "../server";
import { texts } from "../texts";
import { copyRow } from "./copy";

export function shareBox(stream: string, publishing: Promise<Publishing>): HTMLElement {
  const { share } = texts;
  const embed =
    `<iframe src="${pageAddress("embed", stream)}" width="640" height="360" ` +
    'allow="autoplay; fullscreen; picture-in-picture" style="border:0"></iframe>';
  const rows = h("div", {}, [
    copyRow(share.page, pageAddress("watch", stream)).row,
    copyRow(share.embed, embed).row,
    copyRow(share.players, mediaAddress(stream, "flv")).row,
  ]);
  publishing.then(
    ({ rtmp_port }) => rows.append(copyRow("RTMP", rtmpAddress(rtmp_port, stream)).row),
    () => undefined,
  );
  return h("details", { class: "sheet share" }, [h("summary", {}, share.title), rows]);
}
