// A question before something that cannot be taken back by one click.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface ConfirmProps {
  title: string;
  /** What the button says that does it. */
  yes: string;
  children: ComponentChildren;
  onYes: () => void;
  shut: () => void;
}

export function Confirm({ title, yes, children, onYes, shut }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => { dialog.current?.showModal(); }, []);
  // Closed first: what is done may take the dialog away, and its form with it.
  const agree = () => {
    dialog.current?.close();
    onYes();
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby={id} onClose={shut}>
      <h2 id={id}>{title}</h2>
      <div>{children}</div>
      <form method="dialog" class="buttons">
        <button class="plain">Cancel</button>
        <button type="button" class="plain danger" onClick={agree}>{yes}</button>
      </form>
    </dialog>
  );
}
