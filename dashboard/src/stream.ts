// The stream of alerts: one EventSource at a time, opened again where the browser gives up.

// The API may be restarting, or may have too many of them.
const AGAIN_MS = 2000;

export interface Heard {
  /** A stream is open; events follow. */
  opened: () => void;
  alert: (event: MessageEvent<string>) => void;
  /** Whether a stream is open has changed. */
  turned: (isOpen: boolean) => void;
}

export class AlertStream {
  private events: EventSource | null = null;
  private again: ReturnType<typeof setTimeout> | undefined;
  private isOpen = false;
  private triedMs = 0;

  constructor(private readonly heard: Heard) {}

  /** Whether none is open, though there was time enough to open one. */
  isAway(nowMs: number): boolean {
    return !this.isOpen && (this.events === null || nowMs - this.triedMs >= AGAIN_MS);
  }

  /** Open it, unless it is open or about to be. */
  listen(): void {
    if (this.events !== null || this.again !== undefined) return;
    const events = new EventSource("/api/v1/alerts/stream");
    this.events = events;
    this.triedMs = Date.now();
    events.onopen = () => {
      if (this.events !== events) return;
      this.turn(true);
      this.heard.opened();
    };
    events.addEventListener("alert", event => {
      if (this.events === events) this.heard.alert(event as MessageEvent<string>);
    });
    events.onerror = () => {
      if (this.events !== events) return;
      this.turn(false);
      // The browser comes again by itself, unless it was refused for good.
      if (events.readyState !== EventSource.CLOSED) return;
      this.close();
      this.again = setTimeout(() => {
        this.again = undefined;
        this.listen();
      }, AGAIN_MS);
    };
  }

  close(): void {
    clearTimeout(this.again);
    this.again = undefined;
    this.events?.close();
    this.events = null;
    this.turn(false);
  }

  reopen(): void {
    this.close();
    this.listen();
  }

  private turn(isOpen: boolean): void {
    if (this.isOpen === isOpen) return;
    this.isOpen = isOpen;
    this.heard.turned(isOpen);
  }
}
