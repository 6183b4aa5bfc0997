// How a channel does, by what the status says of it. What it does not say is unknown.

import type { ConditionView, StatusView } from "../api";

const STREAM = "PW_ALERT";

export interface ChannelState {
  /** Alerts that it should have taken and has not; null where nobody says. */
  waiting: number | null;
  /** How old the oldest of them is. */
  lagS: number | null;
  /** How many it tried more than once; null also in quiet hours, which hand it alerts again and again untried. */
  redelivered: number | null;
  /** Until when its quiet hours hold up alerts, and how many of them; null where they hold up none. */
  quiet: { untilMs: number; alerts: number } | null;
  /** What is wrong with it, as the conditions have it. */
  condition: ConditionView | null;
}

const UNKNOWN: ChannelState = { waiting: null, lagS: null, redelivered: null, quiet: null, condition: null };

export function stateOf(name: string, status: StatusView | null): ChannelState {
  if (status === null) return UNKNOWN;
  const consumer = status.consumers.find(one => one.stream === STREAM && one.consumer === `notifier-${name}`);
  const condition = status.conditions.find(one => one.name === `channel_${name}`) ?? null;
  if (consumer === undefined) return { ...UNKNOWN, condition };
  const untilMs = consumer.quiet_until_ms ?? null;
  const quiet = untilMs === null || !consumer.ack_pending ? null : { untilMs, alerts: consumer.ack_pending };
  return {
    waiting: consumer.pending + consumer.ack_pending, lagS: consumer.lag_s, redelivered: quiet ? null : consumer.redelivered, quiet, condition,
  };
}

/** What its notifiers say keeps them from being ready; each once. */
export function reasonsOf(status: StatusView | null): string[] {
  const said = status?.services.find(one => one.service === "notifier")?.instances.filter(one => !one.stale && !one.ready) ?? [];
  return [...new Set(said.map(one => one.reason).filter(Boolean))];
}

/** Whether a notifier runs: null where nobody says. */
export function hasNotifier(status: StatusView | null): boolean | null {
  if (status === null) return null;
  return status.services.some(one => one.service === "notifier" && one.instances.some(each => !each.stale));
}
