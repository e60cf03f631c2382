// Dark or light: as the system has it, until somebody says otherwise.

import { iconButton, setIcon } from "../dom";
import { prefer, preference } from "../preferences";
import { texts } from "../texts";

type Theme = "dark" | "light";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const systems = (): Theme => (system.matches ? "dark" : "light");

function current(): Theme {
  const chosen = preference("theme");
  return chosen === "dark" || chosen === "light" ? chosen : systems();
}

export function applyTheme(): void {
  document.documentElement.dataset["theme"] = current();
}

export function themeButton(): HTMLButtonElement {
  const button = iconButton("moon", "", () => {
    const next = current() === "dark" ? "light" : "dark";
    prefer("theme", next === systems() ? null : next);
    show();
  });
  const show = (): void => {
    applyTheme();
    const isDark = current() === "dark";
    setIcon(button, isDark ? "sun" : "moon", isDark ? texts.page.light : texts.page.dark);
  };
  system.addEventListener("change", show);
  show();
  return button;
}
