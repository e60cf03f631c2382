// Asking again and again, until somebody has seen enough.

import { Refusal } from "./api";

/**
 * Ask at once and every so many ms, not while the page is hidden.
 *
 * `tell` gets each answer, `fail` why there was none. What is returned ends it; `now` asks at once.
 */
export function poll<T>(
  question: () => Promise<T>,
  everyMs: number,
  tell: (answer: T) => void,
  fail: (reason: Error) => void = () => undefined,
): { stop: () => void; now: () => void } {
  let timer = 0;
  let isOver = false;
  let round = 0;

  async function once(): Promise<void> {
    const mine = ++round;
    clearTimeout(timer);
    try {
      const answer = await question();
      if (!isOver && mine === round) tell(answer);
    } catch (reason) {
      if (!isOver && mine === round) fail(reason as Error);
    }
    if (!isOver && mine === round && !document.hidden) {
      timer = window.setTimeout(() => void once(), everyMs);
    }
  }

  const onShown = (): void => void (!document.hidden && !isOver && once());
  document.addEventListener("visibilitychange", onShown);
  void once();
  return {
    now: () => void once(),
    stop: () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onShown);
    },
  };
}

/** Why something could not be done, for people. */
export function reasonOf(error: unknown, otherwise: string): string {
  return error instanceof Refusal ? error.message : otherwise;
}
