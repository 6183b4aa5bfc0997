// The chart itself, by lightweight-charts: loaded apart from the page, since it is as large as it.

import {
  CandlestickSeries, ColorType, createChart, createSeriesMarkers, HistogramSeries, TickMarkType,
  type IChartApi, type ISeriesApi, type ISeriesMarkersPluginApi, type SeriesMarker, type Time, type UTCTimestamp,
} from "lightweight-charts";
import type { Candle } from "../api";
import { LAMPORTS, price } from "../frame/amounts";
import { clock } from "../frame/times";
import type { Mark } from "./marks";

export interface Told {
  pointed: (candle: Candle | null) => void;
  picked: (beginMs: number) => void;
  /** Somebody looks at what lies before the oldest candle. */
  leftEnd: () => void;
}

// Longer pauses are drawn shorter than they were.
const EMPTY_STEPS_MAX = 240;
const LEFT_END = 5;
const BAR_PX_MAX = 26;
const SOL_TEXT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const timeOf = (ms: number): UTCTimestamp => Math.round(ms / 1000) as UTCTimestamp;

/** Below the lowest price the scale may run to zero and under it, where no price is. */
const axisPrice = (minMove: number) => (value: number): string => (value >= minMove ? price(value) : "");

export class Drawing {
  private readonly chart: IChartApi;
  private readonly prices: ISeriesApi<"Candlestick">;
  private readonly volume: ISeriesApi<"Histogram">;
  private readonly marks: ISeriesMarkersPluginApi<Time>;
  private readonly isDark = matchMedia("(prefers-color-scheme: dark)");
  private readonly themed = new MutationObserver(() => this.paint());
  private candles = new Map<number, Candle>();
  private shownStep = 0;
  private last: { candles: Candle[]; stepMs: number; marks: Mark[] } | null = null;

