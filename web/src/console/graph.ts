// One figure over the last minutes, drawn by uPlot; its colours are those of the page.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { h, setText } from "../dom";
import { clock } from "./figures";

const HEIGHT = 132;

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const timeOfDay = (seconds: number): string => clock(new Date(seconds * 1000).toISOString());

export class Graph {
  readonly element: HTMLElement;
  #value = h("span", { class: "graph-value" });
  #box = h("div", { class: "graph-box" });
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData = [[], []];
  #watched: ResizeObserver;

  constructor(
    title: string,
    private write: (value: number) => string,
  ) {
    this.element = h("figure", { class: "graph", "aria-label": title }, [
      h("figcaption", {}, [h("span", { class: "label" }, title), this.#value]),
      this.#box,
    ]);
    this.#watched = new ResizeObserver(() => this.#fit());
    this.#watched.observe(this.#box);
  }

  show(times: number[], values: (number | null)[]): void {
    this.#data = [times, values];
    this.#plot?.setData(this.#data);
    this.#tell();
  }

  close(): void {
    this.#watched.disconnect();
    this.#plot?.destroy();
  }

  #fit(): void {
    const width = this.#box.clientWidth;
    if (!width) return;
    if (this.#plot) this.#plot.setSize({ width, height: HEIGHT });
    else this.#plot = new uPlot(this.#options(width), this.#data, this.#box);
  }

  /** What stands beside a line; while there is nothing to see, only beside the lowest. */
  #mark(value: number): string {
    if (!value) return "0";
    return this.#data[1]?.some(Boolean) ? this.write(value) : "";
  }

  #options(width: number): uPlot.Options {
    const axis: uPlot.Axis = {
      stroke: () => colour("--soft"),
      grid: { stroke: () => colour("--line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    };
    return {
      width,
      height: HEIGHT,
      padding: [10, 26, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.15 : 1] } },
      axes: [
        { ...axis, size: 26, space: 80, grid: { show: false }, values: (_, marks) => marks.map(timeOfDay) },
        { ...axis, size: 68, space: 34, values: (_, marks) => marks.map((mark) => this.#mark(mark)) },
      ],
      series: [
        {},
        {
          stroke: () => colour("--accent"),
          fill: () => `color-mix(in srgb, ${colour("--accent")} 12%, transparent)`,
          width: 2,
          points: { show: false },
        },
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }

  /** The figure below the pointer, or else the newest. */
  #tell(): void {
    const values = this.#data[1] ?? [];
    const value = values[this.#plot?.cursor.idx ?? values.length - 1];
    setText(this.#value, value === null || value === undefined ? "–" : this.write(value));
  }
}
