// The pages in the order of the navigation, and the one that an address names.

import type { JSX } from "preact";
import { Alerts } from "../alerts";
import { Board } from "../board/page";
import { ChannelsPage } from "../channels/page";
import { Days } from "../days/page";
import { ListsPage } from "../lists/page";
import type { Known, Live } from "../live";
import { RulesPage } from "../rules/page";
import { System } from "../system/page";
import { short } from "../text";
import { TapePage } from "../tape/page";
import { TokenPage } from "../token/page";
import { TransactionPage } from "../tx/page";
import { WalletPage } from "../wallet/page";
import { A, type Place } from "./route";

export interface Shown { live: Live; known: Known; of: string }

interface Page { page: string; text: string; key: string; show: (shown: Shown) => JSX.Element }

/** `key` opens it after "g". */
export const PAGES: Page[] = [
  { page: "", text: "Alerts", key: "a", show: ({ live, known }) => <Alerts live={live} known={known} /> },
  { page: "tokens", text: "Tokens", key: "t", show: shown => <Board {...shown} /> },
  { page: "live", text: "Live", key: "l", show: shown => <TapePage {...shown} /> },
  { page: "days", text: "Days", key: "d", show: () => <Days /> },
  { page: "rules", text: "Rules", key: "r", show: shown => <RulesPage {...shown} /> },
  { page: "lists", text: "Lists", key: "w", show: shown => <ListsPage {...shown} /> },
  { page: "channels", text: "Channels", key: "c", show: shown => <ChannelsPage {...shown} /> },
  { page: "system", text: "System", key: "s", show: ({ known }) => <System known={known} /> },
];
/** Pages of one token, wallet or transaction. */
const OF_ONE: Array<{ page: string; text: string; show: (shown: Shown) => JSX.Element }> = [
  { page: "token", text: "Token", show: shown => <TokenPage key={shown.of} {...shown} /> },
  { page: "wallet", text: "Wallet", show: shown => <WalletPage key={shown.of} {...shown} /> },
  { page: "tx", text: "Transaction", show: shown => <TransactionPage key={shown.of} {...shown} /> },
];

export function PageOf({ place, live, known }: { place: Place; live: Live; known: Known }) {
  const found = place.of === ""
    ? PAGES.find(one => one.page === place.page)
    : OF_ONE.find(one => one.page === place.page);
  return found ? found.show({ live, known, of: place.of }) : <Nowhere />;
}

/** What the browser's tab says of a page; nothing of the first one. */
export function titleOf(place: Place): string {
  const found = [...PAGES, ...OF_ONE].find(one => one.page === place.page);
  if (!found || place.page === "") return "";
  return `${found.text}${place.of && ` ${short(place.of)}`} · `;
}

function Nowhere() {
  return (
    <div class="empty">
      <h1>There is no such page.</h1>
      <p><A to="/">The alerts</A> are on the first one.</p>
    </div>
  );
}