  constructor(place: HTMLElement, told: Told) {
    this.chart = createChart(place, {
      autoSize: true,
      layout: { attributionLogo: false, fontFamily: "inherit" },
      localization: { timeFormatter: (time: Time) => clock(Number(time) * 1000) },
      timeScale: {
        timeVisible: true, minBarSpacing: 1, maxBarSpacing: BAR_PX_MAX, rightOffset: 3,
        tickMarkFormatter: (time: Time, kind: TickMarkType) =>
          (kind >= TickMarkType.Time ? HOUR : DAY).format(new Date(Number(time) * 1000)),
      },
      handleScroll: { vertTouchDrag: false },
    });
    this.prices = this.chart.addSeries(CandlestickSeries, {});
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceFormat: { type: "custom", formatter: (value: number) => SOL_TEXT.format(value), minMove: 0.000001 }, lastValueVisible: false, priceLineVisible: false,
    }, 1);
    this.chart.panes()[1]?.setHeight(70);
    this.marks = createSeriesMarkers(this.prices, []);
    this.chart.subscribeCrosshairMove(event =>
      told.pointed(event.time === undefined ? null : this.candles.get(Number(event.time)) ?? null));
    this.chart.subscribeClick(event => {
      const found = event.time === undefined ? undefined : this.candles.get(Number(event.time));
      if (found) told.picked(found.begin_ms);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(range => {
      if (range !== null && range.from < LEFT_END) told.leftEnd();
    });
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.isDark.addEventListener("change", this.paint);
    this.paint();
  }

  remove(): void {
    this.themed.disconnect();
    this.isDark.removeEventListener("change", this.paint);
    this.chart.remove();
  }

  show(candles: Candle[], stepMs: number, marks: Mark[]): void {
    this.last = { candles, stepMs, marks };
    this.candles = new Map(candles.map(one => [timeOf(one.begin_ms), one]));
    const scale = this.chart.timeScale();
    const isOther = this.shownStep !== stepMs;
    const kept = isOther ? null : scale.getVisibleRange();
    const wasAtEnd = scale.scrollPosition() >= 0;
    const close = candles.at(-1)?.close ?? 1;
    // Three digits more than those that count.
    const minMove = 10 ** (Math.floor(Math.log10(close > 0 ? close : 1)) - 4);
    this.prices.applyOptions({ priceFormat: { type: "custom", formatter: axisPrice(minMove), minMove } });
    this.prices.setData(candles.flatMap((one, at) => [
      ...pause(candles[at - 1], one, stepMs),
      { time: timeOf(one.begin_ms), open: one.open, high: one.high, low: one.low, close: one.close },
    ]));
    const colors = this.colors();
    this.volume.setData(candles.map(one => {
      const bought = Number(one.spent_raw) / LAMPORTS;
      const sold = Number(one.received_raw) / LAMPORTS;
      return { time: timeOf(one.begin_ms), value: bought + sold, color: bought >= sold ? colors.buy : colors.sell };
    }));
    const first = candles[0]?.begin_ms ?? 0;
    this.marks.setMarkers(marks.filter(one => one.atMs >= first).map(one => this.markerOf(one, colors)));
    if (candles.length) this.shownStep = stepMs;
    if (kept !== null && !wasAtEnd) scale.setVisibleRange(kept);
    else if (isOther && candles.length > 0) scale.setVisibleLogicalRange({ from: Math.max(-2, scaleEnd(candles, stepMs) - 90), to: scaleEnd(candles, stepMs) + 3 });
  }

  private markerOf(one: Mark, colors: Colors): SeriesMarker<Time> {
    const time = timeOf(one.atMs);
    if (one.kind === "buy") return { time, position: "belowBar", shape: "arrowUp", color: colors.buy, text: one.text };
    if (one.kind === "sell") return { time, position: "aboveBar", shape: "arrowDown", color: colors.sell, text: one.text };
    const color = one.kind === "critical" ? colors.bad : one.kind === "warning" ? colors.warn : colors.info;
    return { time, position: "aboveBar", shape: "circle", color, text: one.text, size: 1.4 };
  }

  private colors(): Colors {
    const of = getComputedStyle(document.documentElement);
    const color = (name: string) => of.getPropertyValue(name).trim();
    return {
      paper: color("--card"), ink: color("--dim"), line: color("--line"), buy: color("--good"), sell: color("--bad"),
      bad: color("--bad"), warn: color("--warn"), info: color("--info"),
    };
  }

  private paint = (): void => {
    const c = this.colors();
    this.chart.applyOptions({
      layout: { background: { type: ColorType.Solid, color: c.paper }, textColor: c.ink, panes: { separatorColor: c.line } },
      grid: { vertLines: { color: c.line }, horzLines: { color: c.line } },
      rightPriceScale: { borderColor: c.line },
      timeScale: { borderColor: c.line },
    });
    this.prices.applyOptions({ upColor: c.buy, downColor: c.sell, wickUpColor: c.buy, wickDownColor: c.sell, borderVisible: false });
    if (this.last) this.show(this.last.candles, this.last.stepMs, this.last.marks);
  };
}

interface Colors { paper: string; ink: string; line: string; buy: string; sell: string; bad: string; warn: string; info: string }

/** The steps without a trade between two candles: no price is drawn where none was paid. */
function pause(before: Candle | undefined, after: Candle, stepMs: number): Array<{ time: UTCTimestamp }> {
  if (before === undefined) return [];
  const steps = Math.round((after.begin_ms - before.begin_ms) / stepMs) - 1;
  return Array.from({ length: Math.max(0, Math.min(steps, EMPTY_STEPS_MAX)) }, (_, at) => ({
    time: timeOf(before.begin_ms + (at + 1) * stepMs),
  }));
}

/** How many places the time scale has. */
function scaleEnd(candles: Candle[], stepMs: number): number {
  return candles.reduce((sum, one, at) => sum + 1 + pause(candles[at - 1], one, stepMs).length, 0);
}
