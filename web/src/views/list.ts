// What is on air, as cards that come and go by themselves.

import { root } from "../addresses";
import { h, icon, setText } from "../dom";
import { Card } from "../parts/card";
import { showDialog } from "../parts/dialog";
import { header } from "../parts/header";
import { publishHelp } from "../parts/publish";
import { askForAll, keepAsking, type Listing, type Publishing } from "../server";
import { texts } from "../texts";

const ASK_EVERY_MS = 5_000;

/** The help dialog's button works before the server has said where to publish. */
export async function showPublishHelp(known: Publishing | null): Promise<void> {
  const publishing = known ?? (await askForAll()).publish;
  showDialog(texts.publish.title, publishHelp(publishing));
}

export function listView(): HTMLElement[] {
  const { page } = texts;
  const cards = new Map<string, Card>();
  const count = h("span", { class: "count" });
  const grid = h("div", { class: "grid" });
  const note = h("p", { class: "note", role: "status" }, page.loading);
  const empty = h("section", { class: "empty" });
  const title = h("div", { class: "title" }, [h("h1", {}, page.onAir), count]);
  empty.hidden = title.hidden = true;
  let publishing: Publishing | null = null;

  function show(listing: Listing): void {
    const seen = new Set<string>();
    for (const stream of listing.streams) {
      seen.add(stream.name);
      const card = cards.get(stream.name);
      if (card) {
        card.show(stream);
      } else {
        const added = new Card(stream);
        cards.set(stream.name, added);
        grid.append(added.element);
      }
    }
    for (const [name, card] of cards) {
      if (!seen.has(name)) {
        card.element.remove();
        cards.delete(name);
      }
    }
    setText(count, page.streams(listing.count));
    title.hidden = seen.size === 0;
    empty.hidden = seen.size > 0;
    if (seen.size === 0 && !empty.hasChildNodes()) empty.append(...emptyState(listing));
    const unseen = listing.count - listing.streams.length;
    setText(note, unseen > 0 ? page.more(unseen) : "");
  }

  keepAsking(
    askForAll,
    () => ASK_EVERY_MS,
    (listing) => {
      if (listing === null) return setText(note, page.unreachable);
      publishing = listing.publish;
      show(listing);
    },
  );
  document.title = `Slipstream · ${page.onAir}`;
  return [
    header(true, () => void showPublishHelp(publishing)),
    h("main", {}, [title, grid, empty, note]),
    h("footer", {}, h("a", { href: new URL("page/licences.txt", root).href }, page.licences)),
  ];
}

function emptyState({ listed, publish }: Listing): HTMLElement[] {
  const { page } = texts;
  return [
    h("div", { class: "empty-head" }, [
      h("span", { class: "empty-mark" }, icon("play")),
      h("h1", {}, listed ? page.nothing : page.unlisted),
      h("p", {}, listed ? page.nothingHint : page.unlistedHint),
    ]),
    h("div", { class: "sheet" }, [h("h2", {}, texts.publish.title), publishHelp(publish)]),
  ];
}
