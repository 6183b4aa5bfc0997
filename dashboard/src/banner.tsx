// What `make up` opens on: that it is a demo, what happens in it, and how to check what rang.

import { useState } from "preact/hooks";
import type { Episode } from "./episodes";
import { bound, metricName, metricValue } from "./format";
import { Command, Said } from "./parts";
import { LABEL_MAX, plain, words } from "./text";

export function Banner({ episodes }: { episodes: Episode[] }) {
  const [shut, setShut] = useState(false);
  if (shut) return null;
  // The one that rang first: the story that the market begins with.
  const found = episodes.filter(one => one.shown.mint && one.first.kind === "opened").at(-1)?.first;
  return (
    <section class="demo" aria-label="Demo">
      <p>
        <strong>This is a demo.</strong> The market is generated on this machine: no token, wallet or trade in it is
        real. {found ? (
          <>
            <strong>{found.name ? <Said text={found.name} /> : "A token without a name"}</strong>{" "}
            is bought by many wallets in small pieces. <em><Said text={words(found.trigger)} max={LABEL_MAX} /></em> rang because{" "}
            {found.conditions.map((one, at) => (
              <span key={one.text}>{at > 0 && ", "}{metricName(one.metric)}{" "}
                <strong>{one.value === null ? "unknown" : metricValue(one.metric, one.value)}</strong> ({bound(one)})</span>
            ))}.
          </>
        ) : "Within seconds one of its tokens is quietly bought by many wallets in small pieces, and a rule rings."}
      </p>
      {found && (
        <p class="prove">
          Why each rule holds or not: <Command text={`.venv/bin/pw why ${plain(found.mint, LABEL_MAX)}`} />{" "}
          Computed again from the stored swaps: <Command text={`.venv/bin/pw prove ${plain(found.id, 8).replace("…", "")}`} />
        </p>
      )}
      <button type="button" class="shut" onClick={() => setShut(true)} aria-label="Close the demo's explanation">×</button>
    </section>
  );
}
