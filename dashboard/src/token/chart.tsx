// How a token's price moved: candles and volume, with its alerts and its largest trades marked. A
// candle that is pointed at says its numbers; one that is chosen shows its swaps below.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Candle, PastAlert } from "../api";
import { count } from "../format";
import { price, quoted, SOL_MINT } from "../frame/amounts";
import { Lacks } from "../frame/asked";
import { useLists } from "../frame/lists";
import { At, clock } from "../frame/times";
import { Said, Table } from "../parts";
import { SENTENCE_MAX } from "../text";
import { STEPS, useCandles, type Step } from "./candles";
import type { Drawing } from "./drawing";
import { LOOKED_AT, marksOf, useLargest } from "./marks";
import type { Span } from "./page";

const LISTED = 60;

export function Chart({ mint, alerts, chosen, choose }: {
  mint: string; alerts: PastAlert[]; chosen: Span | null; choose: (span: Span | null) => void;
}) {
  const [step, setStep] = useState<Step>("1m");
  const [withTrades, setWithTrades] = useState(true);
  const [over, setOver] = useState<Candle | null>(null);
  const [problem, setProblem] = useState("");
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const candles = useCandles(mint, step);
  const largest = useLargest(withTrades ? mint : null);
  const lists = useLists();
  const stepMs = STEPS[step];
  const newest = useRef({ choose, stepMs, older: candles.older });
  newest.current = { choose, stepMs, older: candles.older };

  useEffect(() => {
    let isGone = false;
    // The drawing is as large as all the rest of the page: who reads alerts does not wait for it.
    import("./drawing").then(({ Drawing }) => {
      if (isGone || place.current === null) return;
      drawing.current = new Drawing(place.current, {
        pointed: setOver,
        picked: ms => newest.current.choose({ firstMs: ms, endMs: ms + newest.current.stepMs }),
        leftEnd: () => newest.current.older(),
      });
      setProblem("");
      draw();
    }, () => setProblem("The chart could not be loaded: reload the page."));
    return () => {
      isGone = true;
      drawing.current?.remove();
      drawing.current = null;
    };
  }, []);

  const marks = useMemo(
    () => marksOf(alerts, withTrades ? largest : [], lists.watched?.entries ?? [], stepMs),
    [alerts, largest, lists.watched, stepMs, withTrades]);
  const draw = () => drawing.current?.show(candles.candles, stepMs, marks);
  useEffect(draw, [candles.candles, stepMs, marks]);

  const shown = over ?? candles.candles.at(-1) ?? null;
  return (
    <>
      <div class="head">
        <h2 id="chart-head">Price in SOL</h2>
        <div class="steps" role="group" aria-label="Length of a candle">
          {(Object.keys(STEPS) as Step[]).map(one => (
            <button type="button" key={one} aria-pressed={one === step} onClick={() => { setStep(one); choose(null); }}>{one}</button>
          ))}
        </div>
        <label class="check"><input type="checkbox" checked={withTrades} onChange={() => setWithTrades(!withTrades)} /> largest of the newest {LOOKED_AT} trades</label>
      </div>
      <p class="legend" aria-hidden="true">{shown && <Legend candle={shown} />}</p>
      {(problem || candles.problem) && <p class="note away" role="status"><Said text={problem || candles.problem} max={SENTENCE_MAX} /></p>}
      {candles.head && <Lacks head={candles.head} />}
      <div class="chart" ref={place} role="img" aria-label="Chart of the price; the same numbers are in the table below it." />
      {candles.isLoaded && candles.candles.length === 0 && <p class="none">It was not traded for SOL, as far as history goes back.</p>}
      <details>
        <summary>The last {LISTED} candles as a table</summary>
        <Table label="Candles" none="None." columns={[
          { name: "from" }, { name: "open", number: true }, { name: "high", number: true }, { name: "low", number: true },
          { name: "close", number: true }, { name: "bought", number: true }, { name: "sold", number: true }, { name: "trades", number: true }, { name: "" }]}
          rows={candles.candles.slice(-LISTED).reverse().map(one => [
            <At ms={one.begin_ms} />, price(one.open), price(one.high), price(one.low), price(one.close),
            quoted(one.spent_raw, SOL_MINT), quoted(one.received_raw, SOL_MINT), count(one.trades),
            <button type="button" class="plain small" aria-pressed={chosen?.firstMs === one.begin_ms}
              onClick={() => choose({ firstMs: one.begin_ms, endMs: one.begin_ms + stepMs })}>its swaps</button>,
          ])} />
      </details>
      <p class="dim small">A candle that is clicked shows its swaps. Drawn with <a href="https://www.tradingview.com/lightweight-charts/" target="_blank" rel="noopener noreferrer external">Lightweight Charts by TradingView</a>.</p>
    </>
  );
}

function Legend({ candle }: { candle: Candle }) {
  const change = 100 * (candle.close / candle.open - 1);
  return (
    <>
      <span>{clock(candle.begin_ms)}</span>{" "}
      <span><i>O</i> {price(candle.open)}</span> <span><i>H</i> {price(candle.high)}</span>{" "}
      <span><i>L</i> {price(candle.low)}</span> <span><i>C</i> {price(candle.close)}</span>{" "}
      <span class={change < 0 ? "sell" : "buy"}>{change > 0 && "+"}{change.toFixed(1)} %</span>{" "}
      <span><i>bought</i> {quoted(candle.spent_raw, SOL_MINT)}</span> <span><i>sold</i> {quoted(candle.received_raw, SOL_MINT)}</span>{" "}
      <span><i>trades</i> {count(candle.trades)}</span>
    </>
  );
}
