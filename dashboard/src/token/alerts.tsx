// The alerts of a token, and what it cost afterwards.

import type { PastAlert, PastAlertsAnswer, PriceAfter } from "../api";
import { span } from "../format";
import { price, quoteName } from "../frame/amounts";
import { Answer, Lacks, type Asked } from "../frame/asked";
import { At } from "../frame/times";
import { Command, Said, Table } from "../parts";
import { LABEL_MAX, plain, words } from "../text";

const PERCENT = new Intl.NumberFormat("en", { maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** How a price changed since the alert, in percent. */
export function changed(from: number | null, after: PriceAfter | undefined) {
  if (!after || after.price === null || from === null || from <= 0) return <span class="dim">{after ? "unknown" : "–"}</span>;
  const percent = 100 * (after.price / from - 1);
  return <span class={percent < 0 ? "sell" : "buy"} title={`${price(after.price)}, ${after.trades} trades`}>{PERCENT.format(percent)} %</span>;
}

/** The times after an alert at which it is looked at, of whatever these alerts have. */
export const timesOf = (alerts: PastAlert[]): number[] =>
  [...new Set(alerts.flatMap(one => one.after?.map(each => each.after_ms) ?? []))].sort((a, b) => a - b);

export function AlertsOf({ asked }: { asked: Asked<PastAlertsAnswer> }) {
  return (
    <Answer asked={asked}>
      {({ alerts, history }) => {
        const opened = alerts.filter(one => one.alert.kind === "opened" || one.alert.kind === "escalated");
        const times = timesOf(opened);
        return (
          <>
            <Lacks head={history} />
            <Table label="Alerts of this token" none="No rule has rung for it." columns={[
              { name: "time" }, { name: "rule" }, { name: "price then", number: true },
              ...times.map(ms => ({ name: `after ${span(ms / 1000)}`, number: true })), { name: "prove" }]}
              rows={opened.map(one => [
                <At ms={one.alert.event_time_ms} />,
                <><span class={`severity ${one.alert.severity}`}>{one.alert.kind === "opened" ? one.alert.severity : "grew"}</span> <Said text={words(one.alert.trigger)} max={LABEL_MAX} /></>,
                one.price === null ? <span class="dim">unknown</span> : `${price(one.price)} ${quoteName(one.quote_mint)}`,
                ...times.map(ms => changed(one.price, one.after?.find(each => each.after_ms === ms))),
                <Command text={`pw prove ${plain(one.alert.id.slice(0, 10))}`} />,
              ])} />
          </>
        );
      }}
    </Answer>
  );
}
