// Elements are made here, and only here: whatever comes from a stream is text and nothing else.

type Child = Node | string | null | undefined | false;
type Listeners = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
type Attributes = Record<string, string | number | boolean | null | undefined>;

/** An HTML element with attributes (`false` and nothing: left out), children and listeners. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  children: Child | Child[] = [],
  listeners: Listeners = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  for (const child of Array.isArray(children) ? children : [children]) {
    if (child) element.append(child);
  }
  for (const [type, listener] of Object.entries(listeners)) {
    element.addEventListener(type, listener as EventListener);
  }
  return element;
}

export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Set a text only if it is another one, so that nothing is laid out anew for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  play: "M7.5 4.8v14.4a.6.6 0 0 0 .92.5l11.2-7.2a.6.6 0 0 0 0-1L8.420 4.300a.6.6 0 0 0-.92.5z",
  pause: "M7 4.500h3.200v15H7zM13.800 4.500H17v15h-3.200z",
  sound: "M4 9.500v5h3.500L12 18.800V5.200L7.500 9.500zM15 8.500a5 5 0 0 1 0 7M17.500 6a8.500 8.500 0 0 1 0 12",
  muted: "M4 9.500v5h3.500L12 18.800V5.200L7.500 9.500zM15.500 9.500l5 5M20.500 9.500l-5 5",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  window: "M4 5h16v14H4zM12.500 12.500h5v4h-5z",
  keys: "M3.500 7h17v10h-17zM7 10.200h.01M10.300 10.200h.01M13.600 10.200h.01M17 10.200h.01M8 13.800h8",
  moon: "M19.500 14.200A8 8 0 0 1 9.800 4.500a8 8 0 1 0 9.700 9.700z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  back: "M14.500 5.500L8 12l6.500 6.500",
  copy: "M9 9h10.500v10.500H9zM15 9V4.500H4.500V15H9",
  done: "M5 12.500l4.500 4.500L19.500 7",
  eye: "M2.500 12S6 5.800 12 5.800 21.500 12 21.500 12 18 18.200 12 18.200 2.500 12 2.500 12zM12 9.300a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400z",
  note: "M9 18V5.500l10.500-2V16M9 18a2.700 2.700 0 1 1-5.400 0A2.700 2.700 0 0 1 9 18zM19.500 16a2.700 2.700 0 1 1-5.400 0 2.700 2.700 0 0 1 5.400 0z",
  close: "M6 6l12 12M18 6L6 18",
  remove: "M5 7h14M10 7V4.500h4V7M7 7l.8 12.500h8.400L17 7M10.500 11v5M13.500 11v5",
  turn: "M19.500 12a7.500 7.500 0 1 1-2.300-5.400M19.500 4v4.500H15",
  add: "M12 5v14M5 12h14",
  leave: "M14 4.500h5.500v15H14M4 12h10M10 8l4 4-4 4",
  upload: "M12 16V4.500M7 9l5-5 5 5M4.500 16v3.500h15V16",
} as const;

export type Icon = keyof typeof ICONS;

const FILLED = new Set<Icon>(["play", "pause"]);

export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  setAttributes(svg, { viewBox: "0 0 24 24", class: `icon${FILLED.has(name) ? " filled" : ""}`, "aria-hidden": "true" });
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Show another icon in a button, and say what it does now. */
export function setIcon(button: HTMLButtonElement, name: Icon, label: string): void {
  if (button.dataset["icon"] !== name) {
    button.dataset["icon"] = name;
    button.replaceChildren(icon(name));
  }
  setAttributes(button, { "aria-label": label, title: label });
}

export function iconButton(name: Icon, label: string, press: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", class: "icon-button" }, [], { click: press });
  setIcon(button, name, label);
  return button;
}
