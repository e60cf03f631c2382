// One document for all pages: the address says which one it is.

import "./style.css";

import { currentView } from "./addresses";
import { applyTheme } from "./parts/theme";
import { language } from "./texts";
import { listView } from "./views/list";
import { embedView, watchView } from "./views/watch";

const LOCALE = { en: "en", zh: "zh-CN" };

applyTheme();
document.documentElement.lang = LOCALE[language];
const view = currentView();
document.body.dataset["view"] = view.kind;
switch (view.kind) {
  case "list":
    document.body.replaceChildren(...listView());
    break;
  case "watch":
    document.body.replaceChildren(...watchView(view.stream));
    break;
  case "embed":
    document.body.replaceChildren(...embedView(view.stream));
    break;
  case "console":
    // Few come here: whoever only watches need not load it.
    void import("./console/console").then(({ openConsole }) => openConsole());
    break;
}
