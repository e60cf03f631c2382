// The last minutes of figures, in this tab: as many points as a graph has room for.

export const POINTS = 180;

export class History {
  readonly times: number[] = [];
  #series = new Map<string, (number | null)[]>();

  /** Note the figures of one moment; what is missing has a gap there. */
  note(time: number, figures: Map<string, number>): void {
    this.times.push(time);
    for (const [name, value] of figures) {
      const series = this.#series.get(name) ?? new Array<number | null>(this.times.length - 1).fill(null);
      this.#series.set(name, series);
      series.push(value);
    }
    for (const [name, series] of this.#series) {
      if (!figures.has(name)) series.push(null);
      if (this.times.length > POINTS) series.shift();
      if (series.every((value) => value === null)) this.#series.delete(name);
    }
    if (this.times.length > POINTS) this.times.shift();
  }

  of(name: string): (number | null)[] {
    return this.#series.get(name) ?? new Array<number | null>(this.times.length).fill(null);
  }
}
