// Sending somebody away.

import { ask, path } from "./api";
import { button, confirm, type Status } from "./parts";
import { words } from "./texts";

export function kickButton(id: string, status: Status, done: () => void): HTMLButtonElement {
  const names = words.viewers;
  const kick = (): void =>
    void status.attempt(async () => {
      await ask(path(["connections", id]), "DELETE");
      status.tell(names.kicked(id));
      done();
    });
  return button(names.kick, () => confirm(names.sure(id), names.kick, kick));
}
